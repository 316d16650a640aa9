//! Calls of tools in answers that the provider keeps: a request that goes on with such an answer
//! brings their results alone, and what a command printed means what the command asked for.
//!
//! They are kept as the model wrote them, with placeholders in them.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::body::json::{Node, Shape, Tape};
use crate::mask::conversation::blocks::Block;
use crate::mask::conversation::keep_last;

/// Calls that one conversation keeps, and their bytes. The oldest go first.
const CALLS: usize = 128;
const BYTES: usize = 64 << 10;
/// A longer input is no command.
const LONGEST: usize = 8 << 10;
/// Where items of the Responses API have what a tool is given.
const INPUTS: [&str; 3] = ["arguments", "input", "action"];

/// One call.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Call {
    pub(crate) id: Box<str>,
    /// The name of the tool, if it has one.
    pub(crate) tool: Box<str>,
    /// What it is given, as JSON.
    pub(crate) input: Box<str>,
}

#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Calls(Vec<Call>);

impl fmt::Debug for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Call({} bytes)", self.input.len())
    }
}

impl fmt::Debug for Calls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Calls({})", self.0.len())
    }
}

impl Call {
    /// The calls in a whole answer of the Responses API.
    #[must_use]
    pub fn all(tape: &Tape<'_>) -> Vec<Self> {
        let output = tape.field(tape.root(), "output");
        let output = output.filter(|&output| tape.shape(output) == Shape::Array);
        let items = output.into_iter().flat_map(|output| tape.items(output));
        items.filter_map(|item| Self::read(tape, item)).collect()
    }

    /// The call that an event of a stream of such an answer ends.
    #[must_use]
    pub fn ended(tape: &Tape<'_>) -> Option<Self> {
        let kind = tape.field(tape.root(), "type")?;
        let item = tape.field(tape.root(), "item")?;
        (tape.raw(kind) == "response.output_item.done").then(|| Self::read(tape, item))?
    }

    fn read(tape: &Tape<'_>, item: Node) -> Option<Self> {
        let text = |name| {
            let node = tape.field(item, name);
            let node = node.filter(|&node| tape.shape(node) == Shape::String);
            node.map(|node| tape.text(node)).filter(|text| !text.is_empty())
        };
        let input = INPUTS.into_iter().find_map(|name| tape.field(item, name))?;
        let input = tape.source().get(Block::Json(input).span(tape))?;
        let tool = text("name").unwrap_or_default();
        let id = text("call_id")?;
        let long = [input.len(), tool.len(), id.len()].into_iter().any(|len| len > LONGEST);
        (!long).then(|| Self { id: (*id).into(), tool: (*tool).into(), input: input.into() })
    }

    fn size(&self) -> usize {
        self.id.len() + self.tool.len() + self.input.len()
    }
}

impl Calls {
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The call that a result names.
    pub(crate) fn find(&self, id: &str) -> Option<&Call> {
        self.0.iter().rev().find(|call| *call.id == *id)
    }

    /// Keeps those of an answer. True: there was something new.
    pub(crate) fn keep(&mut self, calls: impl IntoIterator<Item = Call>) -> bool {
        let mut any = false;
        for call in calls {
            // Each time, so that the list is never long: a provider may send any number.
            if !self.0.contains(&call) {
                self.0.push(call);
                keep_last(&mut self.0, Call::size, CALLS, BYTES);
                any = true;
            }
        }
        any
    }

    /// Adds those of another. True: there was something new.
    pub(crate) fn join(&mut self, other: &Self) -> bool {
        self.keep(other.0.iter().cloned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn calls(source: &str) -> Vec<(String, String, String)> {
        let tape = Tape::parse(source, 32).unwrap();
        let all = Call::all(&tape).into_iter().chain(Call::ended(&tape));
        all.map(|Call { id, tool, input }| (id.into(), tool.into(), input.into())).collect()
    }

    #[test]
    fn calls_are_read_from_answers_and_events() {
        let call = |id: &str, tool: &str, input: &str| (id.into(), tool.into(), input.into());
        let whole = r#"{"output": [{"type": "message", "content": []},
            {"type": "function_call", "call_id": "c1", "name": "sh", "arguments": "{\"a\": 1}"},
            {"type": "custom_tool_call", "call_id": "c2", "name": "run", "input": "ls"},
            {"type": "local_shell_call", "call_id": "c3", "action": {"command": ["ls"]}},
            {"type": "web_search_call", "id": "w", "action": {}}]}"#;
        let expected = [
            call("c1", "sh", r#""{\"a\": 1}""#),
            call("c2", "run", "\"ls\""),
            call("c3", "", r#"{"command": ["ls"]}"#),
        ];
        assert_eq!(calls(whole), expected);
        let event = |kind: &str, rest: &str| {
            let item = format!(r#"{{"call_id": "c", "name": "sh", "arguments": "x"{rest}}}"#);
            calls(&format!(r#"{{"type": "response.output_item.{kind}", "item": {item}}}"#))
        };
        assert_eq!(event("done", ""), [call("c", "sh", "\"x\"")]);
        assert_eq!(event("added", ""), []);
        for none in [
            r#"{"output": "x"}"#,
            r#"{"output": [{"call_id": "", "arguments": "x"}]}"#,
            r#"{"output": [{"call_id": 1, "arguments": "x"}]}"#,
            r#"{"output": [{"call_id": "c", "name": "x"}]}"#,
        ] {
            assert_eq!(calls(none), [], "{none}");
        }
        let long = "x".repeat(LONGEST);
        assert_eq!(calls(&format!(r#"{{"output":[{{"call_id":"c","input":"{long}"}}]}}"#)), []);
    }

    #[test]
    fn the_oldest_go_first() {
        let call = |id: usize, bytes: usize| Call {
            id: id.to_string().into(),
            tool: Box::default(),
            input: "x".repeat(bytes).into(),
        };
        let mut calls = Calls::default();
        assert!(calls.keep((0..CALLS).map(|id| call(id, 1))));
        assert!(!calls.keep([call(0, 1)]), "it is known");
        assert!(calls.keep([call(CALLS, 1)]) && calls.find("0").is_none());
        assert!(calls.find("1").is_some() && calls.find(&CALLS.to_string()).is_some());
        let mut other = Calls::default();
        other.keep((0..9).map(|id| call(1000 + id, LONGEST - 4)));
        assert_eq!((other.0.len(), other.find("1000")), (8, None), "of 64 KB");
        let names = (0..9).map(|id| Call { tool: "t".repeat(LONGEST).into(), ..call(id, 0) });
        let mut named = Calls::default();
        named.keep(names);
        assert_eq!(named.0.len(), 7, "names and ids count");
        assert!(calls.join(&other) && calls.find("1").is_none());
        assert_eq!(format!("{calls:?} {:?}", call(1, 3)), "Calls(8) Call(3 bytes)");
        // A tool may be called again under the same id: the last counts.
        calls.keep([call(1008, 2)]);
        assert_eq!(calls.find("1008").map(|call| call.input.len()), Some(2));
    }
}
