//! Tools that the provider runs itself, and conversations that it keeps: both work with
//! placeholders.

use crate::body::json::{Node, Shape, Tape};
use crate::body::select::Format;
use crate::body::select::schemas::{at, requests};

/// A tool that runs at the provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Hosted {
    WebSearch,
    WebFetch,
    Code,
    /// The provider speaks to MCP servers.
    Mcp,
    FileSearch,
    Other,
}

/// How a tool's type begins, at Anthropic and at OpenAI. All other types run at the client.
const TYPES: [(&str, Hosted); 9] = [
    ("web_search", Hosted::WebSearch),
    ("web_fetch", Hosted::WebFetch),
    ("code_execution", Hosted::Code),
    ("code_interpreter", Hosted::Code),
    ("file_search", Hosted::FileSearch),
    ("mcp", Hosted::Mcp),
    ("image_generation", Hosted::Other),
    ("advisor", Hosted::Other),
    ("container", Hosted::Code),
];

/// Fields of a tool of Gemini, and names of system tools of Bedrock.
const NAMES: [(&str, Hosted); 21] = [
    ("googleSearch", Hosted::WebSearch),
    ("google_search", Hosted::WebSearch),
    ("googleSearchRetrieval", Hosted::WebSearch),
    ("google_search_retrieval", Hosted::WebSearch),
    ("enterpriseWebSearch", Hosted::WebSearch),
    ("enterprise_web_search", Hosted::WebSearch),
    ("parallelAiSearch", Hosted::WebSearch),
    ("exaAiSearch", Hosted::WebSearch),
    ("urlContext", Hosted::WebFetch),
    ("url_context", Hosted::WebFetch),
    ("codeExecution", Hosted::Code),
    ("code_execution", Hosted::Code),
    ("fileSearch", Hosted::FileSearch),
    ("file_search", Hosted::FileSearch),
    ("retrieval", Hosted::FileSearch),
    ("mcpServers", Hosted::Mcp),
    ("mcp_servers", Hosted::Mcp),
    ("googleMaps", Hosted::Other),
    ("google_maps", Hosted::Other),
    ("nova_grounding", Hosted::WebSearch),
    ("nova_code_interpreter", Hosted::Code),
];

/// Tools of a request that the provider runs.
#[must_use]
pub fn hosted(tape: &Tape<'_>, format: Format) -> Vec<Hosted> {
    let named = |name: &str| NAMES.iter().find(|(own, _)| *own == name).map(|&(_, tool)| tool);
    let mut found = Vec::new();
    for request in requests(tape, format) {
        for tool in at(tape, request, "tools/[]") {
            let kind = tape.field(tool, "type").map(|kind| tape.text(kind)).unwrap_or_default();
            let hosted = TYPES.iter().find(|(own, _)| kind.starts_with(own));
            found.extend(hosted.map(|&(_, tool)| tool));
            // A shell runs at the client, unless it has a container.
            let place = at(tape, tool, "environment/type");
            let remote =
                place.first().is_some_and(|&kind| tape.text(kind).starts_with("container"));
            found.extend(remote.then_some(Hosted::Code));
            if kind.is_empty() {
                found.extend(tape.fields(tool).filter_map(|(key, _)| named(&tape.text(key))));
            }
        }
        for name in at(tape, request, "toolConfig/tools/[]/systemTool/name") {
            found.push(named(&tape.text(name)).unwrap_or(Hosted::Other));
        }
        found.extend(at(tape, request, "web_search_options").iter().map(|_| Hosted::WebSearch));
        found.extend(at(tape, request, "mcp_servers/[]").iter().map(|_| Hosted::Mcp));
    }
    found
}

/// Fields that name what the provider kept of an earlier exchange.
const KEPT: [&str; 6] = [
    "previous_response_id",
    "conversation",
    "previous_interaction_id",
    "cachedContent",
    "cached_content",
    "container",
];

/// Does a request go on with what the provider kept? Then placeholders of earlier exchanges
/// may be in the answer.
#[must_use]
pub fn goes_on(tape: &Tape<'_>, format: Format) -> bool {
    let set = |node: Node| match tape.shape(node) {
        Shape::String => !tape.raw(node).is_empty(),
        // A container or a conversation, by its id.
        Shape::Object => tape.field(node, "id").is_some(),
        _ => false,
    };
    let names = |request| KEPT.iter().filter_map(move |name| tape.field(request, name));
    requests(tape, format).into_iter().flat_map(names).any(set)
}
