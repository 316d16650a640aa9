//! Gemini: `generateContent`, its streams, and what is asked beside it.

use crate::body::select::rules::{Fields, Rule};
use crate::body::select::{Guarded, Opaque};

/// The order in which the model reads a request; what is not named comes last.
pub(super) const ORDER: &[&str] = &[
    "generationConfig",
    "generation_config",
    "tools",
    "systemInstruction",
    "system_instruction",
    "contents",
];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Object {
    /// Request, answer and chunk.
    Body,
    Content,
    Part,
    Blob,
    TextBlob,
    Media(Opaque),
    FileData,
    Call,
    /// The result of a call.
    Result,
    PartialArg,
    Tool,
    Function,
    Candidate,
}

const NAME: Rule = Rule::Guard(Guarded::Name);
const CONTENT: Rule = Rule::Gemini(Object::Content);

/// Arguments that come in pieces are numbered behind the candidate's text.
pub(super) const ARGUMENTS: u32 = 1;

const BODY: Fields = &[
    ("model", NAME),
    ("contents", CONTENT),
    ("content", CONTENT),
    ("systemInstruction", CONTENT),
    ("system_instruction", CONTENT),
    ("tools", Rule::Gemini(Object::Tool)),
    ("toolConfig", NAME),
    ("tool_config", NAME),
    ("cachedContent", Rule::Skip),
    ("cached_content", Rule::Skip),
    ("safetySettings", Rule::Skip),
    ("safety_settings", Rule::Skip),
    ("labels", Rule::Guard(Guarded::Metadata)),
    ("generateContentRequest", Rule::Gemini(Object::Body)),
    ("requests", Rule::Gemini(Object::Body)),
    // Of a batch.
    ("batch", Rule::Gemini(Object::Body)),
    ("inputConfig", Rule::Gemini(Object::Body)),
    ("input_config", Rule::Gemini(Object::Body)),
    ("request", Rule::Gemini(Object::Body)),
    ("response", Rule::Gemini(Object::Body)),
    ("candidates", Rule::Gemini(Object::Candidate)),
    ("promptFeedback", Rule::Skip),
    ("usageMetadata", Rule::Skip),
    ("modelVersion", Rule::Skip),
    ("responseId", Rule::Skip),
];

/// In the spelling of JSON and of protocol buffers, which the API takes, too.
const PART: Fields = &[
    ("text", Rule::Delta(0)),
    ("thoughtSignature", Rule::State),
    ("thought_signature", Rule::State),
    ("inlineData", Rule::Gemini(Object::Blob)),
    ("inline_data", Rule::Gemini(Object::Blob)),
    ("fileData", Rule::Gemini(Object::FileData)),
    ("file_data", Rule::Gemini(Object::FileData)),
    ("functionCall", Rule::Gemini(Object::Call)),
    ("function_call", Rule::Gemini(Object::Call)),
    ("functionResponse", Rule::Gemini(Object::Result)),
    ("function_response", Rule::Gemini(Object::Result)),
    ("toolCall", Rule::Gemini(Object::Call)),
    ("tool_call", Rule::Gemini(Object::Call)),
    ("toolResponse", Rule::Gemini(Object::Result)),
    ("tool_response", Rule::Gemini(Object::Result)),
];

const CANDIDATE: Fields = &[
    ("content", CONTENT),
    ("finishReason", Rule::Skip),
    ("safetyRatings", Rule::Skip),
    ("avgLogprobs", Rule::State),
    ("logprobsResult", Rule::State),
];

impl Object {
    pub(super) fn fields(self) -> Fields {
        match self {
            Self::Body => BODY,
            Self::Content => &[("role", Rule::Skip), ("parts", Rule::Gemini(Object::Part))],
            Self::Part => PART,
            Self::Blob => &[("data", Rule::Opaque(Opaque::Document))],
            Self::TextBlob => &[("data", Rule::Base64)],
            Self::Media(Opaque::Image) => &[("data", Rule::Opaque(Opaque::Image))],
            Self::Media(Opaque::Audio) => &[("data", Rule::Opaque(Opaque::Audio))],
            Self::Media(_) => &[("data", Rule::Opaque(Opaque::Video))],
            Self::FileData => {
                &[("fileUri", Rule::Guard(Guarded::Url)), ("file_uri", Rule::Guard(Guarded::Url))]
            }
            Self::Call => &[
                ("id", Rule::Skip),
                ("name", NAME),
                ("toolType", Rule::Skip),
                ("partialArgs", Rule::Gemini(Object::PartialArg)),
            ],
            Self::Result => &[
                ("id", Rule::Skip),
                ("name", NAME),
                ("toolType", Rule::Skip),
                ("parts", Rule::Gemini(Object::Part)),
            ],
            Self::PartialArg => {
                &[("jsonPath", Rule::Skip), ("stringValue", Rule::Delta(ARGUMENTS))]
            }
            Self::Tool => &[
                ("functionDeclarations", Rule::Gemini(Object::Function)),
                ("function_declarations", Rule::Gemini(Object::Function)),
            ],
            Self::Function => &[("name", NAME)],
            Self::Candidate => CANDIDATE,
        }
    }

    /// What a blob is, by its media type.
    pub(super) fn refine(self, media_type: &str) -> Rule {
        let (kind, _) = media_type.split_once('/').unwrap_or_default();
        Rule::Gemini(match (self, kind) {
            (Self::Blob, "text") => Self::TextBlob,
            (Self::Blob, "image") => Self::Media(Opaque::Image),
            (Self::Blob, "audio") => Self::Media(Opaque::Audio),
            (Self::Blob, "video") => Self::Media(Opaque::Video),
            (other, _) => other,
        })
    }
}

/// What a part may be.
pub(super) const PARTS: &[&str] = &[
    "audioMetadata",
    "audioTranscription",
    "audio_metadata",
    "audio_transcription",
    "codeExecutionResult",
    "code_execution_result",
    "documentMetadata",
    "document_metadata",
    "executableCode",
    "executable_code",
    "fileData",
    "file_data",
    "functionCall",
    "functionResponse",
    "function_call",
    "function_response",
    "inlineData",
    "inline_data",
    "mediaProcessing",
    "mediaResolution",
    "media_processing",
    "media_resolution",
    "partMetadata",
    "part_metadata",
    "speechMetadata",
    "speech_metadata",
    "spreadsheetMetadata",
    "spreadsheet_metadata",
    "text",
    "thought",
    "thoughtSignature",
    "thought_signature",
    "toolCall",
    "toolResponse",
    "tool_call",
    "tool_response",
    "videoMetadata",
    "video_metadata",
];
