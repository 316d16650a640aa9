//! Why a call failed.

use std::io;
use std::time::Duration;

use redis::{ErrorKind, RedisError};
use thiserror::Error;

/// Why a call failed. Holds no text of a key, a value or a password.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub(crate) enum Failure {
    #[error("no answer within {0:?}")]
    Deadline(Duration),
    #[error("Redis answered {0}")]
    Refused(Box<str>),
    #[error("cannot be reached ({0})")]
    Connection(io::ErrorKind),
    #[error("{0}")]
    Client(&'static str),
}

impl From<RedisError> for Failure {
    fn from(error: RedisError) -> Self {
        if let Some(code) = error.code() {
            return Self::Refused(code.into());
        }
        match error.kind() {
            ErrorKind::AuthenticationFailed => Self::Client("authentication failed"),
            ErrorKind::Io => Self::Connection(io_kind(&error)),
            _ => Self::Client("protocol error"),
        }
    }
}

impl Failure {
    /// Was there no connection, or is it one to what was the primary? Another may be there soon.
    pub(crate) fn passes(&self) -> bool {
        match self {
            Self::Connection(_) | Self::Client(NO_CONNECTION) => true,
            failure => failure.is_of_replica(),
        }
    }

    /// Did a replica answer to who writes?
    pub(super) fn is_of_replica(&self) -> bool {
        matches!(self, Self::Refused(code) if **code == *"READONLY")
    }
}

pub(super) const NO_CONNECTION: &str = "no connection";

fn io_kind(error: &RedisError) -> io::ErrorKind {
    if error.is_timeout() {
        io::ErrorKind::TimedOut
    } else if error.is_connection_refusal() {
        io::ErrorKind::ConnectionRefused
    } else if error.is_connection_dropped() {
        io::ErrorKind::ConnectionReset
    } else {
        io::ErrorKind::Other
    }
}
