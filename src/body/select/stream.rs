//! The data of one event of a stream: which of its texts go on in the next event, and what
//! the event ends.

use crate::body::json::{Node, Shape, Tape};
use crate::body::select::rules::Rule;
use crate::body::select::{Format, Leaf, Place, Walk, bedrock, claude, gemini, openai, top};

/// A part of an event, in the order in which it is read.
#[derive(Clone, Copy, Debug)]
pub enum Piece {
    /// It stands whole in this event.
    Leaf(Leaf),
    /// It continues the text of a channel.
    Delta {
        leaf: Leaf,
        source: bool,
        channel: u64,
    },
    End(End),
    /// The event holds a block of a type that is not known.
    Unknown,
}

/// What does not go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// Nothing: a sign of life, which waits for nothing.
    Ping,
    /// All texts of a content block, a choice, an item, a candidate.
    Group(u32),
    /// Some of them.
    Texts {
        group: u32,
        from: u32,
        count: u32,
    },
    All,
}

impl End {
    /// Does it end this channel?
    #[must_use]
    pub fn holds(self, channel: u64) -> bool {
        match self {
            Self::Ping => false,
            Self::Group(group) => channel >> 32 == u64::from(group),
            Self::Texts { group, from, count } => {
                let first = number(group, from);
                (first..first + u64::from(count)).contains(&channel)
            }
            Self::All => true,
        }
    }
}

/// The number of a channel: its group, and which of the group's texts it is.
pub(super) fn number(group: u32, text: u32) -> u64 {
    u64::from(group) << 32 | u64::from(text)
}

/// What an event is read into.
#[derive(Debug, Default)]
pub(super) struct Pieces {
    out: Vec<Piece>,
    group: u32,
    /// What the number of a text is counted from.
    base: u32,
}

impl Pieces {
    /// Adds what stands before, then a text that goes on.
    pub(super) fn delta(
        &mut self,
        node: Node,
        place: Place,
        tool: bool,
        text: u32,
        before: &mut Vec<Leaf>,
    ) {
        self.take(before);
        let source = place == Place::DeltaJson;
        let tool = tool || source;
        let (label, beside, asked, apart, by) = Default::default();
        let leaf = Leaf { node, label, beside, place, tool, asked, apart, by };
        let channel = number(self.group, self.base + text);
        self.out.push(Piece::Delta { leaf, source, channel });
    }

    fn end(&mut self, end: End, before: &mut Vec<Leaf>) {
        self.take(before);
        self.out.push(Piece::End(end));
    }

    fn take(&mut self, leaves: &mut Vec<Leaf>) {
        self.out.extend(leaves.drain(..).map(Piece::Leaf));
    }
}

/// Reads the data of an event; `name` is what its framing calls it.
#[must_use]
pub fn pieces(tape: &Tape<'_>, format: Format, name: Option<&str>) -> Vec<Piece> {
    let mut walk = Walk::new(tape);
    walk.stream = Some(Pieces::default());
    let root = tape.root();
    let (mut rule, _) = top(tape, format);
    if format == Format::Invoke && rule == Rule::Root {
        rule = Rule::Bedrock(bedrock::Object::Named);
    }
    walk.visit(root, rule, None);
    let kind = tape.field(root, "type").map(|kind| tape.text(kind));
    let index = |name| walk.index(root, name);
    let end = match rule {
        Rule::Claude(_) => claude::end(kind.as_ref(), index("index")),
        Rule::Bedrock(bedrock::Object::Event) => {
            name.and_then(|name| bedrock::end(name, index("contentBlockIndex")))
        }
        Rule::Bedrock(bedrock::Object::Named) => {
            tape.fields(root).next().and_then(|(key, body)| {
                bedrock::end(&tape.text(key), walk.index(body, "contentBlockIndex"))
            })
        }
        Rule::OpenAi(openai::Object::Event) => {
            let group = index("output_index");
            openai::end(kind.as_deref().unwrap_or_default(), group, walk.part(root))
        }
        _ if tape.field(root, "error").is_some() => Some(End::All),
        _ => None,
    };
    let unknown = walk.units.unknown > 0;
    let mut pieces = walk.stream.take().unwrap_or_default();
    pieces.take(&mut walk.units.leaves);
    pieces.out.extend(unknown.then_some(Piece::Unknown));
    pieces.out.extend(end.map(Piece::End));
    pieces.out
}

