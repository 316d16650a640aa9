use regex::bytes::Regex;

use super::patterns::SAMPLES;
use super::*;

const OR: &str = "|^(AWS|SECRET)_[A-Z0-9_]+$";

/// A schema as it is sent.
fn widened(schema: &str) -> String {
    let source = format!(r#"{{"tools":[{{"name":"t","input_schema":{schema}}}]}}"#);
    let mut swaps = Vec::new();
    widen(&Tape::parse(&source, 32).unwrap(), Format::Messages, &mut swaps, 32).unwrap();
    let sent = splice(&source, &mut swaps).unwrap();
    let schema = sent.strip_prefix(r#"{"tools":[{"name":"t","input_schema":"#).unwrap();
    schema.strip_suffix("}]}").unwrap().to_owned()
}

#[test]
fn constraints_that_forbid_placeholders_are_widened() {
    let arn = r"[!-~]*(AWS|SECRET)_[A-Z0-9_]+[!-~]*$";
    for (schema, expected) in [
        (
            r#"{ "pattern" : "^i-[0-9a-f]{17}$" }"#,
            format!(r#"{{ "pattern" : "^i-[0-9a-f]{{17}}${OR}" }}"#),
        ),
        // One that masker cannot read, and one that only looks at the beginning.
        (r#"{"pattern":"(?=x)y"}"#, format!(r#"{{"pattern":"(?=x)y{OR}"}}"#)),
        (r#"{"pattern":"^[a-z]"}"#, format!(r#"{{"pattern":"^[a-z]{OR}"}}"#)),
        (r#"{"pattern":"^arn:.*"}"#, format!(r#"{{"pattern":"^arn:.*{OR}"}}"#)),
        (
            r#"{"pattern":"^arn:aws:iam::\\d{12}:role/[a-z]+$"}"#,
            format!(
                r#"{{"pattern":"^arn:aws:iam::\\d{{12}}:role/[a-z]+${OR}|^arn:aws:iam::{arn}"}}"#
            ),
        ),
        (
            r#"{"pattern":"^(https?:\\/\\/[a-z.]+)$","maxLength":64}"#,
            format!(
                r#"{{"pattern":"^(https?:\\/\\/[a-z.]+)${OR}|^https?:\\/\\/{arn}","maxLength":160}}"#
            ),
        ),
        (r#"{"maxLength":19,"minLength":19}"#, r#"{"maxLength":40,"minLength":18}"#.to_owned()),
        (
            r#"{"format":"ipv4"}"#,
            format!(
                r#"{{"pattern":"^[0-9]{{1,3}}[.][0-9]{{1,3}}[.][0-9]{{1,3}}[.][0-9]{{1,3}}${OR}"}}"#
            ),
        ),
        (
            r#"{"type":"integer","enum":[1,123456789012]}"#,
            r#"{"type":["integer","string"],"enum":[1,123456789012]}"#.to_owned(),
        ),
        (
            r#"{"items":{"const":123456789012,"type":"number"}}"#,
            r#"{"items":{"const":123456789012,"type":["number","string"]}}"#.to_owned(),
        ),
        (r#"{"format":"hostname"}"#, r#"{"pattern":"^[0-9A-Za-z_.-]+$"}"#.to_owned()),
        (r#"{"format":"uuid", "pattern":".*"}"#, r#"{ "pattern":".*"}"#.to_owned()),
        (r#"{"pattern":".*" , "format":"uuid"}"#, r#"{"pattern":".*" }"#.to_owned()),
        (
            r#"{"patternProperties":{"^i-":{}},"propertyNames":{"maxLength":20}}"#,
            format!(
                r#"{{"patternProperties":{{"^i-{OR}":{{}}}},"propertyNames":{{"maxLength":40}}}}"#
            ),
        ),
        (
            r#"{"properties":{"pattern":{"items":{"anyOf":[{"pattern":"^[a-z-]+$"},{"type":"null"}]}}}}"#,
            format!(
                r#"{{"properties":{{"pattern":{{"items":{{"anyOf":[{{"pattern":"^[a-z-]+${OR}"}},{{"type":"null"}}]}}}}}}}}"#
            ),
        ),
        (
            r##"{"$ref":"#/$defs/id","$defs":{"id":{"pattern":"^[a-z-]+$"}}}"##,
            format!(r##"{{"$ref":"#/$defs/id","$defs":{{"id":{{"pattern":"^[a-z-]+${OR}"}}}}}}"##),
        ),
    ] {
        let sent = widened(schema);
        assert_eq!(sent, expected, "{schema}");
        assert_eq!(widened(&sent), sent, "again: {schema}");
    }
}

#[test]
fn what_admits_placeholders_or_is_no_constraint_stays() {
    for schema in [
        r#"{"pattern":"^[A-Za-z0-9_-]+$"}"#,
        r#"{"pattern":"^.{1,64}$"}"#,
        r#"{"pattern":"\\S"}"#,
        r#"{"maxLength":2,"minLength":3}"#,
        r#"{"maxLength":280,"minLength":100}"#,
        r#"{"format":"date-time"}"#,
        r#"{"format":"uri"}"#,
        r#"{"properties":{"a":{"default":{"pattern":"^[a-z-]+$"},"enum":["^[a-z-]+$"],"const":{"maxLength":9}}}}"#,
        r#"{"not":{"pattern":"^[a-z-]+$"},"if":{"maxLength":9},"examples":[{"format":"uuid"}]}"#,
        r#"{"pattern":"^[a-z-]+$","pattern":"^y$"}"#,
        r#"{"pattern":3,"maxLength":-9,"format":null,"properties":[]}"#,
        r#"{"maxLength":9.5}"#,
        "true",
    ] {
        assert_eq!(widened(schema), schema);
    }
}

/// One swap takes the place of those in a schema that is widened, and of no others.
#[test]
fn what_is_masked_around_and_in_schemas_stays_masked() {
    let source = r#"{"system":"i-1","tools":[{"name":"a","input_schema":{"title":"i-2"}},{"name":"b","description":"i-3","input_schema":{"title":"i-4","pattern":"^i-[0-9a-f]{17}$","default":"i-5"}}],"messages":"i-6"}"#;
    let tape = Tape::parse(source, 32).unwrap();
    let at = |value: &str| source.find(value).unwrap();
    let mut swaps: Vec<_> = (1..=6)
        .rev()
        .map(|number| {
            let start = at(&format!("i-{number}"));
            Swap { span: start..start + 3, with: format!("AWS_EC2_{number}") }
        })
        .collect();
    let masked = splice(source, &mut swaps.clone()).unwrap();
    widen(&tape, Format::Messages, &mut swaps, 32).unwrap();
    let sent = splice(source, &mut swaps).unwrap();
    assert_eq!(swaps.len(), 5, "{swaps:?}");
    assert!(sent.contains(&format!("^i-[0-9a-f]{{17}}${OR}")), "{sent}");
    assert_eq!(sent.replace(OR, ""), masked);
}

#[test]
fn a_widened_pattern_matches_what_it_did_and_placeholders() {
    for (pattern, good, bad) in [
        ("^i-[0-9a-f]{8}$", "i-0abc1234", "i-xyz"),
        ("^\\d{4}-\\d{4}-\\d{4}$", "1234-5678-9012", "tomorrow"),
        ("o|l", "xox", "abc"),
        ("^arn:aws:sns:[a-z0-9-]+:[0-9]{12}:x$", "arn:aws:sns:eu-west-1:123456789012:x", "arn:x"),
    ] {
        let wide = format!("{pattern}{}", more(pattern, true).unwrap());
        let regex = Regex::new(&wide).unwrap();
        for sample in SAMPLES.into_iter().chain([good]) {
            assert!(regex.is_match(sample.as_bytes()), "{wide} {sample}");
        }
        for wrong in [bad, "see AWS_EC2_BF3K9Q2MX4TB", "aws_ec2_bf3k9q2mx4tb"] {
            assert!(!regex.is_match(wrong.as_bytes()), "{wide} {wrong}");
        }
    }
    let pattern = "^arn:aws:sns:[a-z0-9-]+:[0-9]{12}:[a-z]+$";
    let wide = format!("{pattern}{}", more(pattern, true).unwrap());
    let masked = "arn:aws:sns:eu-west-1:AWS_ACCOUNT_BF3K9Q2MX4TB:AWS_SNS_BF3K9Q2MX4TB";
    assert!(Regex::new(&wide).unwrap().is_match(masked.as_bytes()));
    assert!(!Regex::new(&wide).unwrap().is_match(b"arn:aws:sns:eu-west-1:x"));
}

#[test]
fn a_pattern_of_nothing_that_is_masked_stays() {
    for pattern in ["^wf_[a-z0-9-]{6,}$", "^\\d{4}-\\d{2}-\\d{2}$", "^[A-Z]{3}$", "^(yes|no)$"] {
        assert_eq!(more(pattern, true), None, "{pattern}");
    }
}
