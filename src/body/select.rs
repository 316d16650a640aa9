//! Which strings of a document are text, by API: what is masked and restored,
//! and what is forwarded byte for byte.
//!
//! A place is decided by its whole path in a known format, never by a key's
//! name alone: the tables of each API say what a field of each known object is. In
//! objects that are not known, and below `input`, `input_schema` and the like,
//! every string and every key is text. A known object in which a key occurs
//! twice is treated as unknown: parsers differ on which of the two counts.

mod bedrock;
mod beside;
mod blocks;
mod calls;
mod claude;
mod gemini;
mod hosted;
mod openai;
mod places;
mod rules;
mod schemas;
mod spans;
mod stream;

use crate::body::json::{Node, Shape, Tape};
use calls::{Calls, Known};
pub use hosted::{Hosted, goes_on, hosted};
pub use places::{Format, Guarded, Leaf, Opaque, Place, Units};
use rules::Rule;
pub use schemas::{requests, schemas};
pub use spans::{anchored, spans_of};
pub use stream::{End, Piece, pieces};

/// The leaves of the document, unit by unit: one tool, one system block, one
/// content block; the order is that in which the model reads them.
#[must_use]
pub fn units(tape: &Tape<'_>, format: Format) -> Units {
    let mut walk = Walk::new(tape);
    let root = tape.root();
    let (rule, order) = top(tape, format);
    match format {
        Format::Batch => walk.batch(root),
        _ if order.is_empty() => walk.visit(root, rule, None),
        _ => walk.document(root, rule, order),
    }
    walk.cut();
    walk.units
}

