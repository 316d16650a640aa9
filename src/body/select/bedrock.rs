//! Bedrock's own API: Converse and its stream. `InvokeModel` has the model's format.

use crate::body::select::claude;
use crate::body::select::rules::{Fields, Rule};
use crate::body::select::stream::End;
use crate::body::select::{Guarded, Opaque};

/// The order in which the model reads a request; what is not named comes last.
pub(super) const ORDER: &[&str] = &["outputConfig", "toolConfig", "system", "messages"];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Object {
    /// Request and answer.
    Body,
    Message,
    Block,
    Media(Opaque),
    Source(Opaque),
    /// The source of a document that is a text.
    TextDocument,
    TextSource,
    S3,
    ToolUse,
    ToolResult,
    GuardText,
    ToolConfig,
    Tool,
    ToolSpec,
    Event,
    Delta,
    /// What the model thought: its text, and state beside it.
    Reasoning,
    ReasoningText,
    ReasoningDelta,
    ToolUseDelta,
    ToolResultDelta,
    CountTokens,
    CountInput,
    Invoked,
    /// Events of a model that are named as Converse's are, by a key.
    Named,
}

const NAME: Rule = Rule::Guard(Guarded::Name);
const BLOCK: Rule = Rule::Bedrock(Object::Block);

const BODY: Fields = &[
    ("modelId", NAME),
    ("schemaVersion", Rule::Skip),
    ("messages", Rule::Bedrock(Object::Message)),
    ("message", Rule::Bedrock(Object::Message)),
    ("output", Rule::Bedrock(Object::Body)),
    ("system", BLOCK),
    ("toolConfig", Rule::Bedrock(Object::ToolConfig)),
    ("guardrailConfig", Rule::Skip),
    ("requestMetadata", Rule::Guard(Guarded::Metadata)),
    ("performanceConfig", Rule::Skip),
    ("serviceTier", Rule::Skip),
    ("additionalModelResponseFieldPaths", Rule::Skip),
    ("stopReason", Rule::Skip),
    ("usage", Rule::Skip),
    ("metrics", Rule::Skip),
];

const BLOCK_FIELDS: Fields = &[
    ("image", Rule::Bedrock(Object::Media(Opaque::Image))),
    ("video", Rule::Bedrock(Object::Media(Opaque::Video))),
    ("audio", Rule::Bedrock(Object::Media(Opaque::Audio))),
    ("document", Rule::Bedrock(Object::Media(Opaque::Document))),
    ("toolUse", Rule::Bedrock(Object::ToolUse)),
    ("toolResult", Rule::Bedrock(Object::ToolResult)),
    ("guardContent", Rule::Bedrock(Object::GuardText)),
    ("cachePoint", Rule::Skip),
    ("reasoningContent", Rule::Bedrock(Object::Reasoning)),
    ("toolAddition", NAME),
    ("toolRemoval", NAME),
];

const EVENT: Fields = &[
    ("role", Rule::Skip),
    ("start", BLOCK),
    ("delta", Rule::Bedrock(Object::Delta)),
    ("p", Rule::Skip),
    ("stopReason", Rule::Skip),
    ("usage", Rule::Skip),
    ("metrics", Rule::Skip),
];

