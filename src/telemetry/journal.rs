//! The audit log as a file: lines of JSON, each with the hash of the one before,
//! so that nothing can be changed or taken out in the middle unnoticed.
//!
//! The same lines can be handed on, to be kept elsewhere too; a process that has no file
//! begins a chain of its own with each start.
//!
//! `hash` is the SHA-256 of the line up to it. Whoever can write the file can write
//! all of it anew: compare the last hash with the one in the log, elsewhere.

use std::fs::File;
use std::fs::OpenOptions;
use std::fs::TryLockError;
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

use prometheus_client::metrics::counter::Counter;
use serde::Deserialize;
use serde::Serialize;
use sha2::Digest;
use sha2::Sha256;
use thiserror::Error;
use tokio::sync::mpsc;

use crate::telemetry::utc;

/// No line is longer.
const LONGEST: u64 = 16 * 1024;
/// What stands between a line's content and its hash.
const BEFORE_HASH: &str = ",\"hash\":\"";
/// Lines that wait to be kept elsewhere.
const HANDED: usize = 1024;

#[derive(Debug, Error)]
pub enum JournalError {
    #[error("cannot open the audit log {}", path.display())]
    Open { path: PathBuf, source: io::Error },
    #[error("cannot read the audit log {}", path.display())]
    Read { path: PathBuf, source: io::Error },
    #[error("another masker keeps the audit log {}; give each a file of its own", path.display())]
    Taken { path: PathBuf },
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

/// A line that was kept, without its end, for who keeps it elsewhere.
#[derive(Clone, Debug)]
pub struct Line {
    /// This process, and no other.
    pub chain: Arc<str>,
    pub text: String,
}

#[derive(Serialize)]
struct Written<'a> {
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

/// Cloning shares the file. Without one, and nobody to hand lines on to, nothing is kept.
#[derive(Clone, Debug, Default)]
pub struct Journal(Option<Arc<Mutex<Open>>>);

#[derive(Debug, Default)]
struct Open {
    file: Option<File>,
    copy: Option<Copied>,
    checked: Checked,
}

/// Who keeps the lines elsewhere.
#[derive(Debug)]
struct Copied {
    chain: Arc<str>,
    lines: mpsc::Sender<Line>,
    dropped: Counter,
}

impl Journal {
    /// Goes on at the end of a file, which must be whole and nobody else's; makes it if there is
    /// none.
    pub fn open(path: &Path) -> Result<Self, JournalError> {
        let failed = |source| JournalError::Open { path: path.to_owned(), source };
        let file = OpenOptions::new().append(true).create(true).mode(0o600).open(path);
        let file = file.map_err(failed)?;
        match file.try_lock() {
            Err(TryLockError::WouldBlock) => {
                return Err(JournalError::Taken { path: path.to_owned() });
            }
            // Some file systems have no locks.
            Err(TryLockError::Error(_)) | Ok(()) => {}
        }
        let open = Open { file: Some(file), checked: check(path)?, ..Open::default() };
        Ok(Self(Some(Arc::new(Mutex::new(open)))))
    }

    /// Hands its lines on, too. What finds no place is dropped and counted: the chain
    /// shows that it is missing.
    #[must_use]
    pub fn copied(self, chain: Arc<str>, dropped: Counter) -> (Self, mpsc::Receiver<Line>) {
        let (lines, receiver) = mpsc::channel(HANDED);
        let open = self.0.unwrap_or_default();
        let mut state = open.lock().unwrap_or_else(PoisonError::into_inner);
        state.copy = Some(Copied { chain, lines, dropped });
        drop(state);
        (Self(Some(open)), receiver)
    }