/// What the top of a document is, and the order in which it is read.
fn top(tape: &Tape<'_>, format: Format) -> (Rule, &'static [&'static str]) {
    use bedrock::Object as Bedrock;
    use claude::Object as Claude;
    use openai::Object as OpenAi;
    match format {
        Format::Messages | Format::Batch => (Rule::Claude(Claude::Body), claude::ORDER),
        Format::BatchResult => (Rule::Claude(Claude::BatchResult), &[]),
        Format::Event => (Rule::Claude(Claude::Event), &[]),
        Format::Chat => (Rule::OpenAi(OpenAi::Chat), openai::CHAT_ORDER),
        Format::Responses => (Rule::OpenAi(OpenAi::Responses), openai::RESPONSES_ORDER),
        Format::ResponsesEvent => (Rule::OpenAi(OpenAi::Event), &[]),
        Format::Line => (Rule::OpenAi(OpenAi::Line), &[]),
        Format::Gemini => (Rule::Gemini(gemini::Object::Body), gemini::ORDER),
        Format::Converse => (Rule::Bedrock(Bedrock::Body), bedrock::ORDER),
        Format::ConverseEvent => (Rule::Bedrock(Bedrock::Event), &[]),
        Format::CountTokens => (Rule::Bedrock(Bedrock::CountTokens), &[]),
        Format::Invoke => top(tape, invoked(tape)),
        Format::Other => (Rule::Root, &[]),
        Format::Free => (Rule::Free, &[]),
    }
}

/// The format of a model's own document, by the fields that only one has.
fn invoked(tape: &Tape<'_>) -> Format {
    let has = |name| tape.field(tape.root(), name).is_some();
    let kind = tape.field(tape.root(), "type").map(|kind| tape.text(kind));
    match kind.as_deref() {
        _ if has("anthropic_version") => Format::Messages,
        Some("message") => Format::Messages,
        Some(_) => Format::Event,
        None if has("inferenceConfig") || has("schemaVersion") || has("output") => Format::Converse,
        None if has("messages") || has("choices") => Format::Chat,
        None => Format::Other,
    }
}

/// The format of what several models' formats share a path with.
#[must_use]
pub fn resolved(tape: &Tape<'_>, format: Format) -> Format {
    if format == Format::Invoke { invoked(tape) } else { format }
}

/// What stands below these in a schema belongs to the property that it describes:
/// `"account_id": {"type": "integer", "enum": [123456789012]}`.
const OF_SCHEMAS: [&str; 9] =
    ["enum", "const", "default", "examples", "example", "items", "anyOf", "oneOf", "allOf"];
/// Where APIs that are not known put the input of tools.
const TOOL_INPUTS: [&str; 3] = ["arguments", "args", "input"];

struct Walk<'t, 's> {
    tape: &'t Tape<'s>,
    units: Units,
    tool: bool,
    calls: Calls<'s>,
    /// Of the call that this is, or whose result.
    call: Known,
    /// Of an event: its pieces, in the place of leaves.
    stream: Option<stream::Pieces>,
}

impl<'t, 's> Walk<'t, 's> {
    fn new(tape: &'t Tape<'s>) -> Self {
        let (units, calls, call) = Default::default();
        Self { tape, units, tool: false, calls, call, stream: None }
    }
}

impl Walk<'_, '_> {
    /// Ends the unit.
    fn cut(&mut self) {
        let end = self.units.leaves.len();
        if self.units.ends.last().copied().unwrap_or_default() < end {
            self.units.ends.push(end);
        }
    }

    fn batch(&mut self, root: Node) {
        let Some(requests) = self.tape.field(root, "requests") else {
            return self.visit(root, Rule::Free, None);
        };
        for request in self.tape.items(requests) {
            match self.tape.field(request, "params") {
                Some(params) => {
                    self.document(params, Rule::Claude(claude::Object::Body), claude::ORDER);
                }
                None => self.visit(request, Rule::Free, None),
            }
            self.cut();
        }
        for (key, value) in self.tape.fields(root) {
            if value != requests {
                self.visit(value, Rule::Free, Some(key));
            }
        }
    }

    /// The fields that the model reads, in their order, then the rest.
    fn document(&mut self, body: Node, rule: Rule, order: &[&str]) {
        if self.tape.shape(body) != Shape::Object || self.tape.repeats(body) {
            return self.visit(body, Rule::Free, None);
        }
        self.calls = Calls::default();
        let fields: Vec<(Node, Node)> = self.tape.fields(body).collect();
        for &name in order {
            if let Some(&(key, value)) = fields.iter().find(|(key, _)| self.tape.text(*key) == name)
            {
                self.unit_list(value, rule.field(name), key);
            }
        }
        let mut rest: Vec<_> = fields
            .iter()
            .map(|&(key, value)| (self.tape.text(key), key, value))
            .filter(|(name, ..)| !order.contains(&name.as_ref()))
            .collect();
        // The order of keys plays no role; that of the answer's blocks does.
        rest.sort_by(|(a, ..), (b, ..)| a.cmp(b));
        for (name, key, value) in rest {
            self.unit_list(value, rule.field(&name), key);
        }
    }

    /// Each item of a list is a unit; in messages, each block.
    fn unit_list(&mut self, value: Node, rule: Rule, key: Node) {
        if rule.is_message() && self.tape.shape(value) == Shape::Object {
            return self.message(value, rule, key);
        }
        if rule.is_object() && self.tape.shape(value) == Shape::Array {
            for item in self.tape.items(value) {
                if rule.is_message() {
                    self.message(item, rule, key);
                } else {
                    self.visit(item, rule, Some(key));
                }
                self.cut();
            }
        } else {
            self.visit(value, rule, Some(key));
        }
        self.cut();
    }

    fn message(&mut self, message: Node, rule: Rule, label: Node) {
        if self.tape.shape(message) != Shape::Object || self.tape.repeats(message) {
            self.visit(message, Rule::Free, Some(label));
            return self.cut();
        }
        let outer = self.enter(message, rule);
        for (key, value) in self.tape.fields(message) {
            let rule = rule.field(&self.tape.text(key));
            self.unit_list(value, rule, key);
        }
        self.call = outer;
    }

    /// An object may be a call, or the result of one. Gives what was known outside of it.
    fn enter(&mut self, node: Node, rule: Rule) -> Known {
        let outer = self.call;
        if let Some(call) = self.calls.read(self.tape, node, rule) {
            self.call = call;
        }
        outer
    }

    fn leaf(&mut self, node: Node, label: Option<Node>, place: Place) {
        let tool = self.tool || matches!(place, Place::Source | Place::DeltaJson);
        let asked = match place {
            Place::Text => self.call.asked.or_else(|| self.calls.typed(self.tape, node)),
            _ => None,
        };
        let apart = self.call.apart.filter(|_| place == Place::Text);
        let (beside, by) = (None, self.call.tool);
        self.units.leaves.push(Leaf { node, label, beside, place, tool, asked, apart, by });
    }

    fn visit(&mut self, node: Node, rule: Rule, label: Option<Node>) {
        match self.tape.shape(node) {
            Shape::Object => self.object(node, rule, label),
            Shape::Array => {
                for item in self.tape.items(node) {
                    self.visit(item, rule, label);
                }
            }
            Shape::String => match (rule, &mut self.stream) {
                (
                    Rule::Delta(text) | Rule::DeltaJson(text) | Rule::ThoughtDelta(text),
                    Some(stream),
                ) => {
                    let place = match rule {
                        Rule::DeltaJson(_) => Place::DeltaJson,
                        Rule::ThoughtDelta(_) => Place::Thought,
                        _ => Place::Delta,
                    };
                    stream.delta(node, place, self.tool, text, &mut self.units.leaves);
                }
                _ => self.leaf(node, label, self.string_place(node, rule)),
            },
            Shape::Number => {
                if matches!(rule, Rule::Free | Rule::Text | Rule::Root) {
                    self.leaf(node, label, Place::Number);
                }
            }
            Shape::Key | Shape::Word => {}
        }
    }

    fn object(&mut self, node: Node, rule: Rule, label: Option<Node>) {
        let given = rule;
        let mut rule = self.refine(node, given);
        if rule.is_object() && self.tape.repeats(node) {
            rule = Rule::Free;
        }
        self.units.unknown += u64::from(self.is_unknown(node, given));
        let outer_channel = self.begins(node, rule);
        let outer_call = self.enter(node, rule);
        for (key, value) in self.tape.fields(node) {
            let inner = match rule {
                _ if rule.holds_below() => rule,
                Rule::Claude(claude::Object::Block) if self.tape.text(key) == "source" => {
                    claude::source(self.tape, value)
                }
                _ => rule.field(&self.tape.text(key)),
            };
            let outer = self.tool;
            // In unknown formats by the names that APIs have for it: this only adds care.
            let named = || TOOL_INPUTS.contains(&self.tape.text(key).as_ref());
            self.tool |= matches!(inner, Rule::Free)
                && (rule.is_tool_use() || (rule == Rule::Free && named()));
            if matches!(inner, Rule::Free) {
                self.leaf(key, None, Place::Key);
            }
            let of_schema = matches!(inner, Rule::Free) && OF_SCHEMAS.contains(&self.tape.raw(key));
            let first = self.units.leaves.len();
            self.visit(value, inner, label.filter(|_| of_schema).or(Some(key)));
            if let Some(leaf) = self.units.leaves.get_mut(first).filter(|leaf| leaf.node == value)
                && matches!(inner, Rule::Free)
            {
                leaf.beside = beside::name(self.tape, node, key);
            }
            self.tool = outer;
        }
        self.call = outer_call;
        self.ends(node, given, outer_channel);
    }

    /// What an object is, by its `type` or what else tells.
    fn refine(&self, node: Node, rule: Rule) -> Rule {
        let text = |name| {
            let value = self.tape.field(node, name);
            let string = value.filter(|&value| self.tape.shape(value) == Shape::String);
            string.map(|value| self.tape.text(value)).unwrap_or_default()
        };
        match rule {
            Rule::Claude(object) => object.refine(&text("type")),
            Rule::OpenAi(openai::Object::Chat) => {
                let has = |name| self.tape.field(node, name).is_some();
                openai::body(&text("object"), has("input") && !has("messages"))
            }
            Rule::OpenAi(object) => object.refine(&text("type")),
            Rule::Bedrock(object @ bedrock::Object::Media(_)) => object.refine(&text("format")),
            Rule::Gemini(object @ gemini::Object::Blob) => {
                object.refine(&(text("mimeType") + text("mime_type")))
            }
            Rule::Gemini(gemini::Object::Part) if self.is_thought(node) => Rule::State,
            Rule::Text | Rule::Base64 | Rule::Link | Rule::Source | Rule::DeltaJson(_) => {
                Rule::Free
            }
            Rule::Delta(_) => Rule::OpenAi(openai::Object::OutputDelta),
            Rule::Thought | Rule::ThoughtDelta(_) => Rule::State,
            other => other,
        }
    }

    /// A summary of what the model thought.
    fn is_thought(&self, part: Node) -> bool {
        self.tape.field(part, "thought").is_some_and(|value| self.tape.raw(value) == "true")
    }

    fn string_place(&self, node: Node, rule: Rule) -> Place {
        match rule {
            // Not text, but looked at: whatever stands there is sent.
            Rule::Skip => Place::Guarded(Guarded::Id),
            Rule::State => Place::State,
            Rule::Thought | Rule::ThoughtDelta(_) => Place::Thought,
            Rule::Guard(guarded) => Place::Guarded(guarded),
            Rule::Opaque(opaque) => Place::Opaque(opaque),
            Rule::Base64 => Place::Base64,
            Rule::Link | Rule::OpenAi(openai::Object::Image) => match self.tape.raw(node) {
                raw if raw.starts_with("data:image/") => Place::Opaque(Opaque::Image),
                raw if raw.starts_with("data:") => Place::Base64,
                _ => Place::Guarded(Guarded::Url),
            },
            Rule::Source => Place::Source,
            Rule::Delta(_) => Place::Delta,
            Rule::DeltaJson(_) => Place::DeltaJson,
            _ => Place::Text,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn places(source: &str, format: Format) -> Vec<Vec<(String, Place)>> {
        let tape = Tape::parse(source, 32).unwrap();
        let leaf = |leaf: &Leaf| (tape.text(leaf.node).into_owned(), leaf.place);
        units(&tape, format).iter().map(|unit| unit.iter().map(leaf).collect()).collect()
    }

    fn texts(source: &str, format: Format) -> Vec<String> {
        let masked = |place: &Place| matches!(place, Place::Text | Place::Key | Place::Delta);
        places(source, format)
            .into_iter()
            .flatten()
            .filter(|(_, place)| masked(place))
            .map(|(text, _)| text)
            .collect()
    }

    #[test]
    fn units_come_in_the_order_of_reading() {
        let body = r#"{"messages":[{"content":[{"type":"text","text":"m1"},{"text":"m2","type":"text"}],
            "role":"user"},{"role":"user","content":"m3"}],"stop_sequences":["s"],"system":[{"type":"text",
            "text":"y"}],"tools":[{"name":"n","description":"t"}],"model":"x","max_tokens":5,
            "output_config":{"format":{"schema":{"o":"p"}}}}"#;
        let read = |(_, place): &&(String, Place)| matches!(place, Place::Text | Place::Number);
        let units = places(body, Format::Messages);
        let last =
            |unit: &Vec<(String, Place)>| unit.iter().rfind(read).map(|(text, _)| text.clone());
        let order: Vec<_> = units.iter().filter_map(last).collect();
        assert_eq!(order, ["p", "t", "y", "m1", "m2", "m3", "5", "s"]);
    }

    #[test]
    fn state_and_ids_are_never_text() {
        let body = r#"{"messages":[{"role":"assistant","content":[
            {"type":"thinking","thinking":"T","signature":"S"},
            {"type":"redacted_thinking","data":"D"},
            {"type":"tool_use","id":"toolu_1","name":"Bash","input":{"type":"in","id":"also","thinking":"in too"}},
            {"type":"tool_result","tool_use_id":"toolu_1","content":[{"type":"text","text":"R","signature":"Z"}]},
            {"type":"image","source":{"type":"base64","media_type":"image/png","data":"I"}},
            {"type":"document","title":"t","source":{"type":"text","media_type":"text/plain","data":"doc"}},
            {"type":"search_result","source":"src","title":"ti","content":[{"type":"text","text":"c"}]}
        ]}],"metadata":{"user_id":"u"},"thinking":{"type":"enabled"}}"#;
        let expected = [
            "input",
            "type",
            "in",
            "id",
            "also",
            "thinking",
            "in too",
            "text",
            "R",
            "title",
            "t",
            "media_type",
            "type",
            "text",
            "text/plain",
            "data",
            "doc",
            "src",
            "title",
            "ti",
            "text",
            "c",
        ];
        let found = texts(body, Format::Messages);
        for text in ["in", "also", "in too", "R", "t", "doc", "src", "ti", "c"] {
            assert!(found.contains(&text.to_owned()), "{text} in {found:?}");
        }
        for text in ["T", "S", "D", "toolu_1", "Bash", "I", "u", "enabled", "Z"] {
            assert!(!found.contains(&text.to_owned()), "{text} in {found:?}, {expected:?}");
        }
    }

    #[test]
    fn a_repeated_key_makes_a_known_object_unknown() {
        let body = r#"{"messages":[{"role":"user","content":[{"type":"thinking","type":"text","thinking":"x","text":"y"}]}]}"#;
        let found = texts(body, Format::Messages);
        assert!(found.contains(&"x".to_owned()) && found.contains(&"y".to_owned()), "{found:?}");
        let body = r#"{"metadata":{"a":"x"},"metadata":{"a":"y"}}"#;
        assert!(texts(body, Format::Messages).contains(&"x".to_owned()));
    }

    #[test]
    fn events_name_their_deltas() {
        let delta = |delta: &str| {
            let data = format!(r#"{{"type":"content_block_delta","index":0,"delta":{delta}}}"#);
            places(&data, Format::Event).into_iter().flatten().collect::<Vec<_>>()
        };
        let places = |source| delta(source).into_iter().map(|(_, place)| place).collect::<Vec<_>>();
        assert!(places(r#"{"type":"text_delta","text":"a"}"#).contains(&Place::Delta));
        assert!(
            places(r#"{"type":"input_json_delta","partial_json":"a"}"#).contains(&Place::DeltaJson)
        );
        assert!(places(r#"{"type":"thinking_delta","thinking":"a"}"#).contains(&Place::Thought));
        assert!(places(r#"{"type":"new_delta","text":"a"}"#).contains(&Place::State));
    }
}
