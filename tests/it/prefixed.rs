//! What stands on several lines, behind what tools put before each: what the provider receives.

use masker::body::select::Format;
use masker::mask::document::{Form, mask};
use serde_json::json;

use crate::setup::{MASKER, SCOPE};

const PASSWORD: &str = "Zx81LpVw9!";
const ACCOUNT: &str = "481726350914";
const KEY: &str = "MIIEowIBAAKCAQEAx1vqv";

/// What the provider receives of what a tool printed.
fn received(text: &str) -> String {
    let body = json!({"messages": [
        {"role": "assistant", "content": [
            {"type": "tool_use", "id": "toolu_1", "name": "Read", "input": {"file_path": "/a"}}]},
        {"role": "user", "content": [
            {"type": "tool_result", "tool_use_id": "toolu_1", "content": text},
            {"type": "text", "text": "And now?"}]}]});
    let form = Form::Json(Format::Messages);
    mask(&MASKER, &SCOPE, form, &body.to_string()).unwrap().0
}

#[test]
fn nothing_goes_out_behind_prefixes() {
    let texts = [
        format!("x: 1\n- name: DB_PASSWORD\n  value: {PASSWORD}\n"),
        format!("accounts:\n  - '{ACCOUNT}'\nend: 1\n"),
        format!(
            "-----BEGIN RSA PRIVATE KEY-----\n{KEY}\n{KEY}\n-----END RSA PRIVATE KEY-----\nx: 1\n"
        ),
        format!("user\tpassword\nann\t{PASSWORD}\n"),
        "the bucket of arn:aws:s3:::acme-raw-7\n  bucket: acme-raw-7\n".to_owned(),
    ];
    let prefixes: [fn(usize) -> String; 14] = [
        |n| format!("{n:>6}→"),
        |n| format!("{n}→"),
        |n| format!("{n:>6}\t"),
        |n| format!("{n}:"),
        |n| format!("deploy/app.yml:{n}:"),
        |_| "api-1  | ".to_owned(),
        |_| "2026-11-22T10:00:00.1Z ".to_owned(),
        |_| "> ".to_owned(),
        |_| "+".to_owned(),
        |_| "[2026-11-22T10:00:00.118Z] ".to_owned(),
        |_| "2026-11-22 10:00:00,118 INFO  [main] c.f.App - ".to_owned(),
        |_| "2026-11-22T10:00:00.1+00:00 api/api/0a1b2c3d ".to_owned(),
        |_| "      + ".to_owned(),
        |n| format!("1f2e3d4c (M Kern 2026-11-22 10:00:00 +0100 {n:>2}) "),
    ];
    for text in &texts {
        for prefix in prefixes {
            let lines = text.lines().enumerate();
            let text: String =
                lines.map(|(at, line)| format!("{}{line}\n", prefix(at + 7))).collect();
            let sent = received(&text);
            for value in [PASSWORD, ACCOUNT, KEY, "acme-raw"] {
                assert!(!sent.contains(value), "{sent}");
            }
            assert!(sent.contains("AWS_") || sent.contains("SECRET_"), "{sent}");
        }
    }
}

/// Numbers that look like those of lines, and are more.
#[test]
fn columns_and_ids_that_begin_with_numbers_are_read() {
    for (text, values) in [
        (format!("id\tpassword\n1\t{PASSWORD}\n2\tQx81LpVw8!\n"), [PASSWORD, "Qx81LpVw8!"]),
        (format!("n\taccount_id\n1\t{ACCOUNT}\n2\t481726350915\n"), [ACCOUNT, "481726350915"]),
        ("AccountId\n1234-5678-9012\n2234-5678-9013\n".to_owned(), ["5678-9012", "5678-9013"]),
    ] {
        let sent = received(&text);
        assert!(values.iter().all(|value| !sent.contains(value)), "{sent}");
    }
}
