//! The blocks of messages that a model wrote: texts and inputs of tools, in any API.

use std::collections::BTreeMap;
use std::ops::Range;

use hmac::Mac as _;

use crate::body::json::{Node, Shape, Tape};
use crate::mask::Scope;
use crate::mask::keys::{Label, Running};

/// A block that a client sends back as it got it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Block {
    Text(Node),
    /// A value of JSON, which clients print as they like.
    Json(Node),
    /// Such a value as JSON source in a string.
    Source(Node),
}

/// The lists in which requests have their messages.
const LISTS: [&str; 3] = ["messages", "contents", "input"];

/// The messages of a request, if it has a list of them.
pub(crate) fn messages(tape: &Tape<'_>) -> Option<Vec<Node>> {
    let list = LISTS.iter().find_map(|name| tape.field(tape.root(), name))?;
    match tape.shape(list) {
        Shape::Array => Some(tape.items(list).collect()),
        // Responses: one question.
        Shape::String => Some(vec![list]),
        _ => None,
    }
}

/// Who wrote a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    User,
    Model,
    Other,
}

pub(crate) fn role(tape: &Tape<'_>, message: Node) -> Role {
    if tape.shape(message) == Shape::String {
        return Role::User;
    }
    let text = |name| tape.field(message, name).map(|value| tape.text(value));
    match (text("role").as_deref(), text("type").as_deref()) {
        (Some("user"), _) => Role::User,
        (Some("assistant" | "model"), _) | (None, Some("function_call")) => Role::Model,
        _ => Role::Other,
    }
}

/// The first answer: one message, but for the Responses API, where each item is one, and for
/// Gemini, where each event of a stream may be one.
pub(crate) fn first_answer<'m>(tape: &Tape<'_>, messages: &'m [Node]) -> Option<&'m [Node]> {
    let first = messages.iter().position(|&message| role(tape, message) == Role::Model)?;
    let rest = messages.get(first + 1..)?;
    let goes_on = |&message: &Node| {
        let kind = tape.field(message, "type").map(|kind| tape.text(kind));
        let own = role(tape, message) == Role::Model;
        kind.map_or(own && is_gemini(tape), |kind| kind == "reasoning" || own)
    };
    let more = rest.iter().take_while(|message| goes_on(message)).count();
    messages.get(first..=first + more)
}

/// Is this request one to Gemini?
fn is_gemini(tape: &Tape<'_>) -> bool {
    tape.field(tape.root(), "contents").is_some()
}

/// Hashes of the blocks of a message of the model's; however Gemini's texts are cut into parts.
pub(crate) fn digests(tape: &Tape<'_>, messages: &[Node], scope: &Scope, depth: usize) -> Vec<u64> {
    let (mut digests, mut open) = (Vec::new(), String::new());
    let gemini = is_gemini(tape);
    for block in messages.iter().flat_map(|&message| blocks(tape, message)) {
        if let (Block::Text(text), true) = (block, gemini) {
            open.push_str(&tape.text(text));
            continue;
        }
        digests.extend(text_run(&mut open, scope));
        digests.push(block.digest(tape, scope, depth));
    }
    digests.extend(text_run(&mut open, scope));
    digests
}

fn text_run(open: &mut String, scope: &Scope) -> Option<u64> {
    (!open.is_empty()).then(|| text_digest(&std::mem::take(open), scope))
}

/// The messages of an answer: one, but for the Responses API.
pub(crate) fn answered(tape: &Tape<'_>) -> Vec<Node> {
    let root = tape.root();
    let first = |name, inner| {
        let mut items = tape.items(tape.field(root, name)?);
        let is_first =
            |&item: &Node| tape.field(item, "index").is_none_or(|at| tape.raw(at) == "0");
        let item = items.find(is_first)?;
        tape.field(item, inner)
    };
    if let Some(message) = first("choices", "message").or_else(|| first("candidates", "content")) {
        return vec![message];
    }
    match tape.field(root, "output") {
        Some(output) if tape.shape(output) == Shape::Array => tape.items(output).collect(),
        Some(output) => tape.field(output, "message").into_iter().collect(),
        None => vec![root],
    }
}

/// The blocks of a message of the model.
pub(crate) fn blocks(tape: &Tape<'_>, message: Node) -> Vec<Block> {
    let mut found = Vec::new();
    let contents = ["content", "parts"].iter().find_map(|name| tape.field(message, name));
    match contents.map(|contents| (contents, tape.shape(contents))) {
        Some((text, Shape::String)) => found.extend(said(tape, text)),
        Some((list, Shape::Array)) => {
            found.extend(tape.items(list).filter_map(|item| block(tape, item)));
        }
        _ => {}
    }
    if let Some(calls) = tape.field(message, "tool_calls") {
        let source = |call| tape.field(tape.field(call, "function")?, "arguments");
        found.extend(tape.items(calls).filter_map(source).map(Block::Source));
    }
    if contents.is_none() {
        found.extend(tape.field(message, "arguments").map(Block::Source));
    }
    found
}

