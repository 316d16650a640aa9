//! How the mock provider answers, as data.

use std::collections::{BTreeMap, VecDeque};

use serde::Deserialize;
use serde_json::Value;

/// Everything that can be asked of the provider. The default echoes.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Script {
    /// Answers by number of assistant turns that the request holds; a request
    /// past the end, or without the tools that a step calls, is echoed.
    pub(crate) steps: Vec<Step>,
    /// Characters in one delta of a stream; 0 means 16.
    pub(crate) piece: usize,
    /// A `ping` before each delta.
    pub(crate) pings: bool,
    /// What the next requests get instead of an answer, one each.
    pub(crate) failures: VecDeque<Failure>,
    /// Compresses answers although nobody asked: gzip, deflate, br or zstd.
    pub(crate) encoding: Option<String>,
    /// A pause before each event.
    pub(crate) delay_ms: u64,
    /// Breaks the connection after so many events, or half of a JSON answer.
    pub(crate) abort_after: Option<usize>,
    /// Ends the answer with a trailer.
    pub(crate) trailers: bool,
}

/// One assistant turn. In each string `{{mark}}` stands for what followed
/// `mark` in the request, up to a blank, a quote, a comma or a bracket.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Step {
    pub(crate) thinking: Option<String>,
    pub(crate) text: Option<String>,
    /// A second thought, between the text and the tools.
    pub(crate) again: Option<String>,
    pub(crate) tools: Vec<Tool>,
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Tool {
    pub(crate) name: String,
    pub(crate) input: Value,
}

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Failure {
    pub(crate) status: u16,
    pub(crate) headers: BTreeMap<String, String>,
    /// The error's message; its type follows from the status.
    pub(crate) message: String,
}

/// Puts what the request says into a template.
pub(crate) fn fill(template: &str, request: &str) -> String {
    let mut filled = String::new();
    let mut rest = template;
    while let Some((before, after)) = rest.split_once("{{") {
        let Some((mark, after)) = after.split_once("}}") else { break };
        filled.push_str(before);
        filled.push_str(follows(mark, request).unwrap_or("NOT-IN-THE-REQUEST"));
        rest = after;
    }
    filled + rest
}

/// The same in every string of a value.
pub(crate) fn fill_value(template: &Value, request: &str) -> Value {
    match template {
        Value::String(text) => Value::String(fill(text, request)),
        Value::Array(items) => items.iter().map(|item| fill_value(item, request)).collect(),
        Value::Object(members) => Value::Object(
            members.iter().map(|(key, item)| (key.clone(), fill_value(item, request))).collect(),
        ),
        Value::Null | Value::Bool(_) | Value::Number(_) => template.clone(),
    }
}

fn follows<'r>(mark: &str, request: &'r str) -> Option<&'r str> {
    let (_, after) = request.split_once(mark)?;
    let ends = |c: char| c.is_whitespace() || "\"'`,;()[]{}<>\\".contains(c);
    after.split(ends).next().filter(|found| !found.is_empty())
}
