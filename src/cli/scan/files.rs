//! Which files are looked at, and their text.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::FileTypeExt as _;
use std::path::{Path, PathBuf};

use thiserror::Error;
use walkdir::{DirEntry, WalkDir};
use zeroize::Zeroizing;

use crate::config::units::Size;

/// A file with a zero byte in as many bytes is binary.
const HEAD: usize = 8 << 10;

pub(super) enum Content {
    Text(Zeroizing<String>),
    Binary,
}

/// Why a file was not looked at. Says nothing of its content.
#[derive(Debug, Error)]
pub(super) enum ReadError {
    #[error("cannot be read: {0}")]
    Io(String),
    #[error("is a named pipe, to which nobody may write; `masker scan - <PIPE` waits for somebody")]
    Pipe,
    #[error("is larger than {}; --max-size allows more", Size(*.0))]
    TooLarge(u64),
}

impl From<&walkdir::Error> for ReadError {
    fn from(error: &walkdir::Error) -> Self {
        Self::Io(error.io_error().map_or_else(|| "it contains itself".to_owned(), cause))
    }
}

fn cause(error: &io::Error) -> String {
    error.to_string()
}

/// The files below a path in the order of their names. What was named itself may be
/// a link or a pipe; inside folders only files are taken.
pub(super) fn walk(root: &Path) -> impl Iterator<Item = walkdir::Result<PathBuf>> {
    let walk = WalkDir::new(root).sort_by_file_name().into_iter().filter_entry(is_wanted);
    walk.filter_map(|entry| match entry {
        Ok(entry) => {
            let file = match entry.depth() {
                0 => !entry.path().is_dir(),
                _ => entry.file_type().is_file(),
            };
            file.then(|| Ok(entry.into_path()))
        }
        Err(error) => Some(Err(error)),
    })
}

fn is_wanted(entry: &DirEntry) -> bool {
    entry.depth() == 0 || entry.file_name() != OsStr::new(".git")
}

/// How many bytes there are to read, as far as that is known.
pub(super) fn total(root: &Path) -> u64 {
    let sizes = walk(root).filter_map(|path| Some(path.ok()?.metadata().ok()?.len()));
    sizes.fold(0, u64::saturating_add)
}

/// Reads a text of at most `max` bytes.
pub(super) fn read(path: &Path, max: u64) -> Result<Content, ReadError> {
    let failed = |error: io::Error| ReadError::Io(cause(&error));
    if path.as_os_str() == "-" {
        return text(io::stdin().lock(), max).map_err(failed)?.ok_or(ReadError::TooLarge(max));
    }
    if is_fifo(path) {
        return Err(ReadError::Pipe);
    }
    let file = File::open(path).map_err(failed)?;
    text(file, max).map_err(failed)?.ok_or(ReadError::TooLarge(max))
}

/// Opening one waits until somebody writes. Those of a shell (`<(command)`) are open already.
fn is_fifo(path: &Path) -> bool {
    let open = ["/dev", "/proc"].iter().any(|folder| path.starts_with(folder));
    !open && path.metadata().is_ok_and(|about| about.file_type().is_fifo())
}

/// None if it is too large.
fn text(mut file: impl Read, max: u64) -> io::Result<Option<Content>> {
    let mut bytes = Zeroizing::new(Vec::new());
    let head = u64::try_from(HEAD).unwrap_or(u64::MAX);
    file.by_ref().take(head).read_to_end(&mut bytes)?;
    // Windows writes texts in UTF-16, in which every second byte is zero.
    let wide = match bytes.as_slice() {
        [0xff, 0xfe, ..] => Some(u16::from_le_bytes as fn([u8; 2]) -> u16),
        [0xfe, 0xff, ..] => Some(u16::from_be_bytes as fn([u8; 2]) -> u16),
        _ => None,
    };
    if wide.is_none() && bytes.contains(&0) {
        return Ok(Some(Content::Binary));
    }
    let rest = max.saturating_add(1).saturating_sub(head);
    file.take(rest).read_to_end(&mut bytes)?;
    if u64::try_from(bytes.len()).unwrap_or(u64::MAX) > max {
        return Ok(None);
    }
    // What is no UTF-8 stands for one character each, so that columns stay right.
    let text = match wide {
        Some(unit) => {
            let units = bytes.chunks_exact(2).filter_map(|pair| pair.try_into().ok()).map(unit);
            char::decode_utf16(units.skip(1)).map(|c| c.unwrap_or('\u{fffd}')).collect()
        }
        None => String::from_utf8_lossy(&bytes).into_owned(),
    };
    Ok(Some(Content::Text(Zeroizing::new(text))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_told_from_the_rest() {
        let wide = |text: &str| text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<_>>();
        for (bytes, max, found) in [
            (b"ab".to_vec(), 2, Ok("ab")),
            (b"abc".to_vec(), 2, Err("large")),
            (b"a\0b".to_vec(), 2, Err("binary")),
            (b"\x7fELF\0".to_vec(), 9, Err("binary")),
            (b"a\xffb".to_vec(), 9, Ok("a\u{fffd}b")),
            ([b"\xff\xfe".to_vec(), wide("aé")].concat(), 9, Ok("aé")),
            (vec![], 0, Ok("")),
            (vec![b'x'; 20_000], 20_000, Ok(&*"x".repeat(20_000))),
            (vec![b'x'; 20_001], 20_000, Err("large")),
        ] {
            let read = match text(bytes.as_slice(), max).unwrap() {
                Some(Content::Text(text)) => Ok(text.to_string()),
                Some(Content::Binary) => Err("binary"),
                None => Err("large"),
            };
            assert_eq!(read, found.map(str::to_owned), "{} bytes", bytes.len());
        }
    }
}