/// What a part of a message is, if a client sends it back.
pub(crate) fn block(tape: &Tape<'_>, item: Node) -> Option<Block> {
    let kind = tape.field(item, "type").map(|kind| tape.text(kind));
    match kind.as_deref() {
        Some("text" | "output_text") => said(tape, tape.field(item, "text")?),
        Some("tool_use") => tape.field(item, "input").map(Block::Json),
        Some(_) => None,
        None => {
            let call = tape.field(item, "toolUse").and_then(|call| tape.field(call, "input"));
            let call = call.or_else(|| tape.field(tape.field(item, "functionCall")?, "args"));
            let text = || {
                let thought =
                    tape.field(item, "thought").is_some_and(|own| tape.raw(own) == "true");
                tape.field(item, "text").filter(|_| !thought)
            };
            call.map(Block::Json).or_else(|| said(tape, text()?))
        }
    }
}

/// What the model thought, with its signature: an API that signs it takes nothing else back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Thought {
    pub node: Node,
    pub signature: String,
}

/// What the model thought in a message of its own.
pub(crate) fn thoughts(tape: &Tape<'_>, message: Node) -> Vec<Thought> {
    let content = tape.field(message, "content").filter(|&c| tape.shape(c) == Shape::Array);
    let items = content.into_iter().flat_map(|content| tape.items(content));
    items.filter_map(|item| thought(tape, item)).collect()
}

fn thought(tape: &Tape<'_>, item: Node) -> Option<Thought> {
    let (object, name) = match tape.field(item, "reasoningContent") {
        Some(content) => (tape.field(content, "reasoningText")?, "text"),
        None => {
            tape.field(item, "type").filter(|&kind| tape.text(kind) == "thinking")?;
            (item, "thinking")
        }
    };
    let text = |name| tape.field(object, name).filter(|&node| tape.shape(node) == Shape::String);
    let signature = text("signature").map(|node| tape.text(node).into_owned());
    Some(Thought { node: text(name)?, signature: signature.unwrap_or_default() })
}

pub(crate) fn thought_digest(signature: &str, scope: &Scope) -> u64 {
    short(&scope.digest(Label::Block, &[b"thought", signature.as_bytes()]))
}

/// A text, unless it is empty: clients leave those out.
fn said(tape: &Tape<'_>, text: Node) -> Option<Block> {
    (!tape.raw(text).is_empty()).then_some(Block::Text(text))
}

impl Block {
    pub(crate) fn node(self) -> Node {
        match self {
            Self::Text(node) | Self::Json(node) | Self::Source(node) => node,
        }
    }

    /// Where it stands in the source; of a text or source, what is between the quotes.
    pub(crate) fn span(self, tape: &Tape<'_>) -> Range<usize> {
        let span = tape.span(self.node());
        match self {
            Self::Json(node) if tape.shape(node) == Shape::String => span.start - 1..span.end + 1,
            _ => span,
        }
    }

    /// A keyed hash of what the block says, however it is printed.
    pub(crate) fn digest(self, tape: &Tape<'_>, scope: &Scope, depth: usize) -> u64 {
        match self {
            Self::Text(node) => text_digest(&tape.text(node), scope),
            Self::Json(node) => {
                let mut running = scope.running(Label::Block);
                running.update(b"json");
                value(tape, node, &mut running);
                short(&running.finalize().into_bytes().into())
            }
            Self::Source(node) => json_digest(&tape.text(node), scope, depth),
        }
    }
}

pub(crate) fn text_digest(text: &str, scope: &Scope) -> u64 {
    short(&scope.digest(Label::Block, &[b"text", text.as_bytes()]))
}

/// Of JSON source; what is none counts as it is written.
pub(crate) fn json_digest(source: &str, scope: &Scope, depth: usize) -> u64 {
    // A tool without input.
    let source = if source.trim().is_empty() { "{}" } else { source };
    match Tape::parse(source, depth) {
        Ok(tape) => Block::Json(tape.root()).digest(&tape, scope, depth),
        Err(_) => short(&scope.digest(Label::Block, &[b"none", source.as_bytes()])),
    }
}

/// Do two sources say the same?
pub(crate) fn same_json(one: &str, other: &str, scope: &Scope, depth: usize) -> bool {
    one == other || json_digest(one, scope, depth) == json_digest(other, scope, depth)
}

pub(crate) fn short(digest: &[u8; 32]) -> u64 {
    digest.first_chunk().map_or(0, |eight| u64::from_le_bytes(*eight))
}

