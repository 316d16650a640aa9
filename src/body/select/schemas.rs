//! Where JSON Schemas stand in a request: of the inputs of tools, and of the output.

use crate::body::json::{Node, Tape};
use crate::body::select::{Format, invoked};

/// From the document down: names of fields, and `[]` for each item of a list.
type Path = &'static str;

const CLAUDE: &[Path] =
    &["tools/[]/input_schema", "output_format/schema", "output_config/format/schema"];
/// Chat completions and Responses: lines of batches hold both.
const OPENAI: &[Path] = &[
    "response_format/json_schema/schema",
    "tools/[]/function/parameters",
    "functions/[]/parameters",
    "text/format/schema",
    "tools/[]/parameters",
    "tools/[]/tools/[]/parameters",
];
const GEMINI: &[Path] = &[
    "generationConfig/responseSchema",
    "generationConfig/responseJsonSchema",
    "generationConfig/_responseJsonSchema",
    "generation_config/response_schema",
    "generation_config/response_json_schema",
    "tools/[]/functionDeclarations/[]/parameters",
    "tools/[]/functionDeclarations/[]/parametersJsonSchema",
    "tools/[]/function_declarations/[]/parameters",
    "tools/[]/function_declarations/[]/parameters_json_schema",
];
const CONVERSE: &[Path] = &[
    "toolConfig/tools/[]/toolSpec/inputSchema/json",
    "outputConfig/textFormat/structure/jsonSchema/schema",
];

/// Where the requests stand in the document, and where schemas stand in each.
fn paths(tape: &Tape<'_>, format: Format) -> (&'static [Path], &'static [Path]) {
    match format {
        Format::Messages => (&[""], CLAUDE),
        Format::Batch => (&["requests/[]/params"], CLAUDE),
        Format::Chat | Format::Responses => (&[""], OPENAI),
        Format::Line => (&["body"], OPENAI),
        Format::Gemini => (
            &[
                "",
                "generateContentRequest",
                "requests/[]",
                "batch/inputConfig/requests/requests/[]/request",
                "batch/input_config/requests/requests/[]/request",
            ],
            GEMINI,
        ),
        Format::Converse => (&[""], CONVERSE),
        Format::CountTokens => (&["input/converse"], CONVERSE),
        Format::Invoke => match invoked(tape) {
            Format::Invoke => (&[], &[]),
            format => paths(tape, format),
        },
        Format::BatchResult
        | Format::Event
        | Format::ResponsesEvent
        | Format::ConverseEvent
        | Format::Other
        | Format::Free => (&[], &[]),
    }
}

/// The requests in a document: one, or those of a batch.
#[must_use]
pub fn requests(tape: &Tape<'_>, format: Format) -> Vec<Node> {
    let (requests, _) = paths(tape, format);
    requests.iter().flat_map(|path| at(tape, tape.root(), path)).collect()
}

/// The schemas of a request: objects, or strings that hold one as JSON source.
#[must_use]
pub fn schemas(tape: &Tape<'_>, format: Format) -> Vec<Node> {
    let (_, inner) = paths(tape, format);
    let mut found = Vec::new();
    for request in requests(tape, format) {
        found.extend(inner.iter().flat_map(|path| at(tape, request, path)));
    }
    found
}

/// The nodes at a path.
pub(super) fn at(tape: &Tape<'_>, node: Node, path: &str) -> Vec<Node> {
    let mut nodes = Vec::new();
    follow(tape, node, path, &mut nodes);
    nodes
}

fn follow(tape: &Tape<'_>, node: Node, path: &str, nodes: &mut Vec<Node>) {
    let (step, rest) = path.split_once('/').unwrap_or((path, ""));
    match step {
        "" => nodes.push(node),
        "[]" => tape.items(node).for_each(|item| follow(tape, item, rest, nodes)),
        name => {
            if let Some(node) = tape.field(node, name) {
                follow(tape, node, rest, nodes);
            }
        }
    }
}
