//! Refusals: a status and a JSON error in the provider's own format.
//!
//! Claude: `{"type":"error","error":{"type":…,"message":…}}`; its statuses and
//! error types are those of the API's error page, so that SDKs retry what can
//! be retried. OpenAI, Gemini and Bedrock have forms of their own. No text of a body is ever part of an error.

use std::time::Duration;

use serde_json::json;

use crate::body::encoding::CodingError;
use crate::body::select::Hosted;
use crate::ext_proc::endpoint::Errors;
use crate::mask::masker::Refusal;

/// Why an exchange is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reason {
    /// The body, or what it inflates to, is larger than the limit in bytes.
    TooLarge(usize),
    /// More than this many different identifiers in one body.
    Findings(usize),
    MediaType,
    /// A tunnel through the gateway.
    Connect,
    /// The client signed the body, which masking changes.
    Signed,
    Coding,
    CodingDamaged,
    Charset,
    Utf8,
    ByteOrderMark,
    Depth(usize),
    Multipart,
    /// A finding stands where nothing may change.
    Unmaskable(&'static str),
    /// Opaque content that the configuration refuses.
    Opaque(&'static str),
    /// A tool that the provider runs, and that the configuration refuses.
    Hosted(&'static str),
    /// The whole body did not come in time.
    Slow(Duration),
    /// The memory for bodies is used up.
    Overloaded,
    /// This endpoint needs the mapping store, which cannot be reached and is tried this often.
    StoreDown(Duration),
    /// This endpoint needs a mapping store that outlives the process.
    StoreForgets,
    /// The conversation began with patterns that this replica does not have yet.
    Newer,
    Tenant,
    /// An operator, or masking that failed, blocks; until then, if it ends by itself.
    Blocked(Option<Duration>),
    Internal,
    /// The provider's answer is larger than what can be held.
    AnswerTooLarge(usize),
    AnswerDamaged,
}

/// What is added to the time between two trials of the store: how long one takes, at most.
const PROBE: Duration = Duration::from_millis(999);

const SIGNED: &str = "the request is signed with AWS Signature Version 4, and masking its body \
    breaks the signature; send it unsigned, and let the gateway sign what it masked";
const STORE_FORGETS: &str = "the provider keeps what is sent here for later answers, and the \
    gateway's mappings are in memory only and would be lost; its `store.url` must name a Redis";
const NEWER: &str = "this conversation began with patterns that this replica of the gateway has not \
    read yet; try again";

/// What Envoy is asked to send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    pub status: u16,
    pub body: String,
    pub retry_after: Option<u32>,
    /// What AWS's SDKs read from a header.
    pub error_type: Option<&'static str>,
    /// A closed set: for metrics, logs and `%RESPONSE_CODE_DETAILS%`.
    pub code: &'static str,
    /// The same in fewer classes, for programs: `AWS_MASKER_` and a number.
    pub error: &'static str,
}

impl Reason {
    /// 1: the store, 2: masking, 3: restoring, 4: the configuration, 5: what must not
    /// leave, 6: JSON. Programs know these: none changes its meaning.
    fn error(&self) -> &'static str {
        match self {
            Self::StoreDown(_) | Self::StoreForgets => "AWS_MASKER_1001",
            Self::Internal | Self::Overloaded | Self::Blocked(_) => "AWS_MASKER_2001",
            Self::TooLarge(_)
            | Self::Findings(_)
            | Self::MediaType
            | Self::Connect
            | Self::Signed
            | Self::Coding
            | Self::CodingDamaged
            | Self::Charset
            | Self::Utf8
            | Self::ByteOrderMark
            | Self::Multipart
            | Self::Slow(_) => "AWS_MASKER_2003",
            Self::AnswerTooLarge(_) | Self::AnswerDamaged => "AWS_MASKER_3001",
            Self::Tenant | Self::Newer => "AWS_MASKER_4001",
            Self::Opaque(_) | Self::Hosted(_) => "AWS_MASKER_5001",
            Self::Unmaskable(_) => "AWS_MASKER_5002",
            Self::Depth(_) => "AWS_MASKER_6002",
        }
    }

    /// Status, Claude's error type, and the code.
    fn class(&self) -> (u16, &'static str, &'static str) {
        match self {
            Self::TooLarge(_) => (413, "request_too_large", "body_too_large"),
            Self::Findings(_) => (413, "request_too_large", "too_many_findings"),
            Self::MediaType => (415, "invalid_request_error", "media_type"),
            Self::Connect => (405, "invalid_request_error", "connect"),
            Self::Signed => (400, "invalid_request_error", "signed"),
            Self::Coding => (415, "invalid_request_error", "content_coding"),
            Self::CodingDamaged => (400, "invalid_request_error", "content_coding_damaged"),
            Self::Charset => (400, "invalid_request_error", "charset"),
            Self::Utf8 => (400, "invalid_request_error", "not_utf8"),
            Self::ByteOrderMark => (400, "invalid_request_error", "byte_order_mark"),
            Self::Depth(_) => (400, "invalid_request_error", "too_deep"),
            Self::Multipart => (400, "invalid_request_error", "multipart"),
            Self::Unmaskable(_) => (422, "invalid_request_error", "unmaskable_place"),
            Self::Opaque(_) => (422, "invalid_request_error", "opaque_content"),
            Self::Hosted(_) => (422, "invalid_request_error", "provider_tool"),
            Self::Slow(_) => (408, "invalid_request_error", "body_timeout"),
            Self::Overloaded => (529, "overloaded_error", "overloaded"),
            Self::StoreDown(_) => (503, "api_error", "store_down"),
            Self::StoreForgets => (400, "invalid_request_error", "store_memory"),
            Self::Newer => (503, "api_error", "newer_edition"),
            Self::Tenant => (500, "api_error", "tenant"),
            Self::Blocked(_) => (503, "api_error", "blocked"),
            Self::Internal => (503, "api_error", "internal"),
            Self::AnswerTooLarge(_) => (502, "api_error", "answer_too_large"),
            Self::AnswerDamaged => (502, "api_error", "answer_damaged"),
        }
    }

    fn message(&self) -> String {
        match self {
            Self::TooLarge(limit) => format!(
                "the request body is larger than {limit} bytes; `limits.body` of the masking gateway sets this"
            ),
            Self::Findings(limit) => format!(
                "the request holds more than {limit} different identifiers; `limits.findings` sets this"
            ),
            Self::MediaType => {
                "the gateway masks JSON, JSON lines, text and form-data; this content-type \
                is none of them, and no route lets it through"
                    .to_owned()
            }
            Self::Connect => "this is a gateway, not a proxy: it opens no tunnels".to_owned(),
            Self::Signed => SIGNED.to_owned(),
            Self::Coding => {
                "the gateway reads content-encoding gzip, deflate, br and zstd, one at a time; \
                send the body in one of them or as it is"
                    .to_owned()
            }
            Self::CodingDamaged => "the body is not valid in its content-encoding".to_owned(),
            Self::Charset => "the body's charset is not UTF-8; send UTF-8".to_owned(),
            Self::Utf8 => "the body is not valid UTF-8".to_owned(),
            Self::ByteOrderMark => {
                "the body begins with a byte order mark; send it without".to_owned()
            }
            Self::Depth(limit) => format!("the body nests deeper than {limit} levels"),
            Self::Multipart => "the multipart body does not match its boundary".to_owned(),
            Self::Unmaskable(place) => format!(
                "an AWS identifier or secret stands in {place}, which the provider needs unchanged; \
                 remove it, or allow it with `refuse` in the gateway's configuration"
            ),
            Self::Opaque(kind) => {
                format!("the gateway cannot look into {kind} and is set to refuse it")
            }
            Self::Hosted(what) => format!(
                "the request lets the provider {what} by itself, with placeholders in place of \
                 values; remove that tool, or allow it with `refuse` in the gateway's configuration"
            ),
            Self::Slow(time) => {
                format!("the whole body must arrive within {} seconds", time.as_secs())
            }
            Self::Overloaded => {
                "the masking gateway holds as many bodies as it may; try again".to_owned()
            }
            Self::StoreDown(_) => {
                "this endpoint needs the gateway's mapping store, which cannot be reached; \
                try again later"
                    .to_owned()
            }
            Self::StoreForgets => STORE_FORGETS.to_owned(),
            Self::Newer => NEWER.to_owned(),
            Self::Tenant => {
                "the header x-masker-tenant, which only Envoy may set, holds no tenant's name"
                    .to_owned()
            }
            Self::Blocked(_) => {
                "the masking gateway is blocked and sends nothing on; its operator knows why"
                    .to_owned()
            }
            Self::Internal => {
                "the masking gateway failed and sent nothing on; try again".to_owned()
            }
            Self::AnswerTooLarge(limit) => {
                format!(
                    "the provider's answer is larger than {limit} bytes; `limits.answer` sets this"
                )
            }
            Self::AnswerDamaged => "the provider's answer is damaged".to_owned(),
        }
    }

    /// The answer to the client.
    #[must_use]
    pub fn reply(&self, errors: Errors) -> Reply {
        let (status, kind, code) = self.class();
        let message = self.message();
        let body = match errors {
            Errors::Claude => {
                json!({"type": "error", "error": {"type": kind, "message": message}})
            }
            Errors::OpenAi => {
                json!({"error": {"message": message, "type": kind, "code": code, "param": null}})
            }
            Errors::Gemini => {
                let kind = google_status(status);
                json!({"error": {"code": status, "message": message, "status": kind}})
            }
            Errors::Bedrock => json!({"message": message}),
        };
        let retry_after = match self {
            Self::Blocked(left) => Some(wait(*left)),
            Self::StoreDown(every) => Some(wait(Some(every.saturating_add(PROBE)))),
            _ => matches!(status, 503 | 529).then_some(2),
        };
        let error_type = (errors == Errors::Bedrock).then(|| aws_exception(status));
        Reply { status, body: body.to_string(), retry_after, code, error: self.error(), error_type }
    }
}

