//! Patterns and allow-lists of the operator's own, from finding to restoring.

use std::sync::Arc;

use masker::body::select::Format;
use masker::detect::custom::{Allow, Find, Own, Pattern};
use masker::detect::{Catalog, Settings};
use masker::mask::document::{self, Form};
use masker::mask::masker::Masker;

use crate::driver::settings;
use crate::setup::{DEPTH, SCOPE};

fn pattern(kind: &str, find: Find) -> Pattern {
    Pattern {
        name: kind.to_ascii_lowercase(),
        kind: kind.to_owned(),
        critical: false,
        find,
        examples: Vec::new(),
        counter_examples: Vec::new(),
    }
}

fn expression(kind: &str, text: &str) -> Pattern {
    pattern(kind, Find::Expression(text.to_owned()))
}

fn names(kind: &str, names: &[&str]) -> Pattern {
    pattern(kind, Find::Names(names.iter().map(|name| (*name).to_owned()).collect()))
}

fn masker(patterns: Vec<Pattern>, allow: Allow) -> Masker {
    let own = Arc::new(Own { patterns, allow });
    let catalog = Catalog::builtin(&Settings { own, ..Settings::default() }).unwrap();
    Masker { catalog: Arc::new(catalog), ..settings().masker }
}

/// The masked text, after it was checked that it comes back.
fn mask(masker: &Masker, form: Form, source: &str) -> String {
    let (masked, table, _) = document::mask(masker, &SCOPE, form, source).unwrap();
    let (restored, _) = document::unmask(form, &masked, DEPTH, &table);
    assert_eq!(restored, source, "{masked}");
    let (again, ..) = document::mask(masker, &SCOPE, form, &masked).unwrap();
    assert_eq!(again, masked, "masking what is masked changes nothing");
    masked
}

#[test]
fn what_a_pattern_finds_is_masked_and_restored() {
    let masker = masker(
        vec![
            expression("TICKET", "PRJ-[0-9]{3,6}"),
            names("BUCKET_NAME", &["acme", "acme-payments"]),
        ],
        Allow::default(),
    );
    let masked = mask(&masker, Form::Text, "PRJ-1234 in acme-payments, xPRJ-1234, acmes");
    assert!(masked.starts_with("SECRET_TICKET_"), "{masked}");
    assert!(masked.contains(" in SECRET_BUCKET_NAME_"), "{masked}");
    assert!(masked.ends_with(", xPRJ-1234, acmes") && !masked.contains("payments"), "{masked}");
    // Escaped once and twice, as a part of a known structure, as a key.
    let source = r#"{"a":"\u0050RJ-1234\nPRJ-1234","b":"{\"c\":\"\\nPRJ-77777\"}","PRJ-123":"s3://acme-payments/x"}"#;
    let (masked, table, _) =
        document::mask(&masker, &SCOPE, Form::Json(Format::Other), source).unwrap();
    for value in ["RJ-1234", "PRJ-77777", "PRJ-123", "acme"] {
        assert!(!masked.contains(value), "{value}: {masked}");
    }
    let (restored, _) = document::unmask(Form::Json(Format::Other), &masked, DEPTH, &table);
    let values = |text: &str| serde_json::from_str::<serde_json::Value>(text).unwrap();
    assert_eq!(values(&restored), values(source));
}

#[test]
fn own_patterns_win_over_the_catalog() {
    let text = "i-0123456789abcdef0 AKIAQ6ZT3LMN7XYABCDE";
    let own = vec![expression("HOST_ID", "i-[0-9a-f]{17}")];
    let masked = mask(&masker(own, Allow::default()), Form::Text, text);
    assert!(masked.starts_with("SECRET_HOST_ID_"), "{masked}");
    assert!(masked.contains(" AWS_ACCESS_KEY_"), "{masked}");
    let own = vec![expression("ABCDEFGHJKMNP_RSTVWX", "own-[0-9]{3}")];
    let masked = mask(&masker(own, Allow::default()), Form::Text, "own-123");
    assert!(masked.starts_with("SECRET_ABCDEFGHJKMNP_RSTVWX_"), "{masked}");
    // A kind of the catalog stays what it is.
    let own = vec![expression("EC2", "node-[0-9]{3}")];
    let masked = mask(&masker(own, Allow::default()), Form::Text, "node-123");
    assert!(masked.starts_with("AWS_EC2_"), "{masked}");
}

#[test]
fn what_is_allowed_is_never_masked() {
    let allow = Allow {
        values: vec!["749312086455".to_owned(), "acme-public".to_owned()],
        expressions: vec!["i-0{8}[0-9a-f]{9}".to_owned()],
    };
    let masker = masker(vec![names("BUCKET_NAME", &["acme-public", "acme-other"])], allow);
    let free = [
        "account 749312086455, arn:aws:iam::749312086455:root",
        "s3://acme-public/x and acme-public alone",
        "i-00000000123456789",
    ];
    for text in free {
        assert_eq!(mask(&masker, Form::Text, text), text);
    }
    let number = r#"{"accountId":749312086455,"a":"749312086455"}"#;
    assert_eq!(mask(&masker, Form::Json(Format::Other), number), number);
    for text in
        ["account 749312086456", "i-0123456789abcdef0", "acme-other", "acme-public2/acme-other"]
    {
        assert_ne!(mask(&masker, Form::Text, text), text);
    }
}

#[test]
fn a_long_text_of_near_misses_is_read_in_linear_time() {
    let masker = masker(
        vec![expression("RUN", "a{3,1000}"), names("NAME", &["aaaa", "aaaaaaaa"])],
        Allow::default(),
    );
    let text = "a".repeat(1 << 20);
    assert_eq!(mask(&masker, Form::Text, &text), text);
}
