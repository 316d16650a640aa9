//! `masker patterns`: the catalog, shown and tried.

use serde_json::Value;

use crate::{masker, stderr, stdout};

#[test]
fn all_patterns_are_listed_as_text_and_as_json() {
    let text = stdout(&masker(&["patterns", "list"]));
    let lines = stdout(&masker(&["patterns", "list", "--format", "json"]));
    assert_eq!(text.lines().count(), lines.lines().count() + 1);
    assert!(lines.lines().count() > 200);
    for (line, json) in text.lines().skip(1).zip(lines.lines()) {
        let pattern: Value = serde_json::from_str(json).unwrap();
        assert!(line.starts_with(pattern["name"].as_str().unwrap()), "{line}");
        assert!(pattern["since"].as_u64().unwrap() > 0);
        assert!(!pattern["kinds"].as_array().unwrap().is_empty());
        assert_eq!(line.contains(" critical "), pattern["critical"].as_bool().unwrap(), "{line}");
    }
    let key = lines.lines().find(|line| line.contains("\"iam.access-key-id\"")).unwrap();
    for family in ["arn", "context", "keys"] {
        assert!(lines.contains(&format!("\"family\":\"{family}\"")), "{family}");
    }
    assert!(key.contains("\"critical\":true") && key.contains("\"ACCESS_KEY\""), "{key}");
}

#[test]
fn one_pattern_is_explained() {
    let text = stdout(&masker(&["patterns", "explain", "ec2.instance"]));
    for part in ["EC2", "ec2_vpc", "i-[0-9a-f]{8,40}", "boundary", "i-main", "source"] {
        assert!(text.contains(part), "{part}: {text}");
    }
    let wrong = masker(&["patterns", "explain", "ec2.instanse"]);
    assert_eq!(wrong.status.code(), Some(1));
    let said = "masker: there is no pattern \"ec2.instanse\"; did you mean \"ec2.instance\"?\n";
    assert_eq!(stderr(&wrong), said);
}

#[test]
fn a_text_is_tried_and_each_miss_has_its_reason() {
    for (text, parts) in [
        ("use i-0123456789abcdef7", &["found", "EC2", "ec2.instance", "by its shape"][..]),
        ("arn:aws:iam::749312086455:role/x", &["found", "ACCOUNT", " arn "]),
        ("account 749312086455", &["found", "context.account", "by its key or the words"]),
        ("xi-0a1b2c3d", &["missed", "ec2.instance", "left boundary"]),
        ("i-0123456789abcdef7x", &["missed", "ec2.instance", "right boundary"]),
        ("AKIAXMEDIUM", &["missed", "iam.access-key-id", "expression"]),
        ("749312086455", &["missed", "context.account", "context: only beside a key"]),
        ("hello", &["nothing is found"]),
    ] {
        let output = masker(&["patterns", "try", text]);
        assert_eq!(output.status.code(), Some(0));
        let said = stdout(&output);
        assert!(parts.iter().all(|part| said.contains(part)), "{text}: {said}");
    }
    let long = "x".repeat(70_000);
    assert_eq!(masker(&["patterns", "try", &long]).status.code(), Some(1));
}
