//! OpenAI: chat completions, legacy completions, Responses, and their streams.

use crate::body::select::rules::{Fields, Rule};
use crate::body::select::stream::End;
use crate::body::select::{Guarded, Opaque};

/// The order in which the model reads a request; what is not named comes last.
pub(super) const CHAT_ORDER: &[&str] = &["response_format", "tools", "functions", "messages"];
pub(super) const RESPONSES_ORDER: &[&str] = &["text", "tools", "instructions", "input"];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Object {
    /// Request, answer and chunk of chat completions and of legacy completions.
    Chat,
    Message,
    Part,
    Image,
    Audio,
    File,
    ToolCall,
    /// Name and arguments of a function.
    Call,
    /// The same, before there were tools: it has no id.
    FunctionCall,
    Tool,
    Function,
    Choice,
    Delta,
    ToolCallDelta,
    CallDelta,
    Annotation,
    /// Request and answer of Responses.
    Responses,
    Item,
    /// What a tool gave: a text, or parts.
    Output,
    ImageCall,
    ResponsesTool,
    Event,
    /// An event whose delta goes on: which text of its item, and whether it is JSON source.
    TextEvent(u32),
    SourceEvent(u32),
    OutputDelta,
    /// One line of a batch.
    Line,
    LineAnswer,
}

const NAME: Rule = Rule::Guard(Guarded::Name);
const METADATA: Rule = Rule::Guard(Guarded::Metadata);
const FILE: Rule = Rule::Opaque(Opaque::File);
const PART: Rule = Rule::OpenAi(Object::Part);

/// Which of a choice's texts a delta continues.
pub(super) const CONTENT: u32 = 0;
const REFUSAL: u32 = 1;
const REASONING: u32 = 2;
const FUNCTION: u32 = 3;
const TRANSCRIPT: u32 = 4;
/// The first of the texts of tool calls; each has two.
pub(super) const TOOLS: u32 = 8;

const CHAT: Fields = &[
    ("id", Rule::Skip),
    ("object", Rule::Skip),
    ("model", NAME),
    ("metadata", METADATA),
    ("user", METADATA),
    ("safety_identifier", METADATA),
    ("prompt_cache_key", METADATA),
    ("tools", Rule::OpenAi(Object::Tool)),
    ("functions", Rule::OpenAi(Object::Function)),
    ("tool_choice", NAME),
    ("function_call", NAME),
    ("messages", Rule::OpenAi(Object::Message)),
    ("choices", Rule::OpenAi(Object::Choice)),
    ("usage", Rule::Skip),
    ("system_fingerprint", Rule::Skip),
    ("service_tier", Rule::Skip),
    ("audio", Rule::Skip),
];

const MESSAGE: Fields = &[
    ("role", Rule::Skip),
    ("name", NAME),
    ("content", PART),
    ("tool_call_id", Rule::Skip),
    ("tool_calls", Rule::OpenAi(Object::ToolCall)),
    ("function_call", Rule::OpenAi(Object::FunctionCall)),
    ("annotations", Rule::OpenAi(Object::Annotation)),
    ("audio", Rule::OpenAi(Object::Audio)),
];

/// Parts of both APIs.
const PART_FIELDS: Fields = &[
    ("type", Rule::Skip),
    ("image_url", Rule::OpenAi(Object::Image)),
    ("input_audio", Rule::OpenAi(Object::Audio)),
    ("file", Rule::OpenAi(Object::File)),
    ("file_id", FILE),
    ("file_url", Rule::Guard(Guarded::Url)),
    ("file_data", Rule::Base64),
    ("annotations", Rule::OpenAi(Object::Annotation)),
    ("logprobs", Rule::State),
    ("encrypted_content", Rule::State),
];

const ANNOTATION: Fields = &[
    ("type", Rule::Skip),
    ("file_id", Rule::Skip),
    ("container_id", Rule::Skip),
    ("url_citation", Rule::OpenAi(Object::Annotation)),
];

const CHOICE: Fields = &[
    ("finish_reason", Rule::Skip),
    ("message", Rule::OpenAi(Object::Message)),
    ("delta", Rule::OpenAi(Object::Delta)),
    ("text", Rule::Delta(CONTENT)),
    ("logprobs", Rule::State),
];

const DELTA: Fields = &[
    ("role", Rule::Skip),
    ("content", Rule::Delta(CONTENT)),
    ("refusal", Rule::Delta(REFUSAL)),
    ("reasoning_content", Rule::Delta(REASONING)),
    ("reasoning", Rule::Delta(REASONING)),
    ("function_call", Rule::OpenAi(Object::CallDelta)),
    ("tool_calls", Rule::OpenAi(Object::ToolCallDelta)),
    ("annotations", Rule::OpenAi(Object::Annotation)),
    ("audio", Rule::OpenAi(Object::Audio)),
];

const TOOL_CALL: Fields = &[
    ("id", Rule::Skip),
    ("type", Rule::Skip),
    ("function", Rule::OpenAi(Object::Call)),
    ("custom", Rule::OpenAi(Object::Call)),
];

