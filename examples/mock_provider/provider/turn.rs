//! One assistant turn: what the request says, and the blocks that answer it.

use std::hash::{DefaultHasher, Hash, Hasher};

use serde_json::{Value, json};

use super::script::{Script, Step, fill, fill_value};

#[derive(Debug)]
pub(crate) enum Block {
    Thinking { text: String, signature: String },
    Text(String),
    Tool { id: String, name: String, input: Value },
}

/// Answers a request as the script says.
pub(crate) fn blocks(script: &Script, request: &Value) -> Vec<Block> {
    let said = texts(request.get("messages").unwrap_or(&Value::Null));
    let echo = Step { text: Some(format!("I see: {}", last_user(request))), ..Step::default() };
    let step = script.steps.get(turns(request)).filter(|step| offered(step, request));
    let step = step.unwrap_or(&echo);
    let mut blocks = Vec::new();
    let before = messages(request).len();
    let think = |thinking: &str, blocks: &mut Vec<Block>| {
        let text = fill(thinking, &said);
        let own: Vec<Value> = blocks.iter().map(super::answer::whole).collect();
        let signature = signature(&text, request, before, &own);
        blocks.push(Block::Thinking { signature, text });
    };
    if let Some(thinking) = &step.thinking {
        think(thinking, &mut blocks);
    }
    if let Some(text) = &step.text {
        // An echo is not a template: what the user wrote may hold braces.
        let text =
            if std::ptr::eq(step, &raw const echo) { text.clone() } else { fill(text, &said) };
        blocks.push(Block::Text(text));
    }
    if let Some(thinking) = &step.again {
        think(thinking, &mut blocks);
    }
    for (number, tool) in step.tools.iter().enumerate() {
        let id = format!("toolu_01mock{:02}{number:02}", turns(request));
        let input = fill_value(&tool.input, &said);
        blocks.push(Block::Tool { id, name: tool.name.clone(), input });
    }
    blocks
}

/// The API's refusal of thinking blocks that are not as they were made.
pub(crate) fn altered_thinking(request: &Value) -> Option<String> {
    for (index, message) in messages(request).iter().enumerate() {
        for (place, block) in parts(message).iter().enumerate() {
            if text_at(block, "type") != "thinking" {
                continue;
            }
            let (thinking, signed) = (text_at(block, "thinking"), text_at(block, "signature"));
            let own = parts(message).get(..place).unwrap_or_default();
            let right = signature(thinking, request, index, own);
            let own = right.split('.').next();
            if signed == right {
                continue;
            }
            return Some(if own == signed.split('.').next() {
                format!(
                    "messages.{index}.content.{place}: Invalid `signature` in `thinking` block. \
                     The block is bound to a different conversation."
                )
            } else {
                format!(
                    "messages.{index}.content.{place}: `thinking` or `redacted_thinking` blocks \
                     in the latest assistant message cannot be modified. These blocks must \
                     remain as they were in the original response."
                )
            });
        }
    }
    None
}

/// Binds a thinking block to its text and to everything before it, by value: system, tools,
/// earlier messages, and earlier blocks of its own.
fn signature(thinking: &str, request: &Value, before: usize, blocks: &[Value]) -> String {
    let mut own = DefaultHasher::new();
    thinking.hash(&mut own);
    let mut prefix = DefaultHasher::new();
    for part in [request.get("system"), request.get("tools")] {
        unmarked(part.unwrap_or(&Value::Null)).hash(&mut prefix);
    }
    for message in messages(request).iter().take(before) {
        unmarked(message).hash(&mut prefix);
    }
    for block in blocks {
        unmarked(block).hash(&mut prefix);
    }
    format!("sig{:016x}.{:016x}", own.finish(), prefix.finish())
}

/// A value without cache marks, which do not count as an edit; nor does it whether a text is
/// written as one or as a list of one.
fn unmarked(value: &Value) -> String {
    fn strip(value: &mut Value) {
        match value {
            Value::Array(items) => items.iter_mut().for_each(strip),
            Value::Object(members) => {
                members.remove("cache_control");
                members.values_mut().for_each(strip);
            }
            _ => {}
        }
    }
    let mut value = value.clone();
    strip(&mut value);
    if let Some(content) = value.get_mut("content")
        && let Some(text) = content.as_str()
    {
        *content = json!([{"type": "text", "text": text}]);
    }
    value.to_string()
}

/// Does the request offer the tools that the step calls?
fn offered(step: &Step, request: &Value) -> bool {
    let tools = request.get("tools").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    step.tools.iter().all(|tool| tools.iter().any(|known| text_at(known, "name") == tool.name))
}

fn turns(request: &Value) -> usize {
    messages(request).iter().filter(|message| text_at(message, "role") == "assistant").count()
}

fn last_user(request: &Value) -> String {
    messages(request)
        .iter()
        .rfind(|message| text_at(message, "role") == "user")
        .map_or_else(String::new, |message| texts(message.get("content").unwrap_or(&json!(null))))
}

fn messages(request: &Value) -> &[Value] {
    request.get("messages").and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

fn parts(message: &Value) -> &[Value] {
    message.get("content").and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

fn text_at<'v>(value: &'v Value, key: &str) -> &'v str {
    value.get(key).and_then(Value::as_str).unwrap_or_default()
}

/// All `text`, `content` and tool input strings, one a line.
fn texts(value: &Value) -> String {
    fn gather(value: &Value, into: &mut Vec<String>) {
        match value {
            Value::String(text) => into.push(text.clone()),
            Value::Array(items) => items.iter().for_each(|item| gather(item, into)),
            Value::Object(members) => members
                .iter()
                .filter(|(key, _)| matches!(key.as_str(), "text" | "content" | "input" | "command"))
                .for_each(|(_, item)| gather(item, into)),
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }
    let mut found = Vec::new();
    gather(value, &mut found);
    found.join("\n")
}
