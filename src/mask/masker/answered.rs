//! What else of a document tells what a leaf holds: the name beside it, and the command whose
//! answer it is.

use std::borrow::Cow;

use crate::body::json::{Node, Shape, Tape};
use crate::body::select::Leaf;
use crate::detect::{Finding, Printed};
use crate::mask::contents::Contents;
use crate::mask::masker::{Session, Text};

impl Session<'_> {
    /// The key of a leaf, or the name beside it, if that is one of those that tell what it is.
    pub(super) fn label<'t>(&self, tape: &Tape<'t>, leaf: &Leaf) -> Cow<'t, str> {
        let name = leaf.beside.map(|name| tape.text(name));
        let name = name.filter(|name| self.masker.catalog.is_telling(name));
        name.or_else(|| leaf.label.map(|key| tape.text(key))).unwrap_or_default()
    }

    /// Adds what the command says of its answer.
    pub(super) fn answered<'l>(
        &self,
        tape: &Tape<'_>,
        leaves: impl Iterator<Item = &'l Leaf>,
        texts: &mut [Text<'_>],
    ) {
        let catalog = &self.masker.catalog;
        let mut last: Option<(Node, Vec<Printed>)> = None;
        for (leaf, text) in leaves.zip(texts) {
            let Some(asked) = leaf.asked else { continue };
            if last.as_ref().is_none_or(|(node, _)| *node != asked) {
                let mut printed = Vec::new();
                self.commands(tape, asked, &mut printed);
                last = Some((asked, printed));
            }
            let Some((_, printed)) = &last else { continue };
            let mut found = self.printed(printed, text.text);
            if !found.is_empty() {
                let taken = &text.beside.taken;
                catalog.add_unsure(text.text, taken, &mut found, &mut text.findings);
            }
        }
    }

    /// What stands in an answer; some agents write it into JSON: `{"output": "…"}`.
    fn printed(&self, printed: &[Printed], text: &str) -> Vec<Finding> {
        let catalog = &self.masker.catalog;
        let all = |text: &str| -> Vec<_> {
            printed.iter().flat_map(|printed| catalog.printed(printed, text)).collect()
        };
        if printed.is_empty() || !text.starts_with("{\"") {
            return all(text);
        }
        let Ok(tape) = Tape::parse(text, self.masker.limits.depth) else { return all(text) };
        let mut found = Vec::new();
        for (_, value) in tape.fields(tape.root()) {
            if tape.shape(value) != Shape::String {
                continue;
            }
            let contents = Contents::json(tape.raw(value));
            let (start, mut way_back) = (tape.span(value).start, contents.way_back());
            let mut inner = all(contents.text());
            inner.sort_unstable_by_key(|finding| finding.span.start);
            found.extend(inner.into_iter().map(|finding| {
                let span = way_back.source(&finding.span);
                Finding { span: start + span.start..start + span.end, ..finding }
            }));
        }
        found
    }

    /// What the commands in the input of a tool print.
    fn commands(&self, tape: &Tape<'_>, input: Node, out: &mut Vec<Printed>) {
        match tape.shape(input) {
            Shape::Object => {
                tape.fields(input).for_each(|(_, value)| self.commands(tape, value, out));
            }
            Shape::Array => tape.items(input).for_each(|item| self.commands(tape, item, out)),
            Shape::String => {
                let text = tape.text(input);
                match Tape::parse(&text, self.masker.limits.depth) {
                    Ok(inner) if inner.shape(inner.root()) == Shape::Object => {
                        self.commands(&inner, inner.root(), out);
                    }
                    _ => out.extend(self.masker.catalog.commands(&text)),
                }
            }
            _ => {}
        }
    }
}