const RESPONSES: Fields = &[
    ("id", Rule::Skip),
    ("object", Rule::Skip),
    ("status", Rule::Skip),
    ("model", NAME),
    ("metadata", METADATA),
    ("user", METADATA),
    ("safety_identifier", METADATA),
    ("prompt_cache_key", METADATA),
    ("input", Rule::OpenAi(Object::Item)),
    ("instructions", Rule::OpenAi(Object::Item)),
    ("output", Rule::OpenAi(Object::Item)),
    ("tools", Rule::OpenAi(Object::ResponsesTool)),
    ("tool_choice", NAME),
    ("previous_response_id", Rule::Skip),
    ("conversation", Rule::Skip),
    ("include", Rule::Skip),
    ("reasoning", Rule::Skip),
    ("service_tier", Rule::Skip),
    ("usage", Rule::Skip),
];

const ITEM: Fields = &[
    ("type", Rule::Skip),
    ("id", Rule::Skip),
    ("call_id", Rule::Skip),
    ("approval_request_id", Rule::Skip),
    ("status", Rule::Skip),
    ("role", Rule::Skip),
    ("phase", Rule::Skip),
    ("name", NAME),
    ("namespace", NAME),
    ("server_label", NAME),
    ("container_id", Rule::Skip),
    ("content", PART),
    ("summary", PART),
    ("arguments", Rule::Source),
    ("output", Rule::OpenAi(Object::Output)),
    ("tools", Rule::OpenAi(Object::ResponsesTool)),
    ("encrypted_content", Rule::State),
];

const RESPONSES_TOOL: Fields = &[
    ("type", Rule::Skip),
    ("name", NAME),
    ("server_label", NAME),
    ("server_url", Rule::Guard(Guarded::Url)),
    ("authorization", Rule::Guard(Guarded::Credential)),
    ("headers", Rule::Guard(Guarded::Credential)),
    ("connector_id", Rule::Skip),
    ("vector_store_ids", Rule::Skip),
    ("container", Rule::Skip),
    ("allowed_tools", NAME),
];

const EVENT: Fields = &[
    ("type", Rule::Skip),
    ("item_id", Rule::Skip),
    ("obfuscation", Rule::Skip),
    ("response", Rule::OpenAi(Object::Responses)),
    ("item", Rule::OpenAi(Object::Item)),
    ("part", PART),
    ("annotation", Rule::OpenAi(Object::Annotation)),
    ("arguments", Rule::Source),
    ("logprobs", Rule::State),
    ("partial_image_b64", Rule::Opaque(Opaque::Image)),
    // Of an event that is not known: passed.
    ("delta", Rule::State),
];

const TEXT_EVENT: Fields = &[
    ("type", Rule::Skip),
    ("item_id", Rule::Skip),
    ("obfuscation", Rule::Skip),
    ("delta", Rule::Delta(0)),
    ("logprobs", Rule::State),
];

const SOURCE_EVENT: Fields = &[
    ("type", Rule::Skip),
    ("item_id", Rule::Skip),
    ("obfuscation", Rule::Skip),
    ("delta", Rule::DeltaJson(0)),
];

impl Object {
    pub(super) fn fields(self) -> Fields {
        match self {
            Self::Chat => CHAT,
            Self::Message => MESSAGE,
            Self::Part => PART_FIELDS,
            Self::Image => &[("url", Rule::Link), ("detail", Rule::Skip)],
            Self::Audio => &[
                ("id", Rule::Skip),
                ("data", Rule::Opaque(Opaque::Audio)),
                ("transcript", Rule::Delta(TRANSCRIPT)),
                ("format", Rule::Skip),
            ],
            Self::File => &[("file_id", FILE), ("file_data", Rule::Base64)],
            Self::ToolCall => TOOL_CALL,
            Self::Call | Self::FunctionCall => &[("name", NAME), ("arguments", Rule::Source)],
            Self::Tool => &[
                ("type", Rule::Skip),
                ("function", Rule::OpenAi(Object::Function)),
                ("custom", Rule::OpenAi(Object::Function)),
            ],
            Self::Function => &[("name", NAME)],
            Self::Choice => CHOICE,
            Self::Delta => DELTA,
            Self::ToolCallDelta => &[
                ("id", Rule::Skip),
                ("type", Rule::Skip),
                ("function", Rule::OpenAi(Object::CallDelta)),
                ("custom", Rule::OpenAi(Object::CallDelta)),
            ],
            Self::CallDelta => &[
                ("name", NAME),
                ("arguments", Rule::DeltaJson(FUNCTION)),
                ("input", Rule::Delta(FUNCTION + 1)),
            ],
            Self::Annotation => ANNOTATION,
            Self::Responses => RESPONSES,
            Self::Item => ITEM,
            Self::Output => &[
                ("type", Rule::Skip),
                ("image_url", Rule::OpenAi(Object::Image)),
                ("file_id", FILE),
                ("file_url", Rule::Guard(Guarded::Url)),
                ("file_data", Rule::Base64),
            ],
            Self::ImageCall => &[
                ("type", Rule::Skip),
                ("id", Rule::Skip),
                ("status", Rule::Skip),
                ("result", Rule::Opaque(Opaque::Image)),
            ],
            Self::ResponsesTool => RESPONSES_TOOL,
            Self::Event => EVENT,
            Self::TextEvent(_) => TEXT_EVENT,
            Self::SourceEvent(_) => SOURCE_EVENT,
            Self::OutputDelta => &[("stdout", Rule::Delta(0)), ("stderr", Rule::Delta(1))],
            Self::Line => &[
                ("body", Rule::OpenAi(Object::Chat)),
                ("custom_id", Rule::Skip),
                ("id", Rule::Skip),
                ("method", Rule::Skip),
                ("url", Rule::Skip),
                ("response", Rule::OpenAi(Object::LineAnswer)),
            ],
            Self::LineAnswer => &[("request_id", Rule::Skip), ("body", Rule::OpenAi(Object::Chat))],
        }
    }

