//! Blocks as the API writes them: one JSON message, or server-sent events.

use std::hash::{DefaultHasher, Hash, Hasher};

use serde_json::{Value, json};

use super::script::Script;
use super::turn::Block;

/// The unstreamed answer.
pub(crate) fn message(blocks: &[Block], request: &Value) -> Value {
    let content: Vec<Value> = blocks.iter().map(whole).collect();
    let mut message = opening(request);
    if let Some(members) = message.as_object_mut() {
        members.insert("content".into(), content.into());
        members.insert("stop_reason".into(), stop_reason(blocks).into());
    }
    message
}

/// The streamed answer, one text per event.
pub(crate) fn events(blocks: &[Block], request: &Value, script: &Script) -> Vec<String> {
    let mut events = vec![
        event(&json!({"type": "message_start", "message": opening(request)})),
        event(&json!({"type": "ping"})),
    ];
    for (index, block) in blocks.iter().enumerate() {
        let start =
            json!({"type": "content_block_start", "index": index, "content_block": empty(block)});
        events.push(event(&start));
        for delta in deltas(block, script.piece) {
            if script.pings {
                events.push(event(&json!({"type": "ping"})));
            }
            let delta = json!({"type": "content_block_delta", "index": index, "delta": delta});
            events.push(event(&delta));
        }
        events.push(event(&json!({"type": "content_block_stop", "index": index})));
    }
    let delta = json!({"stop_reason": stop_reason(blocks), "stop_sequence": null});
    let usage = json!({"output_tokens": 7});
    events.push(event(&json!({"type": "message_delta", "delta": delta, "usage": usage})));
    events.push(event(&json!({"type": "message_stop"})));
    events
}

/// The API's error body.
pub(crate) fn error(status: u16, message: &str) -> Value {
    let kind = match status {
        400 => "invalid_request_error",
        401 => "authentication_error",
        404 => "not_found_error",
        429 => "rate_limit_error",
        529 => "overloaded_error",
        _ => "api_error",
    };
    json!({
        "type": "error",
        "error": {"type": kind, "message": message},
        "request_id": "req_011mockmockmockmockmock",
    })
}

fn opening(request: &Value) -> Value {
    // Claude Code takes two answers with one id for parts of the same answer.
    let mut hasher = DefaultHasher::new();
    request.to_string().hash(&mut hasher);
    json!({
        "id": format!("msg_01mock{:016x}", hasher.finish()),
        "type": "message",
        "role": "assistant",
        "model": request.get("model"),
        "content": [],
        "stop_reason": null,
        "stop_sequence": null,
        "usage": {
            "input_tokens": 11,
            "cache_creation_input_tokens": 0,
            "cache_read_input_tokens": 0,
            "output_tokens": 1,
        },
    })
}

fn stop_reason(blocks: &[Block]) -> &'static str {
    let calls = blocks.iter().any(|block| matches!(block, Block::Tool { .. }));
    if calls { "tool_use" } else { "end_turn" }
}

pub(crate) fn whole(block: &Block) -> Value {
    match block {
        Block::Thinking { text, signature } => {
            json!({"type": "thinking", "thinking": text, "signature": signature})
        }
        Block::Text(text) => json!({"type": "text", "text": text}),
        Block::Tool { id, name, input } => {
            json!({"type": "tool_use", "id": id, "name": name, "input": input})
        }
    }
}

fn empty(block: &Block) -> Value {
    match block {
        Block::Thinking { .. } => json!({"type": "thinking", "thinking": "", "signature": ""}),
        Block::Text(_) => json!({"type": "text", "text": ""}),
        Block::Tool { id, name, .. } => {
            json!({"type": "tool_use", "id": id, "name": name, "input": {}})
        }
    }
}

fn deltas(block: &Block, piece: usize) -> Vec<Value> {
    match block {
        Block::Thinking { text, signature } => pieces(text, piece)
            .map(|text| json!({"type": "thinking_delta", "thinking": text}))
            .chain([json!({"type": "signature_delta", "signature": signature})])
            .collect(),
        Block::Text(text) => {
            pieces(text, piece).map(|text| json!({"type": "text_delta", "text": text})).collect()
        }
        Block::Tool { input, .. } => std::iter::once(String::new())
            .chain(pieces(&input.to_string(), piece))
            .map(|source| json!({"type": "input_json_delta", "partial_json": source}))
            .collect(),
    }
}

pub(crate) fn pieces(text: &str, piece: usize) -> impl Iterator<Item = String> {
    let piece = if piece == 0 { 16 } else { piece };
    let mut letters = text.chars().collect::<Vec<_>>().into_iter();
    std::iter::from_fn(move || {
        let next: String = letters.by_ref().take(piece).collect();
        (!next.is_empty()).then_some(next)
    })
}

fn event(data: &Value) -> String {
    let name = data.get("type").and_then(Value::as_str).unwrap_or("message");
    format!("event: {name}\ndata: {data}\n\n")
}