/// Reads a value into a hash: spaces, escapes and the order of keys play no role.
pub(crate) fn value(tape: &Tape<'_>, node: Node, into: &mut Running) {
    let mut text = |sign: u8, text: &str| {
        into.update(&[sign]);
        into.update(&(text.len() as u64).to_le_bytes());
        into.update(text.as_bytes());
    };
    match tape.shape(node) {
        Shape::Object => {
            let fields: BTreeMap<_, _> =
                tape.fields(node).map(|(key, value)| (tape.text(key), value)).collect();
            text(b'{', "");
            for (key, inner) in fields {
                into.update(b"k");
                into.update(&(key.len() as u64).to_le_bytes());
                into.update(key.as_bytes());
                value(tape, inner, into);
            }
            into.update(b"}");
        }
        Shape::Array => {
            text(b'[', "");
            tape.items(node).for_each(|item| value(tape, item, into));
            into.update(b"]");
        }
        Shape::String | Shape::Key => text(b's', &tape.text(node)),
        Shape::Number => text(b'n', &number(tape.raw(node))),
        Shape::Word => text(b'w', tape.raw(node)),
    }
}

/// A number as it counts: `1.0` is printed as `1` by some.
fn number(raw: &str) -> String {
    if raw.bytes().all(|b| b.is_ascii_digit() || b == b'-') {
        return raw.to_owned();
    }
    raw.parse::<f64>().map_or_else(|_| raw.to_owned(), |number| number.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mask::{MasterKey, Tenant};

    fn scope() -> Scope {
        MasterKey::parse(b"0123456789abcdef0123456789abcdef").unwrap().scope(&Tenant::default())
    }

    fn said(source: &str, messages: impl Fn(&Tape<'_>) -> Vec<Node>) -> Vec<String> {
        let tape = Tape::parse(source, 32).unwrap();
        let blocks = messages(&tape).into_iter().flat_map(|message| blocks(&tape, message));
        blocks.map(|block| tape.text(block.node()).into_owned()).collect()
    }

    #[test]
    fn blocks_of_the_model_are_found_in_all_requests() {
        let of_model = |tape: &Tape<'_>| {
            let mut all = messages(tape).unwrap_or_default();
            all.retain(|&message| role(tape, message) == Role::Model);
            all
        };
        for (source, blocks) in [
            (
                r#"{"messages":[{"role":"user","content":"q"},{"role":"assistant","content":[
                    {"type":"thinking","thinking":"t","signature":"s"},{"type":"text","text":"a"},
                    {"type":"tool_use","id":"1","name":"n","input":"i"}]},
                    {"role":"assistant","content":"b"}]}"#,
                vec!["a", "i", "b"],
            ),
            (
                r#"{"messages":[{"role":"assistant","content":"a","tool_calls":[
                    {"function":{"name":"f","arguments":"{}"}}]}]}"#,
                vec!["a", "{}"],
            ),
            (
                r#"{"contents":[{"role":"user","parts":[{"text":"q"}]},{"role":"model","parts":[
                    {"text":"t","thought":true},{"text":"a"},{"functionCall":{"args":"x"}}]}]}"#,
                vec!["a", "x"],
            ),
            (
                r#"{"input":[{"role":"user","content":"q"},{"type":"message","role":"assistant",
                    "content":[{"type":"output_text","text":"a"}]},
                    {"type":"function_call","arguments":"{}"}]}"#,
                vec!["a", "{}"],
            ),
            (
                r#"{"messages":[{"role":"assistant","content":[{"text":"a"},
                    {"toolUse":{"toolUseId":"1","input":"i"}}]}]}"#,
                vec!["a", "i"],
            ),
            (r#"{"input":"q"}"#, vec![]),
            (r#"{"x":1}"#, vec![]),
        ] {
            assert_eq!(said(source, of_model), blocks, "{source}");
        }
    }

    #[test]
    fn and_in_all_answers() {
        for (source, blocks) in [
            (r#"{"role":"assistant","content":[{"type":"text","text":"a"}]}"#, vec!["a"]),
            (r#"{"choices":[{"message":{"content":"a"}}]}"#, vec!["a"]),
            (r#"{"candidates":[{"content":{"parts":[{"text":"a"}]}}]}"#, vec!["a"]),
            (r#"{"output":{"message":{"content":[{"text":"a"}]}}}"#, vec!["a"]),
            (r#"{"output":[{"content":[{"type":"output_text","text":"a"}]}]}"#, vec!["a"]),
        ] {
            assert_eq!(said(source, answered), blocks, "{source}");
        }
    }

    #[test]
    fn json_is_compared_by_value() {
        let scope = scope();
        let same = |one: &str, other: &str| same_json(one, other, &scope, 32);
        assert!(same(r#"{"a":1,"b":["x",null]}"#, "{ \"b\" : [\"\\u0078\", null], \"a\": 1.0 }"));
        assert!(same("", "{}"));
        for (one, other) in [
            (r#"{"a":true}"#, r#"{"a":false}"#),
            (r#"["x","y"]"#, r#"["y","x"]"#),
            (r#"[["x"],"y"]"#, r#"["x",["y"]]"#),
            (r#"{"a":"1"}"#, r#"{"a":1}"#),
            (r#"["ab","c"]"#, r#"["a","bc"]"#),
            ("{", "{ "),
        ] {
            assert!(!same(one, other), "{one} {other}");
        }
        assert_ne!(text_digest("{}", &scope), json_digest("{}", &scope, 8));
    }
}