/// Seconds until a client may try again: not all at once, and not too late.
fn wait(left: Option<Duration>) -> u32 {
    let seconds = left.map_or(30, |left| left.as_secs().clamp(1, 300));
    u32::try_from(seconds).unwrap_or(300)
}

/// The name that Google's APIs give a status.
fn google_status(status: u16) -> &'static str {
    match status {
        408 => "DEADLINE_EXCEEDED",
        413 | 529 => "RESOURCE_EXHAUSTED",
        500 | 502 => "INTERNAL",
        503 => "UNAVAILABLE",
        _ => "INVALID_ARGUMENT",
    }
}

/// The exception of Bedrock's runtime that fits a status.
fn aws_exception(status: u16) -> &'static str {
    match status {
        408 => "ModelTimeoutException",
        500 | 502 => "InternalServerException",
        503 | 529 => "ServiceUnavailableException",
        _ => "ValidationException",
    }
}

impl From<Refusal> for Reason {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Depth(limit) => Self::Depth(limit),
            Refusal::Findings(limit) => Self::Findings(limit),
            Refusal::Collision | Refusal::Misfit => Self::Internal,
        }
    }
}

impl From<CodingError> for Reason {
    fn from(error: CodingError) -> Self {
        match error {
            CodingError::Unknown | CodingError::Stacked => Self::Coding,
            CodingError::Damaged => Self::CodingDamaged,
            CodingError::TooLarge(limit) => Self::TooLarge(limit),
        }
    }
}