impl Object {
    pub(super) fn fields(self) -> Fields {
        match self {
            Self::Body => BODY,
            Self::Message => &[("role", Rule::Skip), ("content", BLOCK)],
            Self::Block => BLOCK_FIELDS,
            // Only some characters are allowed in a document's name.
            Self::Media(Opaque::Image) => MEDIA_IMAGE,
            Self::Media(Opaque::Video) => MEDIA_VIDEO,
            Self::Media(Opaque::Audio) => MEDIA_AUDIO,
            Self::Media(_) => MEDIA_DOCUMENT,
            Self::TextDocument => &[
                ("format", Rule::Skip),
                ("name", NAME),
                ("source", Rule::Bedrock(Object::TextSource)),
                ("citations", Rule::Skip),
            ],
            Self::TextSource => &[
                ("bytes", Rule::Base64),
                ("s3Location", Rule::Bedrock(Object::S3)),
                ("content", BLOCK),
            ],
            Self::Source(opaque) => source(opaque),
            Self::S3 => {
                &[("uri", Rule::Guard(Guarded::Url)), ("bucketOwner", Rule::Guard(Guarded::Id))]
            }
            Self::ToolUse => &[("toolUseId", Rule::Skip), ("name", NAME), ("type", Rule::Skip)],
            Self::ToolResult => &[
                ("toolUseId", Rule::Skip),
                ("status", Rule::Skip),
                ("type", Rule::Skip),
                ("content", BLOCK),
            ],
            Self::GuardText => &[
                ("qualifiers", Rule::Skip),
                ("image", Rule::Bedrock(Object::Media(Opaque::Image))),
            ],
            Self::ToolConfig => &[("tools", Rule::Bedrock(Object::Tool)), ("toolChoice", NAME)],
            Self::Tool => &[
                ("toolSpec", Rule::Bedrock(Object::ToolSpec)),
                ("systemTool", NAME),
                ("cachePoint", Rule::Skip),
            ],
            Self::ToolSpec => &[("name", NAME)],
            Self::Event => EVENT,
            Self::Delta => &[
                ("text", Rule::Delta(0)),
                ("toolUse", Rule::Bedrock(Object::ToolUseDelta)),
                ("toolResult", Rule::Bedrock(Object::ToolResultDelta)),
                ("reasoningContent", Rule::Bedrock(Object::ReasoningDelta)),
                ("image", Rule::Opaque(Opaque::Image)),
            ],
            Self::Reasoning | Self::ReasoningText | Self::ReasoningDelta => &[],
            Self::ToolUseDelta => &[("input", Rule::DeltaJson(0))],
            Self::ToolResultDelta => &[("text", Rule::Delta(0))],
            Self::CountTokens => &[("input", Rule::Bedrock(Object::CountInput))],
            Self::CountInput => &[
                ("invokeModel", Rule::Bedrock(Object::Invoked)),
                ("converse", Rule::Bedrock(Object::Body)),
            ],
            Self::Invoked => &[("body", Rule::Base64)],
            Self::Named => &[
                ("messageStart", Rule::Bedrock(Object::Event)),
                ("contentBlockStart", Rule::Bedrock(Object::Event)),
                ("contentBlockDelta", Rule::Bedrock(Object::Event)),
                ("contentBlockStop", Rule::Bedrock(Object::Event)),
                ("messageStop", Rule::Bedrock(Object::Event)),
                ("metadata", Rule::Bedrock(Object::Event)),
            ],
        }
    }

    pub(super) fn is_thought(self) -> bool {
        matches!(self, Self::Reasoning | Self::ReasoningText | Self::ReasoningDelta)
    }

    /// What a field is of what the model thought: state, but for its text.
    pub(super) fn of_thought(self, key: &str) -> Rule {
        match (self, key) {
            (Self::Reasoning, "reasoningText") => Rule::Bedrock(Self::ReasoningText),
            (Self::ReasoningText, "text") => Rule::Thought,
            (Self::ReasoningDelta, "text") => Rule::ThoughtDelta(claude::THOUGHT),
            _ => Rule::State,
        }
    }

    /// What a document is, by its format.
    pub(super) fn refine(self, format: &str) -> Rule {
        match self {
            Self::Media(Opaque::Document) if matches!(format, "txt" | "md" | "html" | "csv") => {
                Rule::Bedrock(Self::TextDocument)
            }
            other => Rule::Bedrock(other),
        }
    }
}

macro_rules! media {
    ($name:ident, $opaque:expr) => {
        const $name: Fields = &[
            ("format", Rule::Skip),
            ("name", NAME),
            ("source", Rule::Bedrock(Object::Source($opaque))),
            ("citations", Rule::Skip),
        ];
    };
}
media!(MEDIA_IMAGE, Opaque::Image);
media!(MEDIA_VIDEO, Opaque::Video);
media!(MEDIA_AUDIO, Opaque::Audio);
media!(MEDIA_DOCUMENT, Opaque::Document);

fn source(opaque: Opaque) -> Fields {
    const S3: (&str, Rule) = ("s3Location", Rule::Bedrock(Object::S3));
    match opaque {
        Opaque::Image => &[("bytes", Rule::Opaque(Opaque::Image)), S3],
        Opaque::Video => &[("bytes", Rule::Opaque(Opaque::Video)), S3],
        Opaque::Audio => &[("bytes", Rule::Opaque(Opaque::Audio)), S3],
        Opaque::Document | Opaque::File => {
            &[("bytes", Rule::Opaque(Opaque::Document)), S3, ("content", BLOCK)]
        }
    }
}

/// What the event of this name ends.
pub(super) fn end(name: &str, index: u32) -> Option<End> {
    Some(match name {
        "contentBlockStop" => End::Group(index),
        "contentBlockStart" | "contentBlockDelta" | "messageStart" => return None,
        // The end, and exceptions.
        _ => End::All,
    })
}

/// What a block may be.
pub(super) const BLOCKS: &[&str] = &[
    "audio",
    "cachePoint",
    "citationsContent",
    "document",
    "guardContent",
    "image",
    "json",
    "reasoningContent",
    "searchResult",
    "text",
    "toolAddition",
    "toolRemoval",
    "toolResult",
    "toolUse",
    "video",
];
