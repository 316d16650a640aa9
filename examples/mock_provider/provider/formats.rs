//! The same turns in the formats of OpenAI, Gemini and Bedrock: whole, in events, in a JSON
//! array, in binary messages.

use aws_smithy_eventstream::frame::write_message_to;
use aws_smithy_types::event_stream::{Header, HeaderValue, Message};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use hyper::Response;
use serde_json::{Value, json};

use super::answer;
use super::reply::{self, Body};
use super::script::{Script, fill, fill_value};
use super::turn;

/// What the model says and calls.
struct Said {
    text: String,
    tool: Option<(String, Value)>,
    piece: usize,
}

/// The answer of an endpoint. `None`: it is none of these.
pub(crate) fn answer(path: &str, body: &[u8], script: &Script) -> Option<Response<Body>> {
    let (api, stream) = api(path)?;
    let request: Value = serde_json::from_slice(body).ok()?;
    if path.contains("/invoke") {
        return Some(invoke(&request, script, stream));
    }
    let said = said(&request, script);
    let wanted = stream || request.get("stream") == Some(&Value::Bool(true));
    Some(match (api, wanted) {
        ("chat", true) => events(chat_events(&said), script),
        ("chat", false) => reply::json(200, &chat(&said)),
        ("responses", true) => events(responses_events(&said), script),
        ("responses", false) => reply::json(200, &response(&said)),
        ("gemini", true) => events(gemini_events(&said), script),
        ("array", _) => array(&gemini_events(&said), script),
        ("gemini", false) => reply::json(200, &gemini(&said)),
        ("converse", true) => messages(&converse_events(&said), script),
        _ => reply::json(200, &converse(&said)),
    })
}

fn api(path: &str) -> Option<(&'static str, bool)> {
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    Some(match path {
        _ if path.ends_with("/chat/completions") => ("chat", false),
        _ if path.ends_with("/responses") => ("responses", false),
        _ if path.ends_with(":generateContent") => ("gemini", false),
        _ if path.ends_with(":streamGenerateContent") && query.contains("alt=sse") => {
            ("gemini", true)
        }
        _ if path.ends_with(":streamGenerateContent") => ("array", true),
        _ if path.ends_with("/converse") || path.ends_with("/invoke") => ("converse", false),
        _ if path.ends_with("-stream") => ("converse", true),
        _ => return None,
    })
}

