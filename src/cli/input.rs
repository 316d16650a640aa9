//! What a command reads: a file, or standard input.

use std::fs;
use std::io::{self, Read as _};
use std::path::Path;

use thiserror::Error;
use zeroize::Zeroizing;

#[derive(Debug, Error)]
pub(super) enum InputError {
    #[error("cannot read {0}")]
    Read(String, #[source] io::Error),
    #[error("{0} is not UTF-8")]
    Utf8(String),
}

/// A text, which may hold originals.
pub(super) fn read(file: Option<&Path>) -> Result<Zeroizing<String>, InputError> {
    let mut bytes = Vec::new();
    let (name, read) = match file {
        Some(path) => (path.display().to_string(), fs::read(path).map(|read| bytes = read)),
        None => ("standard input".to_owned(), io::stdin().read_to_end(&mut bytes).map(drop)),
    };
    read.map_err(|error| InputError::Read(name.clone(), error))?;
    String::from_utf8(bytes).map(Zeroizing::new).map_err(|_| InputError::Utf8(name))
}
