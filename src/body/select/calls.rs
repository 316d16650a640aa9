//! Calls of tools and their results: what a command printed means what the command asked for.

use std::borrow::Cow;
use std::collections::VecDeque;

use crate::body::json::{Node, Tape};
use crate::body::select::rules::Rule;
use crate::body::select::{bedrock, claude, gemini, openai};

/// A longer input is no command.
const LONGEST: usize = 8 << 10;
/// How Claude Code writes down a command that its user typed, and then what that printed.
const TYPED: &str = "<bash-input>";
const SHOWN: &str = "<bash-stdout>";
/// No more calls wait for their results.
const WAITING: usize = 128;

/// The calls whose results have not been read yet, in their order.
#[derive(Default)]
pub(super) struct Calls<'s> {
    made: VecDeque<(Cow<'s, str>, Node)>,
    /// A command that the user typed.
    typed: Option<Node>,
}

impl<'s> Calls<'s> {
    /// Keeps a call; of a result, gives the input of its call.
    pub(super) fn read(&mut self, tape: &Tape<'s>, node: Node, rule: Rule) -> Option<Node> {
        let field = |name| tape.field(node, name);
        let (id, input) = match rule {
            Rule::Claude(claude::Object::ToolUse) => ("id", field("input")),
            Rule::Claude(claude::Object::Block) => {
                // What the provider runs works with placeholders.
                let kind = field("tool_use_id").and(field("type"))?;
                return (tape.raw(kind) == "tool_result")
                    .then(|| self.asked(tape, node, "tool_use_id"))?;
            }
            Rule::Bedrock(bedrock::Object::ToolUse) => ("toolUseId", field("input")),
            Rule::Bedrock(bedrock::Object::ToolResult) => {
                return self.asked(tape, node, "toolUseId");
            }
            Rule::OpenAi(openai::Object::ToolCall) => {
                let function = field("function").and_then(|call| tape.field(call, "arguments"));
                let custom = || tape.field(field("custom")?, "input");
                ("id", function.or_else(custom))
            }
            Rule::OpenAi(openai::Object::Message) => return self.asked(tape, node, "tool_call_id"),
            Rule::OpenAi(openai::Object::Item) if field("output").is_some() => {
                return self.asked(tape, node, "call_id");
            }
            Rule::OpenAi(openai::Object::Item) => {
                let input = ["arguments", "input", "action"].into_iter().find_map(field);
                ("call_id", input)
            }
            Rule::Gemini(gemini::Object::Call) => (gemini_id(tape, node), field("args")),
            Rule::Gemini(gemini::Object::Result) => {
                return self.asked(tape, node, gemini_id(tape, node));
            }
            _ => return None,
        };
        let input = input.filter(|&input| tape.span(input).len() <= LONGEST);
        if let (Some(id), Some(input)) = (field(id), input) {
            if self.made.len() == WAITING {
                self.made.pop_front();
            }
            self.made.push_back((tape.text(id), input));
        }
        None
    }

    /// The command that the user typed, if this text is what it printed.
    pub(super) fn typed(&mut self, tape: &Tape<'s>, text: Node) -> Option<Node> {
        let raw = tape.raw(text);
        if raw.starts_with(TYPED) && raw.len() <= LONGEST {
            self.typed = Some(text);
        }
        self.typed.take_if(|_| raw.starts_with(SHOWN))
    }

    fn asked(&mut self, tape: &Tape<'s>, node: Node, id: &str) -> Option<Node> {
        let id = tape.text(tape.field(node, id)?);
        let at = self.made.iter().position(|(call, _)| *call == id)?;
        self.made.remove(at).map(|(_, input)| input)
    }
}

/// Calls without an id are told by their function.
fn gemini_id(tape: &Tape<'_>, node: Node) -> &'static str {
    if tape.field(node, "id").is_some() { "id" } else { "name" }
}
