//! The Claude API: Messages, batches, streams.

use std::borrow::Cow;

use crate::body::json::{Node, Shape, Tape};
use crate::body::select::rules::{Fields, Rule};
use crate::body::select::stream::End;
use crate::body::select::{Guarded, Opaque};

/// The order in which the model reads a request; what is not named comes last.
pub(super) const ORDER: &[&str] =
    &["output_config", "output_format", "tools", "system", "messages"];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Object {
    Body,
    Message,
    Block,
    Thinking,
    ToolUse,
    Source(Media),
    Citations,
    Tool,
    McpServer,
    Event,
    EventDelta,
    ThinkingDelta,
    BatchResult,
    BatchOutcome,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Media {
    Unknown,
    Base64Text,
    Image,
    Document,
    Content,
    Url,
    File,
}

/// Which text of its block a thought is.
pub(super) const THOUGHT: u32 = 1;

const BLOCK: Rule = Rule::Claude(Object::Block);
const NAME: Rule = Rule::Guard(Guarded::Name);
const URL: Rule = Rule::Guard(Guarded::Url);

const BODY: Fields = &[
    ("model", NAME),
    ("metadata", Rule::Guard(Guarded::Metadata)),
    ("tool_choice", NAME),
    ("mcp_servers", Rule::Claude(Object::McpServer)),
    ("system", BLOCK),
    ("tools", Rule::Claude(Object::Tool)),
    ("messages", Rule::Claude(Object::Message)),
    ("content", BLOCK),
    ("id", Rule::Skip),
    ("type", Rule::Skip),
    ("role", Rule::Skip),
    ("stop_reason", Rule::Skip),
    ("usage", Rule::Skip),
    ("container", NAME),
    ("service_tier", Rule::Skip),
    ("anthropic_version", Rule::Skip),
    ("anthropic_beta", Rule::Skip),
    ("betas", Rule::Skip),
    ("diagnostics", Rule::Skip),
    ("fallback_credit_token", Rule::Skip),
    ("thinking", Rule::Skip),
    ("input_transformations", Rule::Skip),
];

const BLOCK_FIELDS: Fields = &[
    ("type", Rule::Skip),
    ("id", Rule::Skip),
    ("tool_use_id", Rule::Skip),
    ("tool_name", NAME),
    ("toolset_name", NAME),
    ("mcp_server_name", NAME),
    ("tool_references", BLOCK),
    ("cache_control", Rule::Skip),
    ("signature", Rule::State),
    ("encrypted_content", Rule::State),
    ("encrypted_stdout", Rule::State),
    ("encrypted_index", Rule::State),
    ("file_id", Rule::Opaque(Opaque::File)),
    ("content", BLOCK),
    ("citations", Rule::Claude(Object::Citations)),
];

const TOOL_USE: Fields = &[
    ("type", Rule::Skip),
    ("id", Rule::Skip),
    ("name", NAME),
    ("server_name", NAME),
    ("toolset_name", NAME),
    ("cache_control", Rule::Skip),
    ("caller", Rule::Skip),
];

const EVENT: Fields = &[
    ("type", Rule::Skip),
    ("message", Rule::Claude(Object::Body)),
    ("content_block", BLOCK),
    ("delta", Rule::Claude(Object::EventDelta)),
    ("usage", Rule::Skip),
];

const EVENT_DELTA: Fields = &[
    ("type", Rule::Skip),
    ("text", Rule::Delta(0)),
    ("partial_json", Rule::DeltaJson(0)),
    ("citation", Rule::Claude(Object::Citations)),
    ("stop_reason", Rule::Skip),
    ("container", Rule::Skip),
];

impl Object {
    pub(super) fn fields(self) -> Fields {
        match self {
            Self::Body => BODY,
            Self::Message => &[("role", Rule::Skip), ("content", BLOCK)],
            Self::Block => BLOCK_FIELDS,
            // See `Rule::field`.
            Self::Thinking | Self::ThinkingDelta => &[],
            Self::ToolUse => TOOL_USE,
            Self::Citations => {
                &[("type", Rule::Skip), ("file_id", Rule::Skip), ("encrypted_index", Rule::State)]
            }
            Self::Source(media) => media.fields(),
            Self::Tool => &[
                ("name", NAME),
                ("type", Rule::Skip),
                ("mcp_server_name", NAME),
                ("cache_control", Rule::Skip),
            ],
            Self::McpServer => &[
                ("type", Rule::Skip),
                ("name", NAME),
                ("url", URL),
                ("tool_configuration", NAME),
                ("authorization_token", Rule::Guard(Guarded::Credential)),
            ],
            Self::Event => EVENT,
            Self::EventDelta => EVENT_DELTA,
            Self::BatchResult => {
                &[("custom_id", Rule::Skip), ("result", Rule::Claude(Object::BatchOutcome))]
            }
            Self::BatchOutcome => &[("message", Rule::Claude(Object::Body))],
        }
    }

    /// What an object is, by its `type`.
    pub(super) fn refine(self, kind: &str) -> Rule {
        match self {
            Self::Block if kind == "thinking" => Rule::Claude(Self::Thinking),
            Self::Block if STATE_BLOCKS.contains(&kind) => Rule::State,
            Self::Block if kind.ends_with("tool_use") => Rule::Claude(Self::ToolUse),
            Self::EventDelta if kind == "thinking_delta" => Rule::Claude(Self::ThinkingDelta),
            // A message_delta's delta has no type.
            Self::EventDelta if !kind.is_empty() && !TEXT_DELTAS.contains(&kind) => Rule::State,
            other => Rule::Claude(other),
        }
    }
}

/// Blocks that are the model's own state.
const STATE_BLOCKS: [&str; 2] = ["redacted_thinking", "compaction"];
/// Deltas that are text, by their type; of others nothing is touched.
const TEXT_DELTAS: [&str; 3] = ["text_delta", "input_json_delta", "citations_delta"];

impl Media {
    fn fields(self) -> Fields {
        match self {
            Self::Base64Text => &[("data", Rule::Base64)],
            Self::Image => &[("data", Rule::Opaque(Opaque::Image))],
            Self::Document => &[("data", Rule::Opaque(Opaque::Document))],
            Self::Content => &[("content", BLOCK)],
            Self::Url => &[("url", URL)],
            Self::File => &[("file_id", Rule::Opaque(Opaque::File))],
            Self::Unknown => &[],
        }
    }
}

/// What a block's `source` is. In a search result it is a string.
pub(super) fn source(tape: &Tape<'_>, source: Node) -> Rule {
    if tape.shape(source) != Shape::Object {
        return Rule::Text;
    }
    let text = |name| tape.field(source, name).map(|value| tape.text(value));
    let media_type = text("media_type").unwrap_or_default();
    Rule::Claude(Object::Source(match text("type").as_deref() {
        Some("base64") if media_type.starts_with("image/") => Media::Image,
        Some("base64") if media_type.starts_with("text/") => Media::Base64Text,
        Some("base64") => Media::Document,
        Some("content") => Media::Content,
        Some("url") => Media::Url,
        Some("file") => Media::File,
        _ => Media::Unknown,
    }))
}

/// What the event of this type ends.
pub(super) fn end(kind: Option<&Cow<'_, str>>, index: u32) -> Option<End> {
    Some(match kind.map(AsRef::as_ref)? {
        "ping" => End::Ping,
        "content_block_stop" => End::Group(index),
        "message_delta" | "message_stop" | "error" => End::All,
        _ => return None,
    })
}

/// The types of content blocks.
pub(super) const BLOCKS: &[&str] = &[
    "advisor_redacted_result",
    "advisor_result",
    "advisor_tool_result",
    "advisor_tool_result_error",
    "bash_code_execution_output",
    "bash_code_execution_result",
    "bash_code_execution_tool_result",
    "bash_code_execution_tool_result_error",
    "browser_state",
    "code_execution_output",
    "code_execution_result",
    "code_execution_tool_result",
    "code_execution_tool_result_error",
    "compaction",
    "container_upload",
    "document",
    "encrypted_code_execution_result",
    "fallback",
    "image",
    "mcp_tool_listing",
    "mcp_tool_result",
    "mcp_tool_use",
    "redacted_thinking",
    "search_result",
    "server_tool_use",
    "text",
    "text_editor_code_execution_create_result",
    "text_editor_code_execution_str_replace_result",
    "text_editor_code_execution_tool_result",
    "text_editor_code_execution_tool_result_error",
    "text_editor_code_execution_view_result",
    "thinking",
    "tool_addition",
    "tool_reference",
    "tool_removal",
    "tool_result",
    "tool_search_tool_result",
    "tool_search_tool_result_error",
    "tool_search_tool_search_result",
    "tool_use",
    "web_fetch_result",
    "web_fetch_tool_result",
    "web_fetch_tool_result_error",
    "web_search_result",
    "web_search_tool_result",
    "web_search_tool_result_error",
];