/// What a tool of the provider does, for errors.
pub(super) fn hosted_name(tool: Hosted) -> &'static str {
    match tool {
        Hosted::WebSearch => "search the web",
        Hosted::WebFetch => "fetch pages",
        Hosted::Code => "run code",
        Hosted::Mcp => "call MCP servers",
        Hosted::FileSearch => "search files",
        Hosted::Other => "use other tools of its own",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_have_the_formats_of_the_providers() {
        let reply = Reason::TooLarge(7).reply(Errors::Claude);
        let body: serde_json::Value = serde_json::from_str(&reply.body).unwrap();
        assert_eq!(
            (reply.status, body["error"]["type"].as_str()),
            (413, Some("request_too_large"))
        );
        assert_eq!(reply.error, "AWS_MASKER_2003");
        assert_eq!(body["type"], "error");
        let reply = Reason::Overloaded.reply(Errors::OpenAi);
        let body: serde_json::Value = serde_json::from_str(&reply.body).unwrap();
        assert_eq!((reply.status, reply.retry_after), (529, Some(2)));
        assert_eq!(body["error"]["code"], "overloaded");
        // By then the store was tried again.
        let usual = crate::breaker::Settings::default().retry_every;
        assert_eq!(Reason::StoreDown(usual).reply(Errors::Claude).retry_after, Some(2));
        for (every, told) in [(200, 1), (2000, 2), (2001, 3), (30_000, 30)] {
            let reply = Reason::StoreDown(Duration::from_millis(every)).reply(Errors::Claude);
            assert_eq!((reply.status, reply.retry_after), (503, Some(told)), "{every} ms");
        }
        let reply = Reason::Signed.reply(Errors::Bedrock);
        let body: serde_json::Value = serde_json::from_str(&reply.body).unwrap();
        assert_eq!((reply.status, reply.error_type), (400, Some("ValidationException")));
        assert!(body["message"].as_str().unwrap().contains("Signature Version 4"));
        let reply = Reason::MediaType.reply(Errors::Gemini);
        let body: serde_json::Value = serde_json::from_str(&reply.body).unwrap();
        assert_eq!(body["error"]["code"], 415);
        assert_eq!(body["error"]["status"], "INVALID_ARGUMENT");
    }
}
