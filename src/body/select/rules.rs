//! What is known of the objects of the APIs, and of the values in them.

use crate::body::select::{Guarded, Opaque, bedrock, claude, gemini, openai};

/// What is known of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rule {
    /// Anything: every string below is text.
    Free,
    Text,
    Skip,
    State,
    /// What the model thought, and the same in pieces: which text of its group it is.
    Thought,
    ThoughtDelta(u32),
    Guard(Guarded),
    Opaque(Opaque),
    /// Base64 of a text, perhaps behind the head of a `data:` URL.
    Base64,
    /// A URL that the provider opens, or a `data:` URL.
    Link,
    /// JSON source in a string.
    Source,
    /// Text that goes on in the next event, and which text of its group it is.
    Delta(u32),
    /// The same for JSON source.
    DeltaJson(u32),
    /// The top of an unknown document.
    Root,
    Claude(claude::Object),
    OpenAi(openai::Object),
    Gemini(gemini::Object),
    Bedrock(bedrock::Object),
}

/// Fields of an object that are not free.
pub(super) type Fields = &'static [(&'static str, Rule)];

impl Rule {
    /// What the field `key` of this object is; what is not listed is free.
    pub(super) fn field(self, key: &str) -> Self {
        let fields = match self {
            Self::Root => &[("model", Self::Guard(Guarded::Name))],
            Self::Claude(claude::Object::Thinking) if key == "thinking" => return Self::Thought,
            Self::Claude(claude::Object::ThinkingDelta) if key == "thinking" => {
                return Self::ThoughtDelta(claude::THOUGHT);
            }
            Self::Claude(claude::Object::Thinking | claude::Object::ThinkingDelta) => {
                return Self::State;
            }
            Self::Bedrock(object) if object.is_thought() => return object.of_thought(key),
            Self::Claude(object) => object.fields(),
            Self::OpenAi(object) => object.fields(),
            Self::Gemini(object) => object.fields(),
            Self::Bedrock(object) => object.fields(),
            _ => return Self::Free,
        };
        fields.iter().find(|(name, _)| *name == key).map_or(Self::Free, |&(_, rule)| rule)
    }

    /// Does it say all that there is to say of what is below?
    pub(super) fn holds_below(self) -> bool {
        matches!(self, Self::Free | Self::Skip | Self::State | Self::Guard(_) | Self::Opaque(_))
    }

    /// Is this an object with fields of its own?
    pub(super) fn is_object(self) -> bool {
        matches!(
            self,
            Self::Root | Self::Claude(_) | Self::OpenAi(_) | Self::Gemini(_) | Self::Bedrock(_)
        )
    }

    /// A message: each of its fields is read by itself.
    pub(super) fn is_message(self) -> bool {
        matches!(
            self,
            Self::Claude(claude::Object::Message)
                | Self::OpenAi(openai::Object::Message)
                | Self::Gemini(gemini::Object::Content)
                | Self::Bedrock(bedrock::Object::Message)
        )
    }

    /// The input of a tool, whose free fields a program will read.
    pub(super) fn is_tool_use(self) -> bool {
        matches!(
            self,
            Self::Claude(claude::Object::ToolUse)
                | Self::Gemini(gemini::Object::Call)
                | Self::Bedrock(bedrock::Object::ToolUse)
                | Self::OpenAi(openai::Object::Call | openai::Object::FunctionCall)
        )
    }
}