/// All strings of the conversation, one a line.
fn texts(value: &Value, into: &mut Vec<String>) {
    match value {
        Value::String(text) => into.push(text.clone()),
        Value::Array(items) => items.iter().for_each(|item| texts(item, into)),
        Value::Object(members) => members.values().for_each(|item| texts(item, into)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

fn said(request: &Value, script: &Script) -> Said {
    let conversation = ["messages", "input", "contents"].iter().find_map(|name| request.get(name));
    let conversation = conversation.unwrap_or(&Value::Null);
    let mut all = Vec::new();
    texts(conversation, &mut all);
    let all = all.join("\n");
    let mut last = Vec::new();
    match conversation.as_array().and_then(|turns| turns.last()) {
        Some(turn) => {
            let content = turn.get("content").or(turn.get("parts")).unwrap_or(turn);
            let parts = content.as_array().map_or(std::slice::from_ref(content), Vec::as_slice);
            for part in parts {
                texts(part.get("text").unwrap_or(part), &mut last);
            }
        }
        None => texts(conversation, &mut last),
    }
    let model = |turn: &&Value| {
        let role = turn.get("role").and_then(Value::as_str);
        matches!(role, Some("assistant" | "model"))
            || turn.get("type").and_then(Value::as_str) == Some("function_call")
    };
    let turns = conversation.as_array().map_or(0, |turns| turns.iter().filter(model).count());
    let Some(step) = script.steps.get(turns) else {
        return Said {
            text: format!("I see: {}", last.join("\n")),
            tool: None,
            piece: script.piece,
        };
    };
    let tool = step.tools.first();
    Said {
        text: step.text.as_deref().map(|text| fill(text, &all)).unwrap_or_default(),
        tool: tool.map(|tool| (tool.name.clone(), fill_value(&tool.input, &all))),
        piece: script.piece,
    }
}

impl Said {
    fn pieces(&self) -> Vec<String> {
        answer::pieces(&self.text, self.piece).collect()
    }

    fn arguments(&self) -> Vec<String> {
        let source = self.tool.as_ref().map(|(_, input)| input.to_string()).unwrap_or_default();
        answer::pieces(&source, self.piece).collect()
    }
}

fn chat(said: &Said) -> Value {
    let calls = said.tool.iter().map(|(name, input)| {
        json!({"id": "call_1", "type": "function",
            "function": {"name": name, "arguments": input.to_string()}})
    });
    let calls: Vec<Value> = calls.collect();
    let mut message = json!({"role": "assistant", "content": said.text, "refusal": null});
    if let Some(members) = message.as_object_mut().filter(|_| !calls.is_empty()) {
        members.insert("tool_calls".into(), calls.into());
    }
    let reason = if said.tool.is_some() { "tool_calls" } else { "stop" };
    json!({"id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": "gpt-5",
        "choices": [{"index": 0, "message": message, "logprobs": null, "finish_reason": reason}],
        "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}})
}

fn chat_events(said: &Said) -> Vec<Value> {
    let chunk = |delta: Value, reason: Value| {
        json!({"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1,
            "model": "gpt-5",
            "choices": [{"index": 0, "delta": delta, "logprobs": null, "finish_reason": reason}]})
    };
    let mut events = vec![chunk(json!({"role": "assistant", "content": ""}), Value::Null)];
    for piece in said.pieces() {
        events.push(chunk(json!({"content": piece}), Value::Null));
    }
    if let Some((name, _)) = &said.tool {
        let call = json!({"index": 0, "id": "call_1", "type": "function",
            "function": {"name": name, "arguments": ""}});
        events.push(chunk(json!({"tool_calls": [call]}), Value::Null));
    }
    for piece in said.arguments() {
        let call = json!({"index": 0, "function": {"arguments": piece}});
        events.push(chunk(json!({"tool_calls": [call]}), Value::Null));
    }
    let reason = if said.tool.is_some() { "tool_calls" } else { "stop" };
    events.push(chunk(json!({}), reason.into()));
    events
}

fn items(said: &Said) -> Vec<Value> {
    let mut items = vec![json!({"type": "message", "id": "msg_1", "role": "assistant",
        "status": "completed",
        "content": [{"type": "output_text", "text": said.text, "annotations": [], "logprobs": []}]})];
    items.extend(said.tool.iter().map(|(name, input)| {
        json!({"type": "function_call", "id": "fc_1", "call_id": "call_1", "name": name,
            "arguments": input.to_string(), "status": "completed"})
    }));
    items
}

fn response(said: &Said) -> Value {
    json!({"id": "resp_1", "object": "response", "created_at": 1, "model": "gpt-5",
        "status": "completed", "output": items(said), "parallel_tool_calls": true,
        "tool_choice": "auto", "tools": []})
}

fn responses_events(said: &Said) -> Vec<Value> {
    let mut open = response(said);
    if let Some(members) = open.as_object_mut() {
        members.insert("output".into(), json!([]));
        members.insert("status".into(), "in_progress".into());
    }
    let mut events = vec![json!({"type": "response.created", "response": open})];
    for (index, item) in items(said).into_iter().enumerate() {
        let call = item["type"] == "function_call";
        let (mut empty, id) = (item.clone(), item["id"].clone());
        let field = if call { "arguments" } else { "content" };
        empty[field] = if call { "".into() } else { json!([]) };
        events.push(
            json!({"type": "response.output_item.added", "output_index": index, "item": empty}),
        );
        let kind = if call { "function_call_arguments" } else { "output_text" };
        let place =
            json!({"item_id": id, "output_index": index, "content_index": 0, "logprobs": []});
        let mut event = |name: &str, more: Value| {
            let mut event = place.clone();
            event["type"] = format!("response.{name}").into();
            for (key, value) in more.as_object().into_iter().flatten() {
                event[key] = value.clone();
            }
            events.push(event);
        };
        if !call {
            let part = json!({"type": "output_text", "text": "", "annotations": []});
            event("content_part.added", json!({"part": part}));
        }
        for piece in if call { said.arguments() } else { said.pieces() } {
            event(&format!("{kind}.delta"), json!({"delta": piece}));
        }
        if call {
            event(
                &format!("{kind}.done"),
                json!({"arguments": item["arguments"], "name": item["name"]}),
            );
        } else {
            event(&format!("{kind}.done"), json!({"text": said.text}));
            event("content_part.done", json!({"part": item["content"][0]}));
        }
        events.push(
            json!({"type": "response.output_item.done", "output_index": index, "item": item}),
        );
    }
    events.push(json!({"type": "response.completed", "response": response(said)}));
    for (number, event) in events.iter_mut().enumerate() {
        event["sequence_number"] = number.into();
    }
    events
}

fn candidate(parts: &Value, reason: &Value) -> Value {
    json!({"candidates": [{"content": {"role": "model", "parts": parts}, "index": 0,
        "finishReason": reason}], "modelVersion": "gemini-3-pro", "responseId": "r1",
        "usageMetadata": {"totalTokenCount": 2}})
}

fn call(said: &Said) -> Option<Value> {
    let (name, input) = said.tool.as_ref()?;
    Some(json!({"functionCall": {"name": name, "args": input}, "thoughtSignature": "c2lnbmF0dXJl"}))
}

fn gemini(said: &Said) -> Value {
    let text = json!({"text": said.text});
    let parts: Vec<Value> = [text].into_iter().chain(call(said)).collect();
    candidate(&parts.into(), &"STOP".into())
}

fn gemini_events(said: &Said) -> Vec<Value> {
    let pieces = said.pieces().into_iter().map(|piece| json!({"text": piece}));
    let parts = pieces.chain(call(said)).map(|part| candidate(&json!([part]), &Value::Null));
    parts.chain([candidate(&json!([{"text": ""}]), &"STOP".into())]).collect()
}

fn converse(said: &Said) -> Value {
    let tool = said.tool.iter().map(|(name, input)| {
        json!({"toolUse": {"toolUseId": "tooluse_1", "name": name, "input": input}})
    });
    let content: Vec<Value> = [json!({"text": said.text})].into_iter().chain(tool).collect();
    let reason = if said.tool.is_some() { "tool_use" } else { "end_turn" };
    json!({"output": {"message": {"role": "assistant", "content": content}}, "stopReason": reason,
        "usage": {"inputTokens": 1, "outputTokens": 1, "totalTokens": 2}, "metrics": {"latencyMs": 1}})
}

fn converse_events(said: &Said) -> Vec<(&'static str, Value)> {
    let delta = |index: usize, delta: Value| {
        ("contentBlockDelta", json!({"contentBlockIndex": index, "delta": delta, "p": "abc"}))
    };
    let mut events = vec![("messageStart", json!({"role": "assistant", "p": "ab"}))];
    events.extend(said.pieces().into_iter().map(|piece| delta(0, json!({"text": piece}))));
    events.push(("contentBlockStop", json!({"contentBlockIndex": 0})));
    if let Some((name, _)) = &said.tool {
        let start = json!({"toolUse": {"toolUseId": "tooluse_1", "name": name}});
        events.push(("contentBlockStart", json!({"contentBlockIndex": 1, "start": start})));
        let pieces = said.arguments().into_iter();
        events.extend(pieces.map(|piece| delta(1, json!({"toolUse": {"input": piece}}))));
        events.push(("contentBlockStop", json!({"contentBlockIndex": 1})));
    }
    let reason = if said.tool.is_some() { "tool_use" } else { "end_turn" };
    events.push(("messageStop", json!({"stopReason": reason})));
    let usage = json!({"inputTokens": 1, "outputTokens": 1, "totalTokens": 2});
    events.push(("metadata", json!({"usage": usage, "metrics": {"latencyMs": 1}})));
    events
}

/// Claude behind Bedrock: its own events, each in base64.
fn invoke(request: &Value, script: &Script, stream: bool) -> Response<Body> {
    let blocks = turn::blocks(script, request);
    if !stream {
        return reply::json(200, &answer::message(&blocks, request));
    }
    let data = |event: &String| {
        let data = event.lines().find_map(|line| line.strip_prefix("data: ")).unwrap_or_default();
        ("chunk", json!({"bytes": STANDARD.encode(data), "p": "abcd"}))
    };
    let chunks: Vec<_> = answer::events(&blocks, request, script).iter().map(data).collect();
    messages(&chunks, script)
}

fn events(events: Vec<Value>, script: &Script) -> Response<Body> {
    let named = |event: Value| match event.get("type").and_then(Value::as_str) {
        Some(name) => format!("event: {name}\ndata: {event}\n\n"),
        None => format!("data: {event}\n\n"),
    };
    let done = events.first().is_some_and(|event| event.get("choices").is_some());
    let done = done.then(|| "data: [DONE]\n\n".to_owned());
    let parts = events.into_iter().map(named).chain(done).map(Bytes::from).collect();
    reply::parts("text/event-stream", parts, script)
}

fn array(items: &[Value], script: &Script) -> Response<Body> {
    let part = |(index, item): (usize, &Value)| {
        Bytes::from(format!("{}{item}", if index == 0 { "[" } else { ",\r\n" }))
    };
    let parts = items.iter().enumerate().map(part).chain([Bytes::from("]")]).collect();
    reply::parts("application/json; charset=UTF-8", parts, script)
}

fn messages(events: &[(&'static str, Value)], script: &Script) -> Response<Body> {
    let part = |(name, payload): &(&'static str, Value)| {
        let header = |name: &'static str, value: &str| {
            Header::new(name, HeaderValue::String(value.to_owned().into()))
        };
        let message = Message::new(payload.to_string().into_bytes())
            .add_header(header(":event-type", name))
            .add_header(header(":content-type", "application/json"))
            .add_header(header(":message-type", "event"));
        let mut out = Vec::new();
        // It is written to memory, and short.
        let _written = write_message_to(&message, &mut out);
        Bytes::from(out)
    };
    reply::parts("application/vnd.amazon.eventstream", events.iter().map(part).collect(), script)
}
