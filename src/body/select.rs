//! Which strings of a document are text, by API: what is masked and restored,
//! and what is forwarded byte for byte.
//!
//! A place is decided by its whole path in a known format, never by a key's
//! name alone: the tables below say what a field of each known object is. In
//! objects that are not known, and below `input`, `input_schema` and the like,
//! every string and every key is text. A known object in which a key occurs
//! twice is treated as unknown: parsers differ on which of the two counts.

use crate::body::json::{Node, Shape, Tape};

/// A document's format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Claude Messages: request, answer, and the request of `count_tokens`.
    Messages,
    /// `POST /v1/messages/batches`: Messages requests in `requests[].params`.
    Batch,
    /// One line of a batch's results.
    BatchResult,
    /// The data of one event of a Messages stream.
    Event,
    /// Any other JSON: all strings are text, but the name of the model.
    Other,
}

/// What a leaf is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// A string that is masked and restored.
    Text,
    /// A key, likewise.
    Key,
    /// A number, which may be an account id.
    Number,
    /// Base64 of a text.
    Base64,
    /// Model state: forwarded as it is; the placeholders in it are this conversation's.
    State,
    /// Forwarded as it is; a finding here is counted or refused.
    Guarded(Guarded),
    /// Not text: counted.
    Opaque(Opaque),
    /// The text of a delta: in a stream it goes on in the next event.
    Delta,
    /// The same for JSON source: `partial_json`.
    DeltaJson,
}

/// Places that the provider needs as they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Guarded {
    Url,
    Metadata,
    /// Of a model, a tool or a server.
    Name,
    /// Ids, types and marks of the API.
    Id,
    Credential,
}

/// Content that is not looked into.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Opaque {
    Image,
    Document,
    File,
}

/// A string, key or number to look at.
#[derive(Clone, Copy, Debug)]
pub struct Leaf {
    pub node: Node,
    /// The nearest key above.
    pub label: Option<Node>,
    pub place: Place,
    /// In the input of a tool.
    pub tool: bool,
}

/// The leaves of the document, unit by unit: one tool, one system block, one
/// content block; the order is that in which the model reads them.
#[must_use]
pub fn units(tape: &Tape<'_>, format: Format) -> Vec<Vec<Leaf>> {
    let mut walk = Walk { tape, units: Vec::new(), leaves: Vec::new(), tool: false };
    match format {
        Format::Messages => walk.messages(tape.root(), None),
        Format::Batch => walk.batch(tape.root()),
        Format::BatchResult => walk.visit(tape.root(), Rule::BatchResult, None),
        Format::Event => walk.visit(tape.root(), Rule::Event, None),
        Format::Other => walk.visit(tape.root(), Rule::Root, None),
    }
    walk.cut();
    walk.units
}

/// What is known of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Rule {
    /// Anything: every string below is text.
    Free,
    Text,
    Skip,
    State,
    Guard(Guarded),
    Opaque(Opaque),
    Delta,
    DeltaJson,
    Base64,
    /// The top of an unknown document.
    Root,
    Body,
    Message,
    /// A string, or blocks.
    Content,
    Block,
    ToolUse,
    Source(Media),
    Citations,
    Tool,
    McpServer,
    Event,
    EventDelta,
    BatchResult,
    BatchOutcome,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Media {
    Unknown,
    Base64Text,
    Image,
    Document,
    Text,
    Content,
    Url,
    File,
}