impl Walk<'_, '_> {
    /// A number that is a field of an object; 0, if there is none.
    fn index(&self, object: Node, name: &str) -> u32 {
        let value = self.tape.field(object, name);
        let number = value.filter(|&value| self.tape.shape(value) == Shape::Number);
        number.and_then(|value| self.tape.raw(value).parse().ok()).unwrap_or_default()
    }

    /// Where the texts of a part of an item are counted from.
    fn part(&self, event: Node) -> u32 {
        let names = ["content_index", "summary_index", "command_index"];
        let index = names.into_iter().map(|name| self.index(event, name)).max();
        index.unwrap_or_default().wrapping_mul(openai::FAMILY_ROOM)
    }

    /// An object begins: which texts are its own. Gives what it was before.
    pub(super) fn begins(&mut self, node: Node, rule: Rule) -> (u32, u32) {
        let Some(stream) = &self.stream else { return (0, 0) };
        let outer = (stream.group, stream.base);
        let (mut group, mut base) = outer;
        match rule {
            Rule::Claude(claude::Object::Event) | Rule::OpenAi(openai::Object::Choice) => {
                group = self.index(node, "index");
            }
            Rule::OpenAi(openai::Object::ToolCallDelta) => {
                base = openai::TOOLS.wrapping_add(self.index(node, "index").wrapping_mul(2));
            }
            Rule::OpenAi(openai::Object::TextEvent(text) | openai::Object::SourceEvent(text)) => {
                group = self.index(node, "output_index");
                base = self.part(node).wrapping_add(text);
            }
            Rule::Gemini(gemini::Object::Candidate) => group = self.index(node, "index"),
            Rule::Gemini(gemini::Object::PartialArg) => {
                let path = self.tape.field(node, "jsonPath").map(|path| self.tape.raw(path));
                base = hash(path.unwrap_or_default());
            }
            Rule::Bedrock(bedrock::Object::Event) => {
                group = self.index(node, "contentBlockIndex");
            }
            _ => {}
        }
        if let Some(stream) = &mut self.stream {
            (stream.group, stream.base) = (group, base);
        }
        outer
    }

    /// An object was read: what it ends.
    pub(super) fn ends(&mut self, node: Node, rule: Rule, outer: (u32, u32)) {
        let Some(stream) = &self.stream else { return };
        let (group, base) = (stream.group, stream.base);
        let is = |name| self.tape.field(node, name).map(|value| self.tape.raw(value));
        let set = |name| is(name).is_some_and(|raw| raw != "null");
        let end = match rule {
            Rule::OpenAi(openai::Object::Choice) if set("finish_reason") => End::Group(group),
            Rule::Gemini(gemini::Object::Candidate) if set("finishReason") => End::Group(group),
            // What is no text stands between two texts.
            Rule::Gemini(gemini::Object::Part) if is("text").is_none() || self.is_thought(node) => {
                End::Texts { group, from: 0, count: 1 }
            }
            Rule::Gemini(gemini::Object::PartialArg) if is("willContinue") != Some("true") => {
                End::Texts { group, from: base + gemini::ARGUMENTS, count: 1 }
            }
            _ => {
                self.restore_channel(outer);
                return;
            }
        };
        if let Some(stream) = &mut self.stream {
            stream.end(end, &mut self.units.leaves);
        }
        self.restore_channel(outer);
    }

    fn restore_channel(&mut self, outer: (u32, u32)) {
        if let Some(stream) = &mut self.stream {
            (stream.group, stream.base) = outer;
        }
    }
}

/// Tells the arguments of a call apart (FNV-1a); never 0, where the text is.
fn hash(path: &str) -> u32 {
    let step = |hash: u32, byte: u8| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193);
    path.bytes().fold(0x811c_9dc5, step) >> 1 | 1
}
