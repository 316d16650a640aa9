//! What the API asks of the rest of the program: mask and unmask a whole document.

use std::collections::BTreeMap;
use std::fmt;
use std::pin::Pin;

use thiserror::Error;

use crate::mask::Tenant;

/// How a document is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    Text,
    Json,
}

/// What is to be masked or unmasked, within the size limit.
pub struct Document<'a> {
    pub tenant: Tenant,
    pub format: Format,
    pub text: &'a str,
}

pub struct MaskedText {
    pub content: Vec<u8>,
    /// Findings by kind.
    pub findings: BTreeMap<String, u64>,
}

pub struct UnmaskedText {
    pub content: Vec<u8>,
    pub restored: u64,
    pub unknown: u64,
}

/// Why a document was not masked or unmasked. The texts go to the caller and to
/// the log: they carry positions and limits, never a part of the document.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum CoreError {
    /// The document itself is at fault; again is no use.
    #[error("{0}")]
    Refused(String),
    /// The store or the process is; later may help.
    #[error("{0}")]
    Unavailable(String),
    #[error("internal error: {0}")]
    Internal(String),
}

pub type Answer<'a, T> = Pin<Box<dyn Future<Output = Result<T, CoreError>> + Send + 'a>>;

/// Masks and unmasks for a tenant.
///
/// Dropping an answer gives the call up. Long documents are to be taken off the
/// threads of the runtime by the implementation.
pub trait Core: Send + Sync {
    fn mask<'a>(&'a self, document: Document<'a>) -> Answer<'a, MaskedText>;

    fn unmask<'a>(&'a self, document: Document<'a>) -> Answer<'a, UnmaskedText>;
}

impl fmt::Debug for Document<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Document({} bytes)", self.text.len())
    }
}

impl fmt::Debug for MaskedText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MaskedText({} bytes)", self.content.len())
    }
}

impl fmt::Debug for UnmaskedText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "UnmaskedText({} bytes)", self.content.len())
    }
}