/// Fields of the known objects; what is not listed is free.
const FIELDS: &[(Rule, &str, Rule)] = &[
    (Rule::Root, "model", Rule::Guard(Guarded::Name)),
    // Messages, request and answer.
    (Rule::Body, "model", Rule::Guard(Guarded::Name)),
    (Rule::Body, "metadata", Rule::Guard(Guarded::Metadata)),
    (Rule::Body, "tool_choice", Rule::Guard(Guarded::Name)),
    (Rule::Body, "mcp_servers", Rule::McpServer),
    (Rule::Body, "system", Rule::Content),
    (Rule::Body, "tools", Rule::Tool),
    (Rule::Body, "messages", Rule::Message),
    (Rule::Body, "content", Rule::Content),
    (Rule::Body, "id", Rule::Skip),
    (Rule::Body, "type", Rule::Skip),
    (Rule::Body, "role", Rule::Skip),
    (Rule::Body, "stop_reason", Rule::Skip),
    (Rule::Body, "usage", Rule::Skip),
    (Rule::Body, "container", Rule::Guard(Guarded::Name)),
    (Rule::Body, "service_tier", Rule::Skip),
    (Rule::Body, "anthropic_version", Rule::Skip),
    (Rule::Body, "anthropic_beta", Rule::Skip),
    (Rule::Body, "betas", Rule::Skip),
    (Rule::Body, "thinking", Rule::Skip),
    (Rule::Body, "input_transformations", Rule::Skip),
    (Rule::Message, "role", Rule::Skip),
    (Rule::Message, "content", Rule::Content),
    // Content blocks.
    (Rule::Block, "type", Rule::Skip),
    (Rule::Block, "id", Rule::Skip),
    (Rule::Block, "tool_use_id", Rule::Skip),
    (Rule::Block, "tool_name", Rule::Guard(Guarded::Name)),
    (Rule::Block, "cache_control", Rule::Skip),
    (Rule::Block, "signature", Rule::State),
    (Rule::Block, "encrypted_content", Rule::State),
    (Rule::Block, "encrypted_stdout", Rule::State),
    (Rule::Block, "encrypted_index", Rule::State),
    (Rule::Block, "file_id", Rule::Opaque(Opaque::File)),
    (Rule::Block, "content", Rule::Content),
    (Rule::Block, "citations", Rule::Citations),
    (Rule::ToolUse, "type", Rule::Skip),
    (Rule::ToolUse, "id", Rule::Skip),
    (Rule::ToolUse, "name", Rule::Guard(Guarded::Name)),
    (Rule::ToolUse, "server_name", Rule::Guard(Guarded::Name)),
    (Rule::ToolUse, "cache_control", Rule::Skip),
    (Rule::ToolUse, "caller", Rule::Skip),
    (Rule::Citations, "type", Rule::Skip),
    (Rule::Citations, "file_id", Rule::Skip),
    (Rule::Citations, "encrypted_index", Rule::State),
    // Sources of documents and images.
    (Rule::Source(Media::Base64Text), "data", Rule::Base64),
    (Rule::Source(Media::Image), "data", Rule::Opaque(Opaque::Image)),
    (Rule::Source(Media::Document), "data", Rule::Opaque(Opaque::Document)),
    (Rule::Source(Media::Content), "content", Rule::Content),
    (Rule::Source(Media::Url), "url", Rule::Guard(Guarded::Url)),
    (Rule::Source(Media::File), "file_id", Rule::Opaque(Opaque::File)),
    // Tools and servers.
    (Rule::Tool, "name", Rule::Guard(Guarded::Name)),
    (Rule::Tool, "type", Rule::Skip),
    (Rule::Tool, "cache_control", Rule::Skip),
    (Rule::McpServer, "type", Rule::Skip),
    (Rule::McpServer, "name", Rule::Guard(Guarded::Name)),
    (Rule::McpServer, "url", Rule::Guard(Guarded::Url)),
    (Rule::McpServer, "authorization_token", Rule::Guard(Guarded::Credential)),
    // Streams.
    (Rule::Event, "type", Rule::Skip),
    (Rule::Event, "message", Rule::Body),
    (Rule::Event, "content_block", Rule::Block),
    (Rule::Event, "delta", Rule::EventDelta),
    (Rule::Event, "usage", Rule::Skip),
    (Rule::EventDelta, "type", Rule::Skip),
    (Rule::EventDelta, "text", Rule::Delta),
    (Rule::EventDelta, "partial_json", Rule::DeltaJson),
    (Rule::EventDelta, "citation", Rule::Citations),
    (Rule::EventDelta, "stop_reason", Rule::Skip),
    (Rule::EventDelta, "container", Rule::Skip),
    // Results of batches.
    (Rule::BatchResult, "custom_id", Rule::Skip),
    (Rule::BatchResult, "result", Rule::BatchOutcome),
    (Rule::BatchOutcome, "message", Rule::Body),
];

