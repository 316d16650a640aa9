//! The audit log as a file: lines of JSON, each with the hash of the one before,
//! so that nothing can be changed or taken out in the middle unnoticed.
//!
//! `hash` is the SHA-256 of the line up to it. Whoever can write the file can write
//! all of it anew: compare the last hash with the one in the log, elsewhere.

use std::fs::File;
use std::fs::OpenOptions;
use std::io;
use std::io::BufRead;
use std::io::BufReader;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::SystemTime;

use serde::Deserialize;
use serde::Serialize;
use sha2::Digest;
use sha2::Sha256;
use thiserror::Error;

use crate::telemetry::utc;

/// No line is longer.
const LONGEST: u64 = 16 * 1024;
/// What stands between a line's content and its hash.
const BEFORE_HASH: &str = ",\"hash\":\"";

#[derive(Debug, Error)]
pub enum JournalError {
    #[error("cannot open the audit log {}", path.display())]
    Open { path: PathBuf, source: io::Error },
    #[error("cannot read the audit log {}", path.display())]
    Read { path: PathBuf, source: io::Error },
    #[error("line {line} of the audit log {} {what}", path.display())]
    Broken { path: PathBuf, line: u64, what: &'static str },
}

/// One thing that happened: who, what, why and how it ended.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Entry<'a> {
    pub action: &'a str,
    pub who: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    pub outcome: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    pub reason: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    pub detail: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tenant: Option<&'a str>,
}

#[derive(Serialize)]
struct Line<'a> {
    seq: u64,
    time: String,
    #[serde(flatten)]
    entry: &'a Entry<'a>,
    prev: &'a str,
}

/// What is read of a line to check it.
#[derive(Deserialize)]
struct Shape {
    seq: u64,
    time: String,
    prev: String,
}

/// What a whole journal comes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checked {
    pub entries: u64,
    pub first: String,
    pub last: String,
    /// The hash of the last line.
    pub head: String,
}

impl Default for Checked {
    fn default() -> Self {
        Self { entries: 0, first: String::new(), last: String::new(), head: "0".repeat(64) }
    }
}

/// Cloning shares the file. Without one nothing is kept here.
#[derive(Clone, Debug, Default)]
pub struct Journal(Option<Arc<Mutex<Open>>>);

#[derive(Debug)]
struct Open {
    file: File,
    seq: u64,
    head: String,
}

impl Journal {
    /// Goes on at the end of a file, which must be whole; makes it if there is none.
    pub fn open(path: &Path) -> Result<Self, JournalError> {
        let failed = |source| JournalError::Open { path: path.to_owned(), source };
        let file = OpenOptions::new().append(true).create(true).mode(0o600).open(path);
        let file = file.map_err(failed)?;
        let Checked { entries, head, .. } = check(path)?;
        Ok(Self(Some(Arc::new(Mutex::new(Open { file, seq: entries, head })))))
    }

    /// Writes an entry, to the disk itself. A failure is told in the log.
    pub fn write(&self, entry: &Entry<'_>) {
        let Self(Some(open)) = self else { return };
        let mut open = open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Err(error) = open.write(entry) {
            tracing::error!(%error, action = entry.action, "the audit log cannot be written");
        }
    }
}

impl Open {
    fn write(&mut self, entry: &Entry<'_>) -> io::Result<()> {
        let (seq, time) = (self.seq + 1, utc::rfc3339(SystemTime::now()));
        let line = serde_json::to_string(&Line { seq, time, entry, prev: &self.head })?;
        let content = line.strip_suffix('}').unwrap_or(&line);
        let hash = hash(content);
        self.file.write_all(format!("{content}{BEFORE_HASH}{hash}\"}}\n").as_bytes())?;
        self.file.sync_data()?;
        tracing::info!(target: "masker::audit", seq, hash, "kept");
        (self.seq, self.head) = (seq, hash);
        Ok(())
    }
}

fn hash(content: &str) -> String {
    let digest = Sha256::digest(content.as_bytes());
    let halves = digest.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    halves.filter_map(|half| char::from_digit(half.into(), 16)).collect()
}

/// Reads a whole journal and checks each line.
pub fn check(path: &Path) -> Result<Checked, JournalError> {
    let failed = |source| JournalError::Read { path: path.to_owned(), source };
    let mut reader = BufReader::new(File::open(path).map_err(failed)?);
    let mut checked = Checked::default();
    let mut line = Vec::new();
    loop {
        line.clear();
        let read = io::Read::take(&mut reader, LONGEST).read_until(b'\n', &mut line);
        if read.map_err(failed)? == 0 {
            return Ok(checked);
        }
        let number = checked.entries + 1;
        let broken = |what| JournalError::Broken { path: path.to_owned(), line: number, what };
        let (shape, head) = parse(&line, &checked.head).map_err(broken)?;
        if shape.seq != number {
            return Err(broken("has another number: lines are missing or were added"));
        }
        if checked.first.is_empty() {
            checked.first.clone_from(&shape.time);
        }
        checked = Checked { entries: number, last: shape.time, head, first: checked.first };
    }
}

fn parse(line: &[u8], prev: &str) -> Result<(Shape, String), &'static str> {
    let text = line.strip_suffix(b"\n").ok_or("is not whole: the process ended while writing")?;
    let text = std::str::from_utf8(text).map_err(|_| "is not text")?;
    let (content, rest) = text.rsplit_once(BEFORE_HASH).ok_or("has no hash")?;
    let told = rest.strip_suffix("\"}").ok_or("has no hash")?;
    if hash(content) != told {
        return Err("was changed: its hash is another");
    }
    let shape: Shape = serde_json::from_str(text).map_err(|_| "is no entry")?;
    if shape.prev != prev {
        return Err("does not follow the one before: lines are missing or were moved");
    }
    Ok((shape, told.to_owned()))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn entry(reason: &str) -> Entry<'_> {
        Entry { action: "SetMode", who: "127.0.0.1:9", outcome: "ok", reason, ..Entry::default() }
    }

    #[test]
    fn a_journal_goes_on_and_any_change_shows() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("audit");
        let nasty = "a \"hash\":\"0\"} line,\"hash\":\"x\"}\n{ and <b>";
        for reasons in [["one", nasty], ["three", "four"]] {
            let journal = Journal::open(&path).unwrap();
            reasons.iter().for_each(|reason| journal.write(&entry(reason)));
        }
        let whole = check(&path).unwrap();
        assert_eq!(whole.entries, 4);
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.contains(&whole.head));
        let lines: Vec<_> = text.split_inclusive('\n').collect();
        let join = |order: &[usize]| order.iter().map(|&at| lines[at]).collect::<String>();
        for (changed, line, what) in [
            (text.replace("three", "threE"), 3, "was changed"),
            (join(&[0, 2, 3]), 2, "does not follow"),
            (join(&[1, 2, 3]), 1, "does not follow"),
            (join(&[0, 1, 3, 2]), 3, "does not follow"),
            (join(&[0, 1, 1]), 3, "does not follow"),
            (text.trim_end().to_owned(), 4, "is not whole"),
            (format!("{text}\n"), 5, "has no hash"),
        ] {
            fs::write(&path, changed).unwrap();
            let error = check(&path).unwrap_err().to_string();
            assert!(error.contains(&format!("line {line} ")) && error.contains(what), "{error}");
            Journal::open(&path).unwrap_err();
        }
    }
}
