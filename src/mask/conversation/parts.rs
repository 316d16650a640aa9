//! Blocks of an answer while they come.

use crate::body::select::Format;
use crate::mask::conversation::partial::Call;

/// A longer block is not compared.
pub(super) const LONGEST: usize = 1 << 20;

/// A block of a stream, as it stands in the JSON of its events.
pub(super) struct Part {
    pub kind: Kind,
    pub wrote: String,
    pub gave: String,
    /// Of a thought.
    pub signature: String,
}

/// The parts of an answer of Gemini's.
#[derive(Default)]
pub(super) struct Parts {
    /// Blocks of the model so far, each part counted.
    pub at: Option<u32>,
    /// Texts that follow each other.
    pub text: Option<Part>,
    /// A call whose arguments go on: as the model wrote it, and as the client gets it.
    pub call: Option<[Call; 2]>,
}

impl Parts {
    pub(super) fn add(&mut self, wrote: &str, gave: &str) {
        let text = self.text.get_or_insert_with(|| Part::new(Kind::Text));
        text.wrote.push_str(wrote);
        text.gave.push_str(gave);
        text.bound();
    }
}

impl Part {
    pub(super) fn new(kind: Kind) -> Self {
        let (wrote, gave, signature) = Default::default();
        Self { kind, wrote, gave, signature }
    }

    /// Of what is too long it is only known that it is one of the blocks.
    pub(super) fn bound(&mut self) {
        let len = self.gave.len() + self.wrote.len() + self.signature.len();
        if matches!(self.kind, Kind::Long | Kind::LongThought) || len > LONGEST {
            let thought = matches!(self.kind, Kind::Thought | Kind::LongThought);
            self.kind = if thought { Kind::LongThought } else { Kind::Long };
            self.signature.clear();
            (self.wrote, self.gave) = Default::default();
        }
    }
}

/// Which text of a block of a Claude model a thought is.
pub(super) const THOUGHT: u64 = 1;

/// How a block is written in a request.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Text,
    /// A value of JSON.
    Json,
    /// Such a value as source in a string.
    Source,
    /// What the model thought: none of the blocks.
    Thought,
    /// Too long to be compared.
    Long,
    LongThought,
}

impl Kind {
    /// What a text of a stream belongs to, if a client sends it back and no event of its own
    /// says that it begins.
    pub(super) fn of(format: Format, channel: u64, source: bool) -> Option<Self> {
        let group = channel >> 32;
        let text = channel & u64::from(u32::MAX);
        match format {
            // The first choice: its text, and the arguments of its calls.
            Format::Chat if group == 0 => match text {
                0 => Some(Self::Text),
                8.. if source => Some(Self::Source),
                _ => None,
            },
            // Of each part of an item.
            Format::ResponsesEvent => match text % 32 {
                0 => Some(Self::Text),
                4 => Some(Self::Source),
                _ => None,
            },
            Format::ConverseEvent if text == THOUGHT => Some(Self::Thought),
            Format::ConverseEvent => Some(if source { Self::Json } else { Self::Text }),
            _ => None,
        }
    }
}