/// Blocks that are the model's own state.
const STATE_BLOCKS: [&str; 3] = ["thinking", "redacted_thinking", "compaction"];
/// Deltas that are text, by their type; of others nothing is touched.
const TEXT_DELTAS: [&str; 3] = ["text_delta", "input_json_delta", "citations_delta"];

/// Where APIs that are not known put the input of tools.
const TOOL_INPUTS: [&str; 3] = ["arguments", "args", "input"];

fn field_rule(object: Rule, key: &str) -> Rule {
    let listed = FIELDS.iter().find(|(rule, name, _)| *rule == object && *name == key);
    listed.map_or(Rule::Free, |&(_, _, rule)| rule)
}

struct Walk<'t, 's> {
    tape: &'t Tape<'s>,
    units: Vec<Vec<Leaf>>,
    leaves: Vec<Leaf>,
    tool: bool,
}

impl Walk<'_, '_> {
    /// Ends the unit.
    fn cut(&mut self) {
        if !self.leaves.is_empty() {
            self.units.push(std::mem::take(&mut self.leaves));
        }
    }

    fn batch(&mut self, root: Node) {
        let Some(requests) = self.tape.field(root, "requests") else {
            return self.visit(root, Rule::Free, None);
        };
        for request in self.tape.items(requests).collect::<Vec<_>>() {
            match self.tape.field(request, "params") {
                Some(params) => self.messages(params, None),
                None => self.visit(request, Rule::Free, None),
            }
            self.cut();
        }
        for (key, value) in self.tape.fields(root).collect::<Vec<_>>() {
            if value != requests {
                self.visit(value, Rule::Free, Some(key));
            }
        }
    }

    /// Output schema, tools, system, messages, then the rest.
    fn messages(&mut self, body: Node, label: Option<Node>) {
        if self.tape.shape(body) != Shape::Object || self.tape.repeats(body) {
            return self.visit(body, Rule::Free, label);
        }
        const ORDER: [&str; 5] = ["output_config", "output_format", "tools", "system", "messages"];
        let fields: Vec<(Node, Node)> = self.tape.fields(body).collect();
        for name in ORDER {
            if let Some(&(key, value)) = fields.iter().find(|(key, _)| self.tape.text(*key) == name)
            {
                self.unit_list(value, field_rule(Rule::Body, name), key);
            }
        }
        let mut rest: Vec<_> = fields
            .iter()
            .map(|&(key, value)| (self.tape.text(key), key, value))
            .filter(|(name, ..)| !ORDER.contains(&name.as_ref()))
            .collect();
        // The order of keys plays no role; that of the answer's blocks does.
        rest.sort_by(|(a, ..), (b, ..)| a.cmp(b));
        for (name, key, value) in rest {
            let rule = field_rule(Rule::Body, &name);
            self.unit_list(value, rule, key);
        }
    }

    /// Each item of a list is a unit; in messages, each block.
    fn unit_list(&mut self, value: Node, rule: Rule, key: Node) {
        match (rule, self.tape.shape(value)) {
            (Rule::Message, Shape::Array) => {
                for message in self.tape.items(value).collect::<Vec<_>>() {
                    self.message(message, key);
                }
            }
            (Rule::Content, Shape::Array) => {
                for block in self.tape.items(value).collect::<Vec<_>>() {
                    self.visit(block, Rule::Block, Some(key));
                    self.cut();
                }
            }
            (Rule::Tool | Rule::McpServer, Shape::Array) => {
                for item in self.tape.items(value).collect::<Vec<_>>() {
                    self.visit(item, rule, Some(key));
                    self.cut();
                }
            }
            _ => self.visit(value, rule, Some(key)),
        }
        self.cut();
    }

    fn message(&mut self, message: Node, label: Node) {
        if self.tape.shape(message) != Shape::Object || self.tape.repeats(message) {
            self.visit(message, Rule::Free, Some(label));
            return self.cut();
        }
        let fields: Vec<(Node, Node)> = self.tape.fields(message).collect();
        for (key, value) in fields {
            let rule = field_rule(Rule::Message, &self.tape.text(key));
            self.unit_list(value, rule, key);
        }
    }

    fn leaf(&mut self, node: Node, label: Option<Node>, place: Place) {
        self.leaves.push(Leaf { node, label, place, tool: self.tool });
    }

