//! What a document is, and what a leaf of it is.

use crate::body::json::Node;

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
    /// OpenAI chat completions and legacy completions: request, answer and chunk.
    Chat,
    /// OpenAI Responses: request and answer.
    Responses,
    /// The data of one event of a Responses stream.
    ResponsesEvent,
    /// One line of an OpenAI batch, or of its results.
    Line,
    /// Gemini `generateContent`: request, answer and chunk.
    Gemini,
    /// Bedrock Converse: request and answer.
    Converse,
    /// The payload of one event of a Converse stream.
    ConverseEvent,
    /// Bedrock `CountTokens`.
    CountTokens,
    /// Bedrock `InvokeModel`: the model's own format, told by what is in it.
    Invoke,
    /// Any other JSON: all strings are text, but the name of the model.
    Other,
    /// JSON of which all strings are text.
    Free,
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
    /// JSON source in a string: what is in its strings is text.
    Source,
    /// Model state: forwarded as it is; the placeholders in it are this conversation's.
    State,
    /// What the model thought: its state too, unless the client is shown its text.
    Thought,
    /// Forwarded as it is; a finding here is counted or refused.
    Guarded(Guarded),
    /// Not text: counted.
    Opaque(Opaque),
    /// The text of a delta: in a stream it goes on in the next event.
    Delta,
    /// The same for JSON source: `partial_json`.
    DeltaJson,
}

impl Place {
    /// What it is where clients are shown what the model thought, and where not.
    #[must_use]
    pub(crate) fn shown(self, thinking: bool) -> Self {
        match self {
            Self::Thought if thinking => Self::Text,
            Self::Thought => Self::State,
            other => other,
        }
    }

    /// A number of its own.
    pub(crate) fn code(self) -> usize {
        match self {
            Self::Text => 0,
            Self::Key => 1,
            Self::Number => 2,
            Self::Base64 => 3,
            Self::Source => 4,
            Self::State => 5,
            Self::Delta => 6,
            Self::DeltaJson => 7,
            Self::Thought => 8,
            Self::Guarded(guarded) => 16 | guarded as usize,
            Self::Opaque(opaque) => 32 | opaque as usize,
        }
    }
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
    Audio,
    Video,
    Document,
    File,
}

/// A string, key or number to look at.
#[derive(Clone, Copy, Debug)]
pub struct Leaf {
    pub node: Node,
    /// The nearest key above.
    pub label: Option<Node>,
    /// The name beside a value: `"name": "DB_PASSWORD", "value": "…"`.
    pub beside: Option<Node>,
    pub place: Place,
    /// In the input of a tool.
    pub tool: bool,
    /// The input of the tool that gave this.
    pub asked: Option<Node>,
    /// The id of the call that gave this, if the document does not hold the call.
    pub apart: Option<Node>,
    /// The name of the tool that is called here, or that gave this.
    pub by: Option<Node>,
}

/// The leaves of a document, unit by unit.
#[derive(Debug, Default)]
pub struct Units {
    pub(super) leaves: Vec<Leaf>,
    /// Where each unit ends.
    pub(super) ends: Vec<usize>,
    /// Blocks of types that are not known.
    pub(super) unknown: u64,
}

impl Units {
    /// How many blocks have a type that is not known: all of their strings are text.
    #[must_use]
    pub fn unknown(&self) -> u64 {
        self.unknown
    }

    /// The units, in the order in which the model reads them.
    pub fn iter(&self) -> impl Iterator<Item = &[Leaf]> {
        let mut from = 0;
        self.ends.iter().map(move |&end| {
            let unit = self.leaves.get(from..end).unwrap_or_default();
            from = end;
            unit
        })
    }
}