    /// What an object is, by its `type`.
    pub(super) fn refine(self, kind: &str) -> Rule {
        match self {
            Self::Item if kind == "image_generation_call" => Rule::OpenAi(Self::ImageCall),
            Self::Item if kind == "compaction" => Rule::State,
            Self::Event => match family(kind) {
                Some((number, false)) if kind.ends_with(".delta") => {
                    Rule::OpenAi(Self::TextEvent(number))
                }
                Some((number, true)) if kind.ends_with(".delta") => {
                    Rule::OpenAi(Self::SourceEvent(number))
                }
                _ => Rule::OpenAi(Self::Event),
            },
            other => Rule::OpenAi(other),
        }
    }
}

/// What the body of a line of a batch is.
pub(super) fn body(kind: &str, input: bool) -> Rule {
    Rule::OpenAi(if input || kind == "response" { Object::Responses } else { Object::Chat })
}

/// Texts of an item that come in deltas: `NAME.delta` … `NAME.done`, and whether they are
/// JSON source.
const FAMILIES: [(&str, bool); 12] = [
    ("response.output_text", false),
    ("response.refusal", false),
    ("response.function_call_arguments", true),
    ("response.mcp_call_arguments", true),
    ("response.custom_tool_call_input", false),
    ("response.code_interpreter_call_code", false),
    ("response.shell_call_command", false),
    ("response.shell_call_output_content", false),
    ("response.reasoning_text", false),
    ("response.reasoning_summary_text", false),
    ("response.audio.transcript", false),
    ("response.apply_patch_call_operation_diff", false),
];

/// Numbers of a family: the room for the texts of one delta.
const ROOM: u32 = 2;

/// The first text of an event's family, and whether it is JSON source.
pub(super) fn family(kind: &str) -> Option<(u32, bool)> {
    let (name, _) = kind.rsplit_once('.')?;
    let (number, (_, source)) = (0..).zip(FAMILIES).find(|(_, (family, _))| *family == name)?;
    Some((number * ROOM, source))
}

/// All texts of all families.
pub(super) const FAMILY_ROOM: u32 = 32;

/// What the event of this type ends, with its item's number and its text's.
pub(super) fn end(kind: &str, group: u32, base: u32) -> Option<End> {
    Some(match kind {
        "response.completed" | "response.failed" | "response.incomplete" | "error" => End::All,
        "response.output_item.done" => End::Group(group),
        _ if kind.ends_with(".done") => {
            let (number, _) = family(kind)?;
            End::Texts { group, from: base + number, count: ROOM }
        }
        _ => return None,
    })
}

/// The types of parts, of both APIs.
pub(super) const PARTS: &[&str] = &[
    "computer_screenshot",
    "encrypted_content",
    "file",
    "image_url",
    "input_audio",
    "input_file",
    "input_image",
    "input_text",
    "output_audio",
    "output_text",
    "reasoning_text",
    "refusal",
    "summary_text",
    "text",
];
/// The types of items.
pub(super) const ITEMS: &[&str] = &[
    "additional_tools",
    "apply_patch_call",
    "apply_patch_call_output",
    "code_interpreter_call",
    "compaction",
    "compaction_trigger",
    "computer_call",
    "computer_call_output",
    "configuration_update",
    "custom_tool_call",
    "custom_tool_call_output",
    "error",
    "file_search_call",
    "function_call",
    "function_call_output",
    "image_generation_call",
    "item_reference",
    "local_shell_call",
    "local_shell_call_output",
    "mcp_approval_request",
    "mcp_approval_response",
    "mcp_call",
    "mcp_list_tools",
    "message",
    "moderation_result",
    "moderation_results",
    "program",
    "program_output",
    "reasoning",
    "shell_call",
    "shell_call_output",
    "tool_search_call",
    "tool_search_output",
    "web_search_call",
];