    /// Hands no more lines on: who keeps them has them all, then.
    pub fn end_copy(&self) {
        if let Some(open) = &self.0 {
            open.lock().unwrap_or_else(PoisonError::into_inner).copy = None;
        }
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
        let (seq, time) = (self.checked.entries + 1, utc::rfc3339(SystemTime::now()));
        let line = Written { seq, time, entry, prev: &self.checked.head };
        let line = serde_json::to_string(&line)?;
        let content = line.strip_suffix('}').unwrap_or(&line);
        let hash = hash(content);
        let text = format!("{content}{BEFORE_HASH}{hash}\"}}");
        if let Some(file) = &mut self.file {
            file.write_all(format!("{text}\n").as_bytes())?;
            file.sync_data()?;
        }
        if let Some(Copied { chain, lines, dropped }) = &self.copy
            && lines.try_send(Line { chain: Arc::clone(chain), text }).is_err()
        {
            dropped.inc();
            tracing::error!(action = entry.action, "the audit stream has no place: a line is lost");
        }
        tracing::info!(target: "masker::audit", seq, hash, "kept");
        (self.checked.entries, self.checked.head) = (seq, hash);
        Ok(())
    }
}

fn hash(content: &str) -> String {
    let digest = Sha256::digest(content.as_bytes());
    let halves = digest.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    halves.filter_map(|half| char::from_digit(half.into(), 16)).collect()
}

/// Could a journal be opened here? Nothing is made.
pub fn can_be_opened(path: &Path) -> Result<(), JournalError> {
    let failed = |source| JournalError::Open { path: path.to_owned(), source };
    if path.exists() {
        OpenOptions::new().append(true).open(path).map_err(failed)?;
        return check(path).map(drop);
    }
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let about = std::fs::metadata(folder.unwrap_or(Path::new("."))).map_err(failed)?;
    if about.is_dir() { Ok(()) } else { Err(failed(io::ErrorKind::NotADirectory.into())) }
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

/// Checks one chain of lines that are kept elsewhere, of which the oldest may be gone.
#[derive(Debug, Default)]
pub struct Chain {
    /// The number and the hash of the line before.
    before: Option<(u64, String)>,
}

impl Chain {
    /// Is the next line new? What is wrong with it, if anything is.
    pub fn next(&mut self, text: &str) -> Result<bool, &'static str> {
        let (shape, head) = follows(text, None)?;
        if let Some((seq, before)) = &self.before {
            // Its answer was lost, and it was appended again.
            if head == *before {
                return Ok(false);
            }
            follows(text, Some(before))?;
            if shape.seq != seq + 1 {
                return Err("has another number: lines are missing or were added");
            }
        }
        self.before = Some((shape.seq, head));
        Ok(true)
    }
}

fn parse(line: &[u8], prev: &str) -> Result<(Shape, String), &'static str> {
    let text = line.strip_suffix(b"\n").ok_or("is not whole: the process ended while writing")?;
    let text = std::str::from_utf8(text).map_err(|_| "is not text")?;
    follows(text, Some(prev))
}

fn follows(text: &str, prev: Option<&str>) -> Result<(Shape, String), &'static str> {
    let (content, rest) = text.rsplit_once(BEFORE_HASH).ok_or("has no hash")?;
    let told = rest.strip_suffix("\"}").ok_or("has no hash")?;
    if hash(content) != told {
        return Err("was changed: its hash is another");
    }
    let shape: Shape = serde_json::from_str(text).map_err(|_| "is no entry")?;
    if prev.is_some_and(|prev| shape.prev != prev) {
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
            assert!(matches!(Journal::open(&path), Err(JournalError::Taken { .. })));
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
        for (order, good) in [
            (&[0, 1, 2][..], true),
            // The oldest are gone, and one was appended anew as its answer was lost.
            (&[1, 2, 2, 3], true),
            (&[0, 2], false),
            (&[1, 0], false),
        ] {
            let mut chain = Chain::default();
            let followed =
                order.iter().try_for_each(|&at| chain.next(lines[at].trim_end()).map(drop));
            assert_eq!(followed.is_ok(), good, "{order:?}");
        }
        let threefold = lines[2].replace("three", "threE");
        assert!(Chain::default().next(threefold.trim_end()).unwrap_err().contains("was changed"));
    }
}
