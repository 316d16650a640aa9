//! What else of a document tells what a leaf holds: the name beside it, and the command whose
//! answer it is.

use std::borrow::Cow;

use crate::body::json::{Node, Shape, Tape};
use crate::body::select::Leaf;
use crate::detect::{Finding, Printed, Tool};
use crate::mask::contents::Contents;
use crate::mask::conversation::Call;
use crate::mask::masker::{Session, Text};

/// How the fields of a tool's input are called that hold commands.
const COMMANDS: [&str; 8] =
    ["command", "commands", "cmd", "cli_command", "script", "args", "arguments", "action"];
/// Fields of tools that write or search: their answer is not what another field names.
const TELLS: [&str; 12] = [
    "value",
    "new_value",
    "content",
    "contents",
    "text",
    "pattern",
    "query",
    "regex",
    "glob",
    "old_string",
    "new_string",
    "search",
];
/// How agents call what a command printed, where they write JSON around it.
const OUTPUTS: [&str; 8] =
    ["output", "stdout", "stderr", "result", "text", "content", "response", "as_json"];

impl Session<'_> {
    /// The key of a leaf, or the name beside it, if that is one of those that tell what it is.
    pub(super) fn label<'t>(&self, tape: &Tape<'t>, leaf: &Leaf) -> Cow<'t, str> {
        let name = leaf.beside.map(|name| tape.text(name));
        let name = name.filter(|name| self.masker.catalog.is_telling(name));
        name.or_else(|| leaf.label.map(|key| tape.text(key))).unwrap_or_default()
    }

    /// Adds what the command says of its answer.
    pub(super) fn answered<'l>(
        &mut self,
        tape: &Tape<'_>,
        leaves: impl Iterator<Item = &'l Leaf>,
        texts: &mut [Text<'_>],
    ) {
        for (leaf, text) in leaves.zip(texts) {
            self.of_tool(tape, leaf, text);
            let Some(asked) = leaf.asked.or(leaf.apart) else { continue };
            // Results are read one after the other.
            if self.printed.as_ref().is_none_or(|(node, _)| *node != asked) {
                let printed = self.printed(tape, leaf);
                self.printed = Some((asked, printed));
            }
            let Some((_, printed)) = &self.printed else { continue };
            text.beside.aws |= printed.is_of_aws();
            if printed.is_empty() {
                continue;
            }
            let mut found = Vec::new();
            self.found_in(printed, text.text, &mut found);
            if !found.is_empty() {
                let Text { text, findings, beside, .. } = text;
                self.masker.catalog.add_printed(text, &beside.taken, &mut found, findings);
            }
        }
    }

    /// What the call prints whose result this is.
    fn printed(&mut self, tape: &Tape<'_>, leaf: &Leaf) -> Printed {
        let mut printed = Printed::default();
        if let Some(asked) = leaf.asked {
            self.commands(tape, asked, true, &mut printed);
        } else if let Some(call) = self.apart(tape, leaf)
            && let Ok(tape) = Tape::parse(&call.input, self.masker.limits.depth)
        {
            self.commands(&tape, tape.root(), true, &mut printed);
        }
        if let Some(tool) = self.tool_of(tape, leaf) {
            self.masker.catalog.read_tool(tool, &mut printed);
        }
        printed
    }

    /// The call whose result this is, if the provider keeps it.
    pub(super) fn apart(&self, tape: &Tape<'_>, leaf: &Leaf) -> Option<&Call> {
        // Mostly there are none.
        let id = leaf.apart.filter(|_| !self.calls.is_empty())?;
        self.calls.find(&tape.text(id))
    }

    /// The tool that is called here or that gave this, if it works with AWS.
    fn tool_of(&mut self, tape: &Tape<'_>, leaf: &Leaf) -> Option<Tool> {
        match leaf.by {
            Some(by) => self.tool_named(tape, by),
            None => Tool::of_aws(&self.apart(tape, leaf)?.tool),
        }
    }

    /// What a tool that works with AWS is given and answers is AWS's.
    fn of_tool(&mut self, tape: &Tape<'_>, leaf: &Leaf, text: &mut Text<'_>) {
        let outer = self.tool.filter(|_| leaf.by.is_none());
        let Some(tool) = self.tool_of(tape, leaf).or(outer) else { return };
        text.beside.aws = true;
        let given = leaf.asked.is_none() && leaf.apart.is_none();
        let field = leaf.label.filter(|_| given).map(|label| tape.text(label));
        let catalog = &self.masker.catalog;
        let given = field.and_then(|field| catalog.find_given(tool, &field, text.text));
        if let Some(given) = given {
            let Text { text, findings, beside, .. } = text;
            catalog.add_unsure(text, &beside.taken, &mut vec![given], findings);
        }
    }

    /// The tool of this name, if it works with AWS.
    pub(super) fn tool_named(&mut self, tape: &Tape<'_>, name: Node) -> Option<Tool> {
        match self.named {
            Some((node, tool)) if node == name => tool,
            _ => {
                let tool = Tool::of_aws(&tape.text(name));
                self.named = Some((name, tool));
                tool
            }
        }
    }

    /// What stands in an answer.
    fn found_in(&self, printed: &Printed, text: &str, out: &mut Vec<Finding>) {
        let catalog = &self.masker.catalog;
        // Some agents write JSON around it: `{"output": "…"}`.
        let opens = text.trim_ascii_start().starts_with(['{', '[']);
        let tape = if opens { Tape::parse(text, self.masker.limits.depth).ok() } else { None };
        let mut outputs = Vec::new();
        if let Some(tape) = &tape {
            outputs_of(tape, tape.root(), &mut outputs);
        }
        let Some(tape) = tape.filter(|_| !outputs.is_empty()) else {
            return out.extend(catalog.find_printed(printed, text));
        };
        for output in outputs {
            let contents = Contents::json(tape.raw(output));
            let mut found = catalog.find_printed(printed, contents.text());
            found.sort_unstable_by_key(|finding| finding.span.start);
            let (start, mut way_back) = (tape.span(output).start, contents.way_back());
            out.extend(found.into_iter().map(|finding| {
                let span = way_back.source(&finding.span);
                Finding { span: start + span.start..start + span.end, ..finding }
            }));
        }
    }

    /// What the commands in the input of a tool print. `named`: here any text is one.
    fn commands(&self, tape: &Tape<'_>, input: Node, named: bool, out: &mut Printed) {
        let catalog = &self.masker.catalog;
        match tape.shape(input) {
            Shape::Object => {
                let tells =
                    tape.fields(input).any(|(key, _)| TELLS.contains(&tape.text(key).as_ref()));
                for (key, value) in tape.fields(input) {
                    let field = tape.text(key);
                    let named = COMMANDS.contains(&field.as_ref());
                    let inner = matches!(tape.shape(value), Shape::Object);
                    if tape.shape(value) == Shape::String && !tells {
                        catalog.read_asked(&field, &tape.text(value), out);
                    }
                    if named || inner {
                        self.commands(tape, value, named, out);
                    }
                }
            }
            Shape::Array => {
                let strings = tape.items(input).filter(|&item| tape.shape(item) == Shape::String);
                let words: Vec<_> = strings.map(|item| tape.text(item)).collect();
                // Commands, or the words of one.
                if words.first().is_some_and(|word| word.contains(' ')) {
                    words.iter().for_each(|text| catalog.read_commands(text, out));
                } else {
                    let quoted =
                        words.iter().map(|word| format!("'{}'", word.replace('\'', r"'\''")));
                    catalog.read_commands(&quoted.collect::<Vec<_>>().join(" "), out);
                }
            }
            Shape::String if named => {
                let text = tape.text(input);
                match Tape::parse(&text, self.masker.limits.depth) {
                    Ok(inner) if inner.shape(inner.root()) == Shape::Object => {
                        self.commands(&inner, inner.root(), true, out);
                    }
                    _ => catalog.read_commands(&text, out),
                }
            }
            _ => {}
        }
    }
}

/// The strings of an answer in JSON that hold what was printed.
fn outputs_of(tape: &Tape<'_>, node: Node, out: &mut Vec<Node>) {
    match tape.shape(node) {
        Shape::Object => {
            for (key, value) in tape.fields(node) {
                let output = OUTPUTS.contains(&tape.text(key).as_ref());
                match tape.shape(value) {
                    Shape::String if output => out.push(value),
                    Shape::Object | Shape::Array if output => outputs_of(tape, value, out),
                    _ => {}
                }
            }
        }
        Shape::Array => tape.items(node).for_each(|item| outputs_of(tape, item, out)),
        _ => {}
    }
}
