//! Schemas that would forbid placeholders, in every format: the same whatever else a request
//! holds.

use serde_json::{Value, json};

use crate::driver::masked;
use crate::golden_streams::mask_text;

const ID: &str = "i-0123456789abcdef0";
const WIDE: &str = "^i-[0-9a-f]{17}$|^(AWS|SECRET)_[A-Z0-9_]+$";

/// A schema, and how it is sent.
fn schema() -> (Value, Value) {
    let of = |pattern: &str, length: usize, id: &str| {
        let id = json!({"type": "string", "pattern": pattern, "maxLength": length, "enum": [id]});
        json!({"type": "object", "properties": {"id": id, "on": {"type": "string", "format": "date"}}})
    };
    (of("^i-[0-9a-f]{17}$", 19, ID), of(WIDE, 40, &mask_text(ID)))
}

/// Paths with a request that holds the schema in each place.
fn requests(schema: &Value) -> Vec<(&'static str, Value)> {
    let converse = json!({"tools": [{"toolSpec": {"name": "t", "inputSchema": {"json": schema}}}]});
    let inner =
        json!({"type": "json_schema", "structure": {"jsonSchema": {"schema": schema.to_string()}}});
    let format = json!({"type": "json_schema", "schema": schema});
    let declaration = json!({"name": "t", "parameters": schema, "parametersJsonSchema": schema});
    vec![
        (
            "/v1/messages",
            json!({"tools": [{"name": "t", "strict": true, "input_schema": schema}],
                "output_config": {"format": format}, "output_format": format}),
        ),
        (
            "/v1/messages/batches",
            json!({"requests": [{"custom_id": "a", "params": {"tools": [{"input_schema": schema}]}}]}),
        ),
        (
            "/model/anthropic.claude-v1%3A0/invoke",
            json!({"anthropic_version": "x", "tools": [{"input_schema": schema}]}),
        ),
        (
            "/v1/chat/completions",
            json!({"messages": [], "tools": [{"type": "function", "function": {"parameters": schema}}],
                "functions": [{"parameters": schema}],
                "response_format": {"type": "json_schema", "json_schema": {"schema": schema}}}),
        ),
        (
            "/v1/responses",
            json!({"input": "x", "tools": [{"type": "function", "parameters": schema}],
                "text": {"format": format}}),
        ),
        (
            "/v1beta/models/gemini-3-pro:generateContent",
            json!({"tools": [{"functionDeclarations": [declaration]}],
                "generationConfig": {"responseSchema": schema, "responseJsonSchema": schema}}),
        ),
        (
            "/model/amazon.nova-v1%3A0/converse",
            json!({"toolConfig": converse, "outputConfig": {"textFormat": inner}}),
        ),
    ]
}

fn sent(path: &str, request: &str) -> Value {
    serde_json::from_slice(&masked(path, "application/json", request).body.bytes()).unwrap()
}

#[test]
fn schemas_admit_placeholders_in_every_format() {
    let (given, wide) = schema();
    for ((path, request), (_, expected)) in requests(&given).into_iter().zip(requests(&wide)) {
        assert_eq!(sent(path, &request.to_string()), expected, "{path}");
        let again = expected.to_string();
        assert_eq!(
            masked(path, "application/json", &again).body.bytes(),
            again.as_bytes(),
            "{path}: once is enough"
        );
    }
}

#[test]
fn the_rest_of_a_request_plays_no_role() {
    let (given, _) = schema();
    let tools = format!(r#""tools" : [ {{"name":"t", "input_schema": {given} }} ]"#);
    let prefix = |messages: &str| {
        let request = format!(r#"{{ {tools}, "messages": [{messages}] }}"#);
        let body = masked("/v1/messages", "application/json", &request).body;
        let body = String::from_utf8(body.bytes()).unwrap();
        body.split_once(r#", "messages""#).unwrap().0.to_owned()
    };
    let first = prefix("");
    assert!(
        first.contains(WIDE)
            && first.starts_with(r#"{ "tools" : [ {"name":"t", "input_schema": {"#)
    );
    assert_eq!(prefix(r#"{"role":"user","content":"vpc-0a1b2c3d4e5f60718"}"#), first);
}

#[test]
fn what_is_no_schema_stays() {
    let (given, _) = schema();
    let text = json!({"messages": [{"role": "user", "content": [{"type": "tool_use", "id": "a",
        "name": "t", "input": {"input_schema": given}}]}], "metadata": {"tools": [{"input_schema": given}]}});
    let found = sent("/v1/messages", &text.to_string()).to_string();
    assert!(!found.contains("SECRET)"), "{found}");
}

#[test]
fn what_a_pattern_names_is_not_written_again() {
    let schema = json!({"pattern": "^arn:aws:iam::123456789012:role/[a-z]+$"});
    let request = json!({"messages": [], "tools": [{"name": "t", "input_schema": schema}]});
    let found = sent("/v1/messages", &request.to_string());
    let pattern = found["tools"][0]["input_schema"]["pattern"].as_str().unwrap();
    assert!(!pattern.contains("123456789012"), "{pattern}");
    assert!(pattern.ends_with("[!-~]*(AWS|SECRET)_[A-Z0-9_]+[!-~]*$"), "{pattern}");
}

#[test]
fn accounts_that_are_numbers_in_schemas() {
    let schema = |kind: Value, account: Value, id: &str| {
        json!({"properties": {
            "account_id": {"type": kind, "enum": [account]},
            "owners": {"items": {"const": account, "type": kind}},
            "owner_id": {"type": "string", "enum": [id], "default": id},
            "size": {"type": "integer", "enum": [998877665544_u64], "maximum": 998877665545_u64}}})
    };
    let given = schema(json!("integer"), json!(123456789012_u64), "123456789012");
    let request = json!({"messages": [], "tools": [{"name": "t", "input_schema": given}]});
    let found = sent("/v1/messages", &request.to_string());
    let found = &found["tools"][0]["input_schema"];
    let number = found["properties"]["account_id"]["enum"][0].as_str().unwrap();
    assert!(number.starts_with("AWS_ACCOUNT_NUMBER_"), "{found}");
    let id = mask_text("account 123456789012").split_once(' ').unwrap().1.to_owned();
    let kind = json!(["integer", "string"]);
    let mut expected = schema(kind.clone(), json!(number), &id);
    // Its number may be an account: the schema alone decides.
    expected["properties"]["size"]["type"] = kind;
    assert_eq!(*found, expected);
}
