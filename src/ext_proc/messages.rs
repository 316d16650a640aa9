//! What goes into an exchange and what comes out: Envoy's words, without Envoy's types.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use thiserror::Error;

use crate::ext_proc::headers::Headers;
use crate::ext_proc::refuse::Reply;
use crate::mask::{Mapping, Placeholder, Scope, Value};
use crate::store::record::{RecordAnswer, RecordWants};

/// What Envoy sends.
pub enum Input {
    /// With `fully_streamed`: the filter's body modes are FULL_DUPLEX_STREAMED both ways.
    RequestHeaders {
        headers: Headers,
        end: bool,
        fully_streamed: bool,
    },
    RequestBody {
        bytes: Bytes,
        end: bool,
    },
    RequestTrailers {
        names: Vec<String>,
    },
    ResponseHeaders {
        headers: Headers,
        end: bool,
    },
    ResponseBody {
        bytes: Bytes,
        end: bool,
    },
    ResponseTrailers,
}

/// What Envoy is answered.
#[derive(PartialEq, Eq)]
pub enum Output {
    /// The proof of masking goes with these.
    RequestHeaders {
        remove: Vec<&'static str>,
        findings: u64,
    },
    /// Of a request that passes unmasked: no proof.
    BypassHeaders,
    RequestBody {
        bytes: Bytes,
        end: bool,
    },
    /// All trailers are dropped.
    RequestTrailers {
        remove: Vec<String>,
    },
    ResponseHeaders {
        remove: Vec<&'static str>,
    },
    /// Tells the client that its request passed unmasked.
    BypassedHeaders,
    ResponseBody {
        bytes: Bytes,
        end: bool,
    },
    ResponseTrailers,
    Refuse(Reply),
}

/// No answer to Envoy is larger: each is copied once more on its way.
pub(super) const CHUNK: usize = 64 * 1024;

/// The parts in which bytes go to Envoy, at least one, and which of them is the last.
pub(super) fn parts(mut bytes: Bytes) -> impl Iterator<Item = (Bytes, bool)> {
    let mut done = false;
    std::iter::from_fn(move || {
        (!done).then(|| {
            let part = bytes.split_to(bytes.len().min(CHUNK));
            done = bytes.is_empty();
            (part, done)
        })
    })
}

/// What the store is asked, in one round trip.
#[derive(Debug)]
pub struct Needs {
    pub scope: Scope,
    pub save: Vec<Arc<Mapping>>,
    pub reveal: Vec<Placeholder>,
    pub records: RecordWants,
    /// The provider keeps what is sent.
    pub lasting: bool,
}

impl Needs {
    /// Nothing yet.
    #[must_use]
    pub fn new(scope: Scope) -> Self {
        let (save, reveal, records, lasting) = Default::default();
        Self { scope, save, reveal, records, lasting }
    }
}

/// What the store said.
#[derive(Debug, Default)]
pub struct Provided {
    pub revealed: Vec<(Placeholder, Option<Value>)>,
    pub records: RecordAnswer,
    /// The store could not be reached.
    pub degraded: bool,
}

/// The stream must end with an error: whatever Envoy does then, it fails closed.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum Violation {
    #[error("the filter's body modes are not FULL_DUPLEX_STREAMED both ways")]
    BodyMode,
    #[error("{0} came when it cannot come")]
    Order(&'static str),
    #[error("the answer cannot be restored: {0}")]
    Answer(&'static str),
}

impl fmt::Debug for Input {
    /// The message's name: bodies and headers are not shown.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl fmt::Debug for Output {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::RequestHeaders { .. } => f.write_str("request_headers"),
            Self::BypassHeaders => f.write_str("bypass_headers"),
            Self::BypassedHeaders => f.write_str("bypassed_headers"),
            Self::RequestBody { bytes, end } => {
                write!(f, "request_body({} bytes, end: {end})", bytes.len())
            }
            Self::RequestTrailers { .. } => f.write_str("request_trailers"),
            Self::ResponseHeaders { .. } => f.write_str("response_headers"),
            Self::ResponseBody { bytes, end } => {
                write!(f, "response_body({} bytes, end: {end})", bytes.len())
            }
            Self::ResponseTrailers => f.write_str("response_trailers"),
            Self::Refuse(reply) => write!(f, "refuse({})", reply.code),
        }
    }
}

impl Input {
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::RequestHeaders { .. } => "request_headers",
            Self::RequestBody { .. } => "request_body",
            Self::RequestTrailers { .. } => "request_trailers",
            Self::ResponseHeaders { .. } => "response_headers",
            Self::ResponseBody { .. } => "response_body",
            Self::ResponseTrailers => "response_trailers",
        }
    }
}
