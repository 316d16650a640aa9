//! The note for the model: where it is added in each format, and that it never moves.

use std::sync::Arc;

use masker::ext_proc::exchange::{Exchange, Output};
use masker::ext_proc::settings::Settings;
use masker::mask::masker::{Around, Masker};
use masker::mask::note::NOTE;
use serde_json::{Value, json};

use crate::driver::{masked, request_body, request_headers, send, settings};
use crate::planted::all;

/// What goes upstream when the note is on.
fn noted(path: &str, media: &str, body: &str) -> String {
    let own = settings();
    let around = Around { note: true, ..Around::default() };
    let own = Settings { masker: Masker { around, ..own.masker.clone() }, ..own };
    let mut exchange = Exchange::new(Arc::new(own));
    send(&mut exchange, request_headers(path, media, false)).unwrap();
    let said = send(&mut exchange, request_body(body.as_bytes(), true)).unwrap();
    let bytes = said.iter().flat_map(|output| match output {
        Output::RequestBody { bytes, .. } => bytes.to_vec(),
        _ => Vec::new(),
    });
    String::from_utf8(bytes.collect()).unwrap()
}

fn text() -> Value {
    json!({"type": "text", "text": NOTE})
}

const CLAUDE: &str = "/v1/messages";
const CHAT: &str = "/v1/chat/completions";
const RESPONSES: &str = "/v1/responses";
const GEMINI: &str = "/v1beta/models/g:generateContent";
const CONVERSE: &str = "/model/amazon.nova-v1%3A0/converse";

/// Requests of Claude's API, and how they are sent.
fn claudes() -> Vec<(&'static str, Value, Value)> {
    let behind = format!("Be brief.\n\n{NOTE}");
    let ask = json!([{"role": "user", "content": "x"}]);
    vec![
        (CLAUDE, json!({"messages": ask}), json!({"messages": ask, "system": NOTE})),
        (
            CLAUDE,
            json!({"system": null, "messages": ask}),
            json!({"system": NOTE, "messages": ask}),
        ),
        (
            CLAUDE,
            json!({"system": "Be brief.", "messages": ask}),
            json!({"system": behind, "messages": ask}),
        ),
        (CLAUDE, json!({"system": "", "messages": ask}), json!({"system": NOTE, "messages": ask})),
        (
            CLAUDE,
            json!({"system": [{"type": "text", "text": "a"}], "messages": ask}),
            json!({"system": [{"type": "text", "text": "a"}, text()], "messages": ask}),
        ),
        (
            CLAUDE,
            json!({"system": [], "messages": ask}),
            json!({"system": [text()], "messages": ask}),
        ),
        (
            "/v1/messages/batches",
            json!({"requests": [{"custom_id": "a", "params": {"messages": ask}}]}),
            json!({"requests": [{"custom_id": "a", "params": {"system": NOTE, "messages": ask}}]}),
        ),
        (
            "/model/anthropic.claude-v1%3A0/invoke",
            json!({"anthropic_version": "x", "messages": ask}),
            json!({"anthropic_version": "x", "system": NOTE, "messages": ask}),
        ),
    ]
}

/// And of the others.
fn others() -> Vec<(&'static str, Value, Value)> {
    let behind = format!("Be brief.\n\n{NOTE}");
    let ask = json!([{"role": "user", "content": "x"}]);
    let parts = json!([{"parts": [{"text": "x"}]}]);
    vec![
        (
            CHAT,
            json!({"messages": ask}),
            json!({"messages": [{"role": "system", "content": NOTE}, {"role": "user", "content": "x"}]}),
        ),
        (
            CHAT,
            json!({"messages": [{"role": "developer", "content": "Be brief."}]}),
            json!({"messages": [{"role": "developer", "content": behind}]}),
        ),
        (
            CHAT,
            json!({"messages": [{"role": "system", "content": [{"type": "text", "text": "a"}]}]}),
            json!({"messages": [{"role": "system", "content": [{"type": "text", "text": "a"}, text()]}]}),
        ),
        (RESPONSES, json!({"input": "x"}), json!({"input": "x", "instructions": NOTE})),
        (
            RESPONSES,
            json!({"input": "x", "instructions": "Be brief."}),
            json!({"input": "x", "instructions": behind}),
        ),
        (
            GEMINI,
            json!({"contents": parts}),
            json!({"contents": parts, "systemInstruction": {"parts": [{"text": NOTE}]}}),
        ),
        (
            GEMINI,
            json!({"contents": parts, "system_instruction": {"parts": [{"text": "a"}]}}),
            json!({"contents": parts, "system_instruction": {"parts": [{"text": "a"}, {"text": NOTE}]}}),
        ),
        (CONVERSE, json!({"messages": []}), json!({"messages": [], "system": [{"text": NOTE}]})),
        (
            CONVERSE,
            json!({"messages": [], "system": [{"text": "a"}, {"cachePoint": {"type": "default"}}]}),
            json!({"messages": [], "system": [{"text": "a"}, {"cachePoint": {"type": "default"}}, {"text": NOTE}]}),
        ),
    ]
}

#[test]
fn it_stands_behind_the_system_text() {
    for (path, body, expected) in claudes().into_iter().chain(others()) {
        let sent = noted(path, "application/json", &body.to_string());
        assert_eq!(serde_json::from_str::<Value>(&sent).unwrap(), expected, "{path} {body}");
        assert_eq!(noted(path, "application/json", &sent), sent, "once is enough");
    }
}

#[test]
fn it_is_not_where_no_model_reads_or_where_it_is_forbidden() {
    for (path, body) in [
        (CHAT, json!({"prompt": "x"})),
        ("/v1/embeddings", json!({"input": "x", "model": "m"})),
        (RESPONSES, json!({"input": "x", "prompt": {"id": "pmpt_1"}})),
        (GEMINI, json!({"contents": [], "cachedContent": "cachedContents/1"})),
        ("/v1beta/models/g:countTokens", json!({"contents": []})),
        ("/v1beta/models/g:embedContent", json!({"content": {"parts": []}})),
        ("/v1/x", json!({"messages": []})),
        (CLAUDE, json!({"type": "message"})),
    ] {
        let body = body.to_string();
        assert_eq!(noted(path, "application/json", &body), body, "{path}");
    }
}

/// All else is what it is without the note, and what came before stays as it was.
#[test]
fn nothing_else_changes_and_it_never_moves() {
    for golden in all() {
        let (path, media) = (golden.family.path, golden.family.media);
        let sent = noted(path, media, &golden.source);
        let plain = masked(path, media, &golden.source).body.bytes();
        let plain = std::str::from_utf8(&plain).unwrap();
        let Some(at) = sent.find(NOTE) else {
            assert_eq!(sent, plain, "{}", golden.name);
            continue;
        };
        let same = sent.bytes().zip(plain.bytes()).take_while(|(a, b)| a == b).count();
        assert!(at - same < 60, "{}", golden.name);
    }
    let turn = |more: &str| {
        let body = format!(
            r#"{{"system":"Look after i-0123456789abcdef0","messages":[{{"role":"user","content":"x"}}{more}]}}"#
        );
        noted(CLAUDE, "application/json", &body)
    };
    let (first, second) = (turn(""), turn(r#",{"role":"assistant","content":"AWS_"}"#));
    assert!(second.starts_with(first.strip_suffix("]}").unwrap()), "{first}");
}
