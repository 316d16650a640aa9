//! Which formats a request and its answer have: one table, by path. Where models of several
//! formats share a path, the body decides (`Format::Invoke`).

use crate::body::select::Format;

/// The formats of an endpoint: its request and its answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Endpoint {
    pub request: Format,
    pub answer: Format,
    /// In lines and in events.
    pub line: Format,
    pub event: Format,
    /// A JSON answer is an array that comes piece by piece.
    pub array: bool,
    /// The provider keeps what was sent: answers to later requests refer to it.
    pub state: bool,
    /// A model reads the request, and may be told something.
    pub note: bool,
    pub errors: Errors,
}

/// Whose form an error has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Errors {
    #[default]
    Claude,
    OpenAi,
    Gemini,
    Bedrock,
}

/// How a path is recognized.
enum Path {
    Begins(&'static str),
    Ends(&'static str),
    /// It begins so, and ends so.
    Between(&'static str, &'static str),
}

const OTHER: Endpoint = endpoint(Format::Other, Format::Other, Errors::Claude);

const fn endpoint(format: Format, event: Format, errors: Errors) -> Endpoint {
    let (request, answer, line) = (format, format, Format::Other);
    Endpoint { request, answer, line, event, array: false, state: false, note: true, errors }
}

const fn openai(format: Format, event: Format) -> Endpoint {
    Endpoint { line: Format::Line, ..endpoint(format, event, Errors::OpenAi) }
}

const fn bedrock(format: Format, event: Format) -> Endpoint {
    endpoint(format, event, Errors::Bedrock)
}

const fn state(endpoint: Endpoint) -> Endpoint {
    Endpoint { state: true, ..endpoint }
}

const MESSAGES: Endpoint = endpoint(Format::Messages, Format::Event, Errors::Claude);
const GEMINI: Endpoint = endpoint(Format::Gemini, Format::Gemini, Errors::Gemini);

/// The first that fits counts.
const ENDPOINTS: &[(Path, Endpoint)] = &[
    // Claude, at Anthropic and where others offer it under its own path.
    (
        Path::Begins("/v1/messages/batches"),
        Endpoint { request: Format::Batch, line: Format::BatchResult, state: true, ..OTHER },
    ),
    (Path::Ends("/v1/messages"), MESSAGES),
    (Path::Ends("/v1/messages/count_tokens"), MESSAGES),
    // Bedrock.
    (Path::Between("/model/", "/invoke"), bedrock(Format::Invoke, Format::Invoke)),
    (
        Path::Between("/model/", "/invoke-with-response-stream"),
        bedrock(Format::Invoke, Format::Invoke),
    ),
    (Path::Between("/model/", "/converse"), bedrock(Format::Converse, Format::ConverseEvent)),
    (
        Path::Between("/model/", "/converse-stream"),
        bedrock(Format::Converse, Format::ConverseEvent),
    ),
    (Path::Between("/model/", "/count-tokens"), bedrock(Format::CountTokens, Format::Other)),
    (Path::Begins("/model/"), bedrock(Format::Other, Format::Other)),
    (Path::Begins("/guardrail/"), bedrock(Format::Other, Format::Other)),
    // Gemini, and other models at Vertex AI.
    (Path::Ends(":streamGenerateContent"), Endpoint { array: true, ..GEMINI }),
    (Path::Ends(":rawPredict"), endpoint(Format::Invoke, Format::Invoke, Errors::Gemini)),
    (Path::Ends(":streamRawPredict"), endpoint(Format::Invoke, Format::Invoke, Errors::Gemini)),
    (Path::Begins("/v1beta/openai/chat/"), openai(Format::Chat, Format::Chat)),
    // It takes no system text beside what is counted.
    (Path::Ends(":countTokens"), Endpoint { note: false, ..GEMINI }),
    (Path::Begins("/v1beta/files"), state(GEMINI)),
    (Path::Begins("/v1beta/cachedContents"), state(GEMINI)),
    (Path::Ends(":batchGenerateContent"), state(GEMINI)),
    (Path::Begins("/v1beta/"), GEMINI),
    (Path::Ends(":generateContent"), GEMINI),
    (Path::Ends(":embedContent"), GEMINI),
    (Path::Ends(":batchEmbedContents"), GEMINI),
    // OpenAI, and those who offer its API under a longer path.
    (Path::Ends("/chat/completions"), openai(Format::Chat, Format::Chat)),
    (Path::Begins("/v1/chat/"), openai(Format::Chat, Format::Chat)),
    (Path::Ends("/completions"), openai(Format::Chat, Format::Chat)),
    (Path::Ends("/embeddings"), openai(Format::Chat, Format::Chat)),
    (Path::Ends("/moderations"), openai(Format::Chat, Format::Chat)),
    (Path::Ends("/responses"), openai(Format::Responses, Format::ResponsesEvent)),
    (Path::Begins("/v1/responses/"), state(openai(Format::Responses, Format::ResponsesEvent))),
    (Path::Begins("/v1/responses"), openai(Format::Responses, Format::ResponsesEvent)),
    (Path::Begins("/v1/conversations"), state(openai(Format::Responses, Format::ResponsesEvent))),
    (Path::Begins("/v1/batches"), state(openai(Format::Other, Format::Other))),
    // Of both.
    (Path::Begins("/v1/files"), Endpoint { line: Format::Line, state: true, ..OTHER }),
];

impl Path {
    fn fits(&self, path: &str) -> bool {
        match *self {
            Self::Begins(start) => path.starts_with(start),
            Self::Ends(end) => path.ends_with(end),
            Self::Between(start, end) => path.starts_with(start) && path.ends_with(end),
        }
    }
}

impl Endpoint {
    /// Do its requests bring a conversation along?
    #[must_use]
    pub fn talks(&self) -> bool {
        let formats = [
            Format::Messages,
            Format::Chat,
            Format::Responses,
            Format::Gemini,
            Format::Converse,
            Format::Invoke,
        ];
        !self.state && formats.contains(&self.request)
    }

    #[must_use]
    pub fn of(path: &str) -> Self {
        Self::known(path).unwrap_or(OTHER)
    }

    /// None: no API that is known has such a path.
    #[must_use]
    pub fn known(path: &str) -> Option<Self> {
        let path = path.split_once('?').map_or(path, |(path, _)| path).trim_end_matches('/');
        let found = ENDPOINTS.iter().find(|(known, _)| known.fits(path));
        found.map(|&(_, endpoint)| endpoint)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_follow_from_the_path() {
        for (path, request, event, errors) in [
            ("/v1/messages", Format::Messages, Format::Event, Errors::Claude),
            ("/anthropic/v1/messages/", Format::Messages, Format::Event, Errors::Claude),
            ("/v1/messages/batches", Format::Batch, Format::Other, Errors::Claude),
            ("/v1/chat/completions", Format::Chat, Format::Chat, Errors::OpenAi),
            ("/openai/deployments/x/chat/completions", Format::Chat, Format::Chat, Errors::OpenAi),
            ("/v1/responses", Format::Responses, Format::ResponsesEvent, Errors::OpenAi),
            (
                "/v1/responses/r/input_items",
                Format::Responses,
                Format::ResponsesEvent,
                Errors::OpenAi,
            ),
            (
                "/v1beta/models/gemini-3:generateContent",
                Format::Gemini,
                Format::Gemini,
                Errors::Gemini,
            ),
            ("/v1/models/x:streamGenerateContent", Format::Gemini, Format::Gemini, Errors::Gemini),
            (
                "/model/a.b-v1%3A0/converse",
                Format::Converse,
                Format::ConverseEvent,
                Errors::Bedrock,
            ),
            ("/model/arn%3Aaws%3Ax%2Fy/invoke", Format::Invoke, Format::Invoke, Errors::Bedrock),
            ("/v1/x", Format::Other, Format::Other, Errors::Claude),
        ] {
            let found = Endpoint::of(path);
            assert_eq!(
                (found.request, found.event, found.errors),
                (request, event, errors),
                "{path}"
            );
        }
        assert!(Endpoint::of("/v1beta/models/x:streamGenerateContent").array);
        assert!(Endpoint::of("/v1/messages/batches/x/results").state);
    }
}
