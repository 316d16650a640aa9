//! Small files that hold secrets.

use std::fs;
use std::fs::{File, Metadata};
use std::io;
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use thiserror::Error;
use zeroize::Zeroizing;

/// None of these files is larger.
const LONGEST: u64 = 1 << 20;

/// Names what is wrong; who reports it names the file. Never holds its content.
#[derive(Debug, Error)]
pub enum SecretError {
    #[error("cannot be read: {0}")]
    Io(#[from] io::Error),
    #[error("is not a file")]
    NotFile,
    #[error("is empty")]
    Empty,
    #[error("is larger than 1 MiB")]
    TooLarge,
}

/// The mode of a file that others than its owner may read.
pub(crate) fn open_to_others(about: &Metadata) -> Option<u32> {
    let mode = about.permissions().mode() & 0o7777;
    (mode & 0o077 != 0).then_some(mode)
}

/// Opens a file that is to be read, and says whether that is possible at all.
pub(crate) fn open(path: &Path) -> Result<File, SecretError> {
    // Asked before it is opened: opening a pipe would wait for its writer.
    let about = fs::metadata(path)?;
    if !about.is_file() {
        return Err(SecretError::NotFile);
    }
    match about.len() {
        0 => Err(SecretError::Empty),
        len if len > LONGEST => Err(SecretError::TooLarge),
        _ => Ok(File::open(path)?),
    }
}

/// Reads an opened file whole.
pub(crate) fn read(file: &File) -> Result<Zeroizing<Vec<u8>>, SecretError> {
    // With room for all of it, no half-filled buffer is left behind by growing.
    let len = file.metadata()?.len().min(LONGEST);
    let mut bytes = Zeroizing::new(Vec::with_capacity(usize::try_from(len).unwrap_or(0) + 1));
    file.take(LONGEST).read_to_end(&mut bytes)?;
    Ok(bytes)
}
