//! Calls of tools and their results: what a command printed means what the command asked for.

use std::borrow::Cow;
use std::collections::VecDeque;

use crate::body::json::{Node, Shape, Tape};
use crate::body::select::rules::Rule;
use crate::body::select::{bedrock, claude, gemini, openai};
use crate::detect::{INPUT, OUTPUT};

/// A longer input is no command.
const LONGEST: usize = 8 << 10;
/// No more calls wait for their results.
const WAITING: usize = 512;

/// The calls whose results have not been read yet, in their order.
#[derive(Default)]
pub(super) struct Calls<'s> {
    made: VecDeque<Call<'s>>,
    /// A command that the user typed.
    typed: Option<Node>,
    /// In a message of the user.
    user: bool,
}

struct Call<'s> {
    id: Cow<'s, str>,
    /// The function, which is all that some results tell.
    name: Cow<'s, str>,
    input: Option<Node>,
    tool: Option<Node>,
}

/// What is known of a call, inside of it and in its result.
#[derive(Clone, Copy, Default)]
pub(super) struct Known {
    /// The input of the tool whose result this is.
    pub asked: Option<Node>,
    /// The name of the tool.
    pub tool: Option<Node>,
    /// The id of a call that the document does not hold.
    pub apart: Option<Node>,
}

/// Where an object says which call it is, or which it answers.
enum Part {
    Call { id: &'static str, name: &'static str, input: Option<Node>, tool: Option<Node> },
    Result { id: &'static str, name: &'static str },
}

impl<'s> Calls<'s> {
    /// Keeps a call, and gives what is known of it, there and at its result.
    pub(super) fn read(&mut self, tape: &Tape<'s>, node: Node, rule: Rule) -> Option<Known> {
        self.turn(tape, node, rule);
        let text = |name: &str| match tape.field(node, name) {
            Some(value) if tape.shape(value) == Shape::String => tape.text(value),
            _ => Cow::default(),
        };
        match part(tape, node, rule)? {
            Part::Call { id, name, input, tool } => {
                let input = input.filter(|&input| tape.span(input).len() <= LONGEST);
                if self.made.len() == WAITING {
                    self.made.pop_front();
                }
                self.made.push_back(Call { id: text(id), name: text(name), input, tool });
                Some(Known { tool, ..Known::default() })
            }
            Part::Result { id, name } => {
                let apart = tape.field(node, id);
                let (id, name) = (text(id), text(name));
                let is = |call: &Call<'_>| match id.is_empty() {
                    true => !name.is_empty() && call.name == name,
                    false => call.id == id,
                };
                let at = self.made.iter().position(is);
                match at.and_then(|at| self.made.remove(at)) {
                    Some(Call { input, tool, .. }) => {
                        Some(Known { asked: input, tool, apart: None })
                    }
                    None => (!id.is_empty()).then(|| Known { apart, ..Known::default() }),
                }
            }
        }
    }

    /// A message, or the first of another document.
    fn turn(&mut self, tape: &Tape<'s>, node: Node, rule: Rule) {
        let role = |role: &str| tape.field(node, "role").is_some_and(|own| tape.raw(own) == role);
        match rule {
            // Of a batch, each request begins anew.
            Rule::Gemini(gemini::Object::Body) => *self = Self::default(),
            // What the model did not get is not answered any more.
            Rule::Gemini(gemini::Object::Content) if role("model") => {
                self.made.retain(|call| !call.id.is_empty());
            }
            Rule::Claude(claude::Object::Message) => {
                self.user = role("user");
                self.typed = self.typed.filter(|_| self.user);
            }
            _ => {}
        }
    }

    /// The command that the user typed, if this text is what it printed.
    pub(super) fn typed(&mut self, tape: &Tape<'s>, text: Node) -> Option<Node> {
        if !self.user {
            return None;
        }
        let raw = tape.raw(text);
        if raw.starts_with(INPUT.0) && raw.len() <= LONGEST {
            self.typed = Some(text);
        }
        self.typed.take_if(|_| raw.starts_with(OUTPUT.0))
    }
}

fn part(tape: &Tape<'_>, node: Node, rule: Rule) -> Option<Part> {
    let field = |name| tape.field(node, name);
    let string = |node: &Node| tape.shape(*node) == Shape::String;
    let tool = field("name").filter(string);
    let call = |id, input| Part::Call { id, name: "", input, tool };
    let result = |id| Part::Result { id, name: "" };
    Some(match rule {
        Rule::Claude(claude::Object::ToolUse) => call("id", field("input")),
        // What the provider runs works with placeholders.
        Rule::Claude(claude::Object::Block) => {
            let kind = field("tool_use_id").and_then(|_| field("type"))?;
            return (tape.raw(kind) == "tool_result").then(|| result("tool_use_id"));
        }
        Rule::Bedrock(bedrock::Object::ToolUse) => call("toolUseId", field("input")),
        Rule::Bedrock(bedrock::Object::ToolResult) => result("toolUseId"),
        Rule::OpenAi(openai::Object::ToolCall) => {
            let function = field("function").and_then(|call| tape.field(call, "arguments"));
            let name = field("function").and_then(|call| tape.field(call, "name")).filter(string);
            let input = function.or_else(|| tape.field(field("custom")?, "input"));
            Part::Call { id: "id", name: "", input, tool: name }
        }
        Rule::OpenAi(openai::Object::FunctionCall) => {
            Part::Call { id: "id", name: "name", input: field("arguments"), tool }
        }
        Rule::OpenAi(openai::Object::Message) if field("tool_call_id").is_none() => {
            let function = field("role").is_some_and(|role| tape.raw(role) == "function");
            return function.then_some(Part::Result { id: "tool_call_id", name: "name" });
        }
        Rule::OpenAi(openai::Object::Message) => result("tool_call_id"),
        Rule::OpenAi(openai::Object::Item) => {
            if field("output").is_some() {
                return Some(result(if field("call_id").is_some() { "call_id" } else { "id" }));
            }
            field("call_id")?;
            call("call_id", ["arguments", "input", "action"].into_iter().find_map(field))
        }
        // Calls without an id are told by their function.
        Rule::Gemini(gemini::Object::Call) => {
            Part::Call { id: "id", name: "name", input: field("args"), tool }
        }
        Rule::Gemini(gemini::Object::Result) => Part::Result { id: "id", name: "name" },
        _ => return None,
    })
}
