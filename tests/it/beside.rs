//! Keys that others use too: a sign of AWS anywhere in their unit makes names of their values.

use masker::body::select::Format;
use masker::mask::document::{Form, mask};

use crate::setup::{self, SCOPE};

fn masked(format: Format, source: &str) -> String {
    mask(&setup::masker(), &SCOPE, Form::Json(format), source).unwrap().0
}

#[test]
fn a_sign_in_any_leaf_counts_in_both_orders() {
    for (sign, name) in [
        (r#""repositoryArn":"arn:aws:ecr:eu-west-1:749312086455:repository/*""#, "repositoryName"),
        (r#""jobDefinition":"AWS::Batch::JobDefinition""#, "jobName"),
        (r#""endpoint":"glacier.eu-west-1.amazonaws.com""#, "vaultName"),
        (r#""instances":["i-0123456789abcdef0"]"#, "groupName"),
        (r#""dbInstanceIdentifier":"orders""#, "userName"),
    ] {
        let pair = format!(r#""{name}":"render""#);
        for body in [format!("{{{sign},{pair}}}"), format!("{{{pair},{sign}}}")] {
            assert!(!masked(Format::Other, &body).contains("render"), "{body}");
            // The same as a string.
            let text = serde_json::json!({ "output": body }).to_string();
            assert!(!masked(Format::Other, &text).contains("render"), "{text}");
        }
        let alone = format!("{{{pair}}}");
        assert_eq!(masked(Format::Other, &alone), alone);
    }
}

#[test]
fn a_sign_counts_in_its_unit_alone() {
    let input = |name: &str, more: &str| {
        format!(
            r#"{{"type":"tool_use","id":"t","name":"x","input":{{"functionName":"{name}"{more}}}}}"#
        )
    };
    let body = format!(
        r#"{{"messages":[{{"role":"assistant","content":[{},{}]}}]}}"#,
        input("render", ""),
        input("resize", r#","x":["vpc-0123456789abcdef0"]"#),
    );
    let shown = masked(Format::Messages, &body);
    assert!(shown.contains("render") && !shown.contains("resize"), "{shown}");
}

#[test]
fn what_others_have_too_is_no_sign() {
    for other in ["10.1.2.3", "ghp_0123456789abcdefghijABCDEFGHIJ012345", "render"] {
        let body = format!(r#"{{"a":"{other}","functionName":"render"}}"#);
        assert!(masked(Format::Other, &body).contains(r#""functionName":"render""#), "{body}");
    }
}