    fn visit(&mut self, node: Node, rule: Rule, label: Option<Node>) {
        match self.tape.shape(node) {
            Shape::Object => self.object(node, rule),
            Shape::Array => {
                for item in self.tape.items(node).collect::<Vec<_>>() {
                    let rule = if rule == Rule::Content { Rule::Block } else { rule };
                    self.visit(item, rule, label);
                }
            }
            Shape::String => self.leaf(node, label, string_place(rule)),
            Shape::Number => {
                if matches!(rule, Rule::Free | Rule::Text | Rule::Root) {
                    self.leaf(node, label, Place::Number);
                }
            }
            Shape::Key | Shape::Word => {}
        }
    }

    fn object(&mut self, node: Node, rule: Rule) {
        let mut rule = self.refine(node, rule);
        let known = !matches!(rule, Rule::Free | Rule::Skip | Rule::State | Rule::Guard(_));
        if known && self.tape.repeats(node) {
            rule = Rule::Free;
        }
        for (key, value) in self.tape.fields(node).collect::<Vec<_>>() {
            let inner = match rule {
                Rule::Free | Rule::Skip | Rule::State | Rule::Guard(_) | Rule::Opaque(_) => rule,
                Rule::Block if self.tape.text(key) == "source" => self.source(value),
                _ => field_rule(rule, &self.tape.text(key)),
            };
            let outer = self.tool;
            // In unknown formats by the names that APIs have for it: this only adds care.
            let named = || TOOL_INPUTS.contains(&self.tape.text(key).as_ref());
            self.tool |= matches!(inner, Rule::Free)
                && (rule == Rule::ToolUse || (rule == Rule::Free && named()));
            if matches!(inner, Rule::Free) {
                self.leaf(key, None, Place::Key);
            }
            self.visit(value, inner, Some(key));
            self.tool = outer;
        }
    }

    /// What an object is, by its `type`.
    fn refine(&self, node: Node, rule: Rule) -> Rule {
        let kind = self.tape.field(node, "type").map(|value| self.tape.text(value));
        let kind = kind.as_deref().unwrap_or_default();
        match rule {
            Rule::Content | Rule::Block if STATE_BLOCKS.contains(&kind) => Rule::State,
            Rule::Content | Rule::Block if kind.ends_with("tool_use") => Rule::ToolUse,
            Rule::Content => Rule::Block,
            // A message_delta's delta has no type.
            Rule::EventDelta if !kind.is_empty() && !TEXT_DELTAS.contains(&kind) => Rule::State,
            Rule::Text | Rule::Base64 | Rule::Delta | Rule::DeltaJson => Rule::Free,
            other => other,
        }
    }

    /// What a block's `source` is. In a search result it is a string.
    fn source(&self, source: Node) -> Rule {
        if self.tape.shape(source) != Shape::Object {
            return Rule::Text;
        }
        let text = |name| self.tape.field(source, name).map(|value| self.tape.text(value));
        let media_type = text("media_type").unwrap_or_default();
        Rule::Source(match text("type").as_deref() {
            Some("base64") if media_type.starts_with("image/") => Media::Image,
            Some("base64") if media_type.starts_with("text/") => Media::Base64Text,
            Some("base64") => Media::Document,
            Some("text") => Media::Text,
            Some("content") => Media::Content,
            Some("url") => Media::Url,
            Some("file") => Media::File,
            _ => Media::Unknown,
        })
    }
}

fn string_place(rule: Rule) -> Place {
    match rule {
        // Not text, but looked at: whatever stands there is sent.
        Rule::Skip => Place::Guarded(Guarded::Id),
        Rule::State => Place::State,
        Rule::Guard(guarded) => Place::Guarded(guarded),
        Rule::Opaque(opaque) => Place::Opaque(opaque),
        Rule::Base64 => Place::Base64,
        Rule::Delta => Place::Delta,
        Rule::DeltaJson => Place::DeltaJson,
        _ => Place::Text,
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
        assert!(places(r#"{"type":"thinking_delta","thinking":"a"}"#).contains(&Place::State));
        assert!(places(r#"{"type":"new_delta","text":"a"}"#).contains(&Place::State));
    }
}
