//! A note for the model, in a place that never moves: behind the system text of a request,
//! whatever else it holds. One sentence, the same for ever: a changed word would change the
//! prefix of every conversation.

use crate::body::json::{Node, Shape, Tape};
use crate::body::select::{self, Format};
use crate::body::splice::Swap;

/// Without anything that JSON escapes, and nothing that reads as a placeholder.
pub const NOTE: &str = "Words of the form AWS_KIND_CODE or SECRET_KIND_CODE, where CODE is twelve letters and digits, are names of things: copy them exactly, symbol by symbol, and never make one up.";

/// What adds the note to the requests of a document.
#[must_use]
pub fn swaps(tape: &Tape<'_>, format: Format) -> Vec<Swap<String>> {
    let format = select::resolved(tape, format);
    let add = |request| Note { tape, request }.add(format);
    select::requests(tape, format).into_iter().filter_map(add).collect()
}

struct Note<'t, 's> {
    tape: &'t Tape<'s>,
    request: Node,
}

impl Note<'_, '_> {
    fn add(&self, format: Format) -> Option<Swap<String>> {
        let has = |name| self.field(name).is_some();
        match format {
            Format::Messages | Format::Batch if has("messages") => {
                let block = format!("{{\"type\":\"text\",\"text\":\"{NOTE}\"}}");
                self.system("system", &block, &format!("\"{NOTE}\""))
            }
            Format::Converse if has("messages") => {
                let block = format!("{{\"text\":\"{NOTE}\"}}");
                self.system("system", &block, &format!("[{block}]"))
            }
            Format::Chat | Format::Line if has("messages") => self.message(),
            Format::Responses | Format::Line if has("input") && !has("prompt") => {
                self.system("instructions", "", &format!("\"{NOTE}\""))
            }
            // What is cached has its own system text, and allows no other.
            Format::Gemini
                if has("contents") && !has("cachedContent") && !has("cached_content") =>
            {
                let part = format!("{{\"text\":\"{NOTE}\"}}");
                let content = self.field("system_instruction").or(self.field("systemInstruction"));
                match content {
                    Some(content) => self.append(self.tape.field(content, "parts")?, &part),
                    None => self.first("systemInstruction", &format!("{{\"parts\":[{part}]}}")),
                }
            }
            _ => None,
        }
    }

    fn field(&self, name: &str) -> Option<Node> {
        self.tape.field(self.request, name)
    }

    /// Behind the text of a field; `whole` is the field if there is none yet.
    fn system(&self, name: &str, block: &str, whole: &str) -> Option<Swap<String>> {
        match self.field(name) {
            Some(node) if self.tape.raw(node) == "null" => {
                Some(Swap { span: self.tape.span(node), with: whole.to_owned() })
            }
            Some(node) => self.append(node, block),
            // It is there twice: nobody knows which counts.
            None if self.tape.repeats(self.request) => None,
            None => self.first(name, whole),
        }
    }

    /// Behind the first message, if that is the system's; else a message before it.
    fn message(&self) -> Option<Swap<String>> {
        let messages = self.field("messages")?;
        let block = format!("{{\"type\":\"text\",\"text\":\"{NOTE}\"}}");
        let first = self.tape.items(messages).next();
        let role = first.and_then(|first| self.tape.field(first, "role"));
        let role = role.map(|role| self.tape.text(role)).unwrap_or_default();
        if matches!(role.as_ref(), "system" | "developer") {
            return self.append(self.tape.field(first?, "content")?, &block);
        }
        if self.tape.shape(messages) != Shape::Array {
            return None;
        }
        let comma = if first.is_some() { "," } else { "" };
        let at = self.tape.span(messages).start + 1;
        let with = format!("{{\"role\":\"system\",\"content\":\"{NOTE}\"}}{comma}");
        Some(Swap { span: at..at, with })
    }

    /// At the end of a text, or of a list of blocks.
    fn append(&self, node: Node, block: &str) -> Option<Swap<String>> {
        let span = self.tape.span(node);
        match self.tape.shape(node) {
            Shape::String => {
                let raw = self.tape.raw(node);
                let gap = if raw.is_empty() { "" } else { "\\n\\n" };
                let with = format!("{gap}{NOTE}");
                (!raw.ends_with(NOTE)).then_some(Swap { span: span.end..span.end, with })
            }
            Shape::Array if !block.is_empty() => {
                let last = self.tape.items(node).last();
                let text = last.and_then(|last| self.tape.field(last, "text"));
                let there = text.is_some_and(|text| self.tape.raw(text) == NOTE);
                let comma = if last.is_some() { "," } else { "" };
                let (at, with) = (span.end - 1, format!("{comma}{block}"));
                (!there).then_some(Swap { span: at..at, with })
            }
            _ => None,
        }
    }

    /// The first field of the request.
    fn first(&self, name: &str, value: &str) -> Option<Swap<String>> {
        let at = self.tape.span(self.request).start + 1;
        let with = format!("\"{name}\":{value},");
        (self.tape.shape(self.request) == Shape::Object).then_some(Swap { span: at..at, with })
    }
}
