//! `masker explain`.

use std::fs;

use serde_json::json;

use crate::{masker, stderr, stdout};

const ID: &str = "i-0123456789abcdef0";

#[test]
fn each_place_is_told_without_values() {
    let dir = tempfile::tempdir().unwrap();
    let (key, file) = (dir.path().join("key"), dir.path().join("request.json"));
    assert!(masker(&["keys", "new", "--out", key.to_str().unwrap()]).status.success());
    let image = json!({"type": "base64", "media_type": "image/png", "data": "AA=="});
    let body = json!({
        "metadata": {"user_id": ID},
        "tools": [{"name": "t", "input_schema": {"properties": {"id": {"pattern": "^i-[0-9a-f]+$"}}}},
            {"type": "web_search_20250305", "name": "web_search"}],
        "messages": [{"role": "user", "content": [
            {"type": "text", "text": format!("see {ID} and arn:aws:s3:::acme-payments-prod")},
            {"type": "tool_result", "content": [{"type": "text", "text": "acme-payments-prod"}]},
            {"type": "tool_use", "id": "a", "name": "t", "input": {ID: "x"}},
            {"type": "image", "source": image}, {"type": "text", "text": "nothing"}]}],
    });
    fs::write(&file, body.to_string()).unwrap();
    let with = ["--key-file", key.to_str().unwrap(), file.to_str().unwrap()];
    let output = masker(&[&["explain"][..], &with].concat());
    let told = stdout(&output);
    assert!(output.status.success(), "{}", stderr(&output));
    for (path, what) in [
        ("/metadata/user_id", "stays            EC2 in the metadata"),
        ("/tools/0/input_schema/properties/id/pattern", "widened          pattern"),
        ("/messages/0/content/0/text", "by its shape"),
        ("/messages/0/content/0/text", "as a field of what is around it"),
        ("/messages/0/content/1/content/0/text", "known from another place"),
        ("/messages/0/content/2/input", "masked           AWS_EC2_"),
        ("/messages/0/content/3/source/data", "not looked into  images"),
        ("/", "provider tool    WebSearch"),
    ] {
        let line = |line: &str| line.starts_with(&format!("{path}  ")) && line.contains(what);
        assert!(told.lines().any(line), "{path} {what}\n{told}");
    }
    assert!(!told.contains(ID) && !told.contains("acme-payments"), "{told}");
    assert!(!told.contains("/messages/0/content/4"), "{told}");
    for (path, known) in [("/v1/messages?beta=true", true), ("/v1/mesages", false)] {
        let told = stderr(&masker(&[&["explain", "--path", path][..], &with].concat()));
        assert_eq!(told.contains("no API that is known has this --path"), !known, "{told}");
    }
    fs::write(&file, "{\"a\":").unwrap();
    let wrong = masker(&[&["explain"][..], &with].concat());
    assert_eq!(wrong.status.code(), Some(1));
    assert!(stderr(&wrong).contains("no JSON"), "{}", stderr(&wrong));
}
