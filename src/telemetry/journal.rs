//! The audit log as a file: lines of JSON, each with the hash of the one before,
//! so that nothing can be changed or taken out in the middle unnoticed.
//!
//! The same lines can be handed on, to be kept elsewhere too; a process that has no file
//! begins a chain of its own with each start.
//!
//! A file that covers a twelfth of the time for which lines are kept is renamed, with the latest
//! time in it behind its name; the next one begins with a line that goes on with its chain.
//! Files whose latest line is too old are deleted, if six later ones stand beside them: a clock
//! that is wrong once fills one file, and deletes nothing.
//!
//! What could not be written whole is cut off: on a full disk at once, and when a process ended
//! meanwhile, by the next one. How many entries are missing says the next that can be written.
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
use std::time::Duration;
use std::time::SystemTime;

use prometheus_client::metrics::counter::Counter;
use serde::Serialize;
use thiserror::Error;
use tokio::sync::mpsc;

use crate::telemetry::journal::chain::{BEFORE_HASH, TORN, hash, parse};
use crate::telemetry::journal::older::Older;
use crate::telemetry::utc;

mod chain;
mod older;

pub use chain::Chain;

/// No line is longer.
const LONGEST: u64 = 16 * 1024;
/// How a file begins whose chain began in an older one.
const ROTATE: &str = "rotate";
/// What says that entries before it are missing.
const LOST: &str = "lost";
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
    #[error("line {line} of the audit log {} {what}; move the file away to begin a new one", path.display())]
    Broken { path: PathBuf, line: u64, what: &'static str },
}

impl JournalError {
    /// Does the newest file end in the middle of a line?
    fn is_torn(&self, newest: &Path) -> bool {
        matches!(self, Self::Broken { path, what, .. } if path == newest && *what == TORN)
    }
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
    time: &'a str,
    #[serde(flatten)]
    entry: &'a Entry<'a>,
    prev: &'a str,
}

/// What a whole journal comes to, with its older files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checked {
    pub entries: u64,
    pub files: u64,
    /// The number of the last line: with it, those count that are not kept any more.
    pub seq: u64,
    pub first: String,
    pub last: String,
    /// The hash of the last line.
    pub head: String,
    /// The earliest and the latest time in the newest file, if it holds a line. Its lines are in
    /// the order in which they were written, which a wrong clock does not know.
    begun: String,
    latest: String,
}

impl Checked {
    /// What holds no line yet.
    fn begin(&mut self) {
        self.begun.clear();
        self.latest.clear();
    }

    /// One more line, of this time.
    fn at(&mut self, time: &str) {
        if self.begun.is_empty() || *time < *self.begun {
            time.clone_into(&mut self.begun);
        }
        if *time > *self.latest {
            time.clone_into(&mut self.latest);
        }
        time.clone_into(&mut self.last);
    }
}

impl Default for Checked {
    fn default() -> Self {
        let (entries, files, seq, first, last, begun, latest) = Default::default();
        Self { entries, files, seq, first, last, head: "0".repeat(64), begun, latest }
    }
}

/// Cloning shares the file. Without one, and nobody to hand lines on to, nothing is kept.
#[derive(Clone, Debug, Default)]
pub struct Journal(Option<Arc<Mutex<Open>>>);

#[derive(Debug, Default)]
struct Open {
    file: Option<File>,
    /// Where the file stands, with older ones beside it.
    older: Option<Older>,
    /// Renaming failed: until then it is not tried again.
    later: String,
    copy: Option<Copied>,
    checked: Checked,
    /// Entries that could not be written since the last that was, and all of them.
    lost: u64,
    counted: Counter,
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
    /// none. Lines are kept for `keep`, and up to a twelfth of it longer.
    pub fn open(path: &Path, keep: Duration) -> Result<Self, JournalError> {
        let file = own(path, OpenOptions::new().create(true))?;
        let older = Older::new(path, keep);
        let now = SystemTime::now();
        older.expire(now);
        let checked = match check(path) {
            Err(error) if error.is_torn(path) => {
                cut_off(path, &file)?;
                check(path)?
            }
            checked => checked?,
        };
        if checked.latest > utc::rfc3339(now) {
            tracing::warn!(
                latest = checked.latest,
                "the clock stands before a line of the audit log: one of them is wrong"
            );
        }
        let open = Open { file: Some(file), older: Some(older), checked, ..Open::default() };
        Ok(Self(Some(Arc::new(Mutex::new(open)))))
    }

    /// Counts what cannot be written.
    #[must_use]
    pub fn counted(self, lost: Counter) -> Self {
        if let Some(open) = &self.0 {
            open.lock().unwrap_or_else(PoisonError::into_inner).counted = lost;
        }
        self
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
        if let Err(error) = open.write(entry, SystemTime::now()) {
            open.lost += 1;
            open.counted.inc();
            tracing::error!(%error, action = entry.action, "the audit log cannot be written");
        }
    }
}

/// Cuts off the last line, which has no end.
fn cut_off(path: &Path, file: &File) -> Result<(), JournalError> {
    let failed = |source| JournalError::Open { path: path.to_owned(), source };
    let text = std::fs::read(path).map_err(failed)?;
    let whole = memchr::memrchr(b'\n', &text).map_or(0, |end| end + 1);
    tracing::warn!(path = %path.display(), "the last line of the audit log has no end: it is cut off");
    file.set_len(u64::try_from(whole).unwrap_or(u64::MAX)).map_err(failed)
}

/// Opens a file for one masker alone.
fn own(path: &Path, options: &mut OpenOptions) -> Result<File, JournalError> {
    let file = options.append(true).mode(0o600).open(path);
    let file = file.map_err(|source| JournalError::Open { path: path.to_owned(), source })?;
    match file.try_lock() {
        Err(TryLockError::WouldBlock) => Err(JournalError::Taken { path: path.to_owned() }),
        // Some file systems have no locks.
        Err(TryLockError::Error(_)) | Ok(()) => Ok(file),
    }
}

impl Open {
    fn write(&mut self, entry: &Entry<'_>, now: SystemTime) -> io::Result<()> {
        if let Some(older) = self.older.clone() {
            let begun = &self.checked.begun;
            let full = !begun.is_empty() && *begun < older.turns(now);
            if full && self.later < utc::rfc3339(now) {
                if let Err(error) = self.turn(&older) {
                    self.later = older.tries_again(now);
                    tracing::error!(%error, "the audit log cannot be renamed, and goes on");
                }
                older.expire(now);
            }
            if self.checked.begun.is_empty() && self.checked.seq > 0 {
                let detail = format!("goes on behind line {}", self.checked.seq);
                let detail = detail.as_str();
                self.append(
                    &Entry { action: ROTATE, who: "masker", detail, ..Entry::default() },
                    now,
                )?;
            }
        }
        if self.lost > 0 {
            let detail = format!("{} entries could not be written", self.lost);
            let detail = detail.as_str();
            self.append(&Entry { action: LOST, who: "masker", detail, ..Entry::default() }, now)?;
            self.lost = 0;
        }
        self.append(entry, now)
    }

    /// Begins a new file.
    fn turn(&mut self, older: &Older) -> Result<(), JournalError> {
        let name = older.put_aside(&self.checked.latest)?;
        let file = own(older.path(), OpenOptions::new().create_new(true));
        self.file = Some(file.inspect_err(|_| older.put_back(&name))?);
        self.checked.begin();
        Ok(())
    }

    fn append(&mut self, entry: &Entry<'_>, now: SystemTime) -> io::Result<()> {
        let (seq, time) = (self.checked.seq + 1, utc::rfc3339(now));
        let line = Written { seq, time: &time, entry, prev: &self.checked.head };
        let line = serde_json::to_string(&line)?;
        let content = line.strip_suffix('}').unwrap_or(&line);
        let hash = hash(content);
        let text = format!("{content}{BEFORE_HASH}{hash}\"}}");
        if let Some(file) = &mut self.file {
            let whole = file.metadata()?.len();
            let written = file.write_all(format!("{text}\n").as_bytes());
            // What is there of a line must not be the beginning of the next.
            written.and_then(|()| file.sync_data()).or_else(|error| {
                file.set_len(whole)?;
                Err(error)
            })?;
        }
        if let Some(Copied { chain, lines, dropped }) = &self.copy
            && lines.try_send(Line { chain: Arc::clone(chain), text }).is_err()
        {
            dropped.inc();
            tracing::error!(action = entry.action, "the audit stream has no place: a line is lost");
        }
        tracing::info!(target: "masker::audit", seq, hash, "kept");
        (self.checked.seq, self.checked.head) = (seq, hash);
        self.checked.at(&time);
        Ok(())
    }
}

/// Could a journal be opened here? Nothing is made.
pub fn can_be_opened(path: &Path) -> Result<(), JournalError> {
    let failed = |source| JournalError::Open { path: path.to_owned(), source };
    if path.exists() {
        OpenOptions::new().append(true).open(path).map_err(failed)?;
        let checked = check(path).map(drop);
        return checked.or_else(|error| if error.is_torn(path) { Ok(()) } else { Err(error) });
    }
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let about = std::fs::metadata(folder.unwrap_or(Path::new("."))).map_err(failed)?;
    if about.is_dir() { Ok(()) } else { Err(failed(io::ErrorKind::NotADirectory.into())) }
}

/// Reads a whole journal, its older files first, and checks each line.
pub fn check(path: &Path) -> Result<Checked, JournalError> {
    let mut checked = Checked::default();
    let older = older::all(path)?;
    for path in &older {
        read(path, &mut checked)?;
    }
    // The process may have ended before it began the next one.
    if older.is_empty() || path.exists() {
        read(path, &mut checked)?;
    } else {
        checked.begin();
    }
    Ok(checked)
}

/// Reads one file, which goes on with what was read.
fn read(path: &Path, checked: &mut Checked) -> Result<(), JournalError> {
    let failed = |source| JournalError::Read { path: path.to_owned(), source };
    let mut reader = BufReader::new(File::open(path).map_err(failed)?);
    checked.begin();
    checked.files += 1;
    let mut bytes = Vec::new();
    for line in 1.. {
        bytes.clear();
        let read = io::Read::take(&mut reader, LONGEST).read_until(b'\n', &mut bytes);
        if read.map_err(failed)? == 0 {
            break;
        }
        let broken = |what| JournalError::Broken { path: path.to_owned(), line, what };
        let first = checked.seq == 0;
        let goes_on = || parse(&bytes, None).is_ok_and(|(shape, _)| shape.action == ROTATE);
        let prev = if first && goes_on() { None } else { Some(checked.head.as_str()) };
        let (shape, head) = parse(&bytes, prev).map_err(broken)?;
        if prev.is_some() && shape.seq != checked.seq + 1 {
            return Err(broken("has another number: lines are missing or were added"));
        }
        if checked.first.is_empty() {
            checked.first.clone_from(&shape.time);
        }
        checked.at(&shape.time);
        checked.entries += 1;
        (checked.seq, checked.head) = (shape.seq, head);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    const DAY: Duration = Duration::from_secs(86_400);
    const YEAR: Duration = Duration::from_secs(365 * 86_400);

    fn entry(reason: &str) -> Entry<'_> {
        Entry { action: "SetMode", who: "127.0.0.1:9", outcome: "ok", reason, ..Entry::default() }
    }

    #[test]
    fn a_journal_goes_on_and_any_change_shows() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("audit");
        let nasty = "a \"hash\":\"0\"} line,\"hash\":\"x\"}\n{ and <b>";
        for reasons in [["one", nasty], ["three", "four"]] {
            let journal = Journal::open(&path, YEAR).unwrap();
            reasons.iter().for_each(|reason| journal.write(&entry(reason)));
            assert!(matches!(Journal::open(&path, YEAR), Err(JournalError::Taken { .. })));
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
            (text.trim_end().to_owned(), 4, TORN),
            (format!("{text}\n"), 5, "has no hash"),
        ] {
            fs::write(&path, changed).unwrap();
            let error = check(&path).unwrap_err().to_string();
            assert!(error.contains(&format!("line {line} ")) && error.contains(what), "{error}");
            // What has no end was not written whole: it is cut off.
            let torn = what == TORN;
            assert_eq!(can_be_opened(&path).is_ok(), torn, "{error}");
            assert_eq!(Journal::open(&path, YEAR).is_ok(), torn, "{error}");
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

    #[test]
    fn a_torn_line_is_cut_off_and_lost_entries_are_told() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("audit");
        Journal::open(&path, YEAR).unwrap().write(&entry("one"));
        let whole = fs::read_to_string(&path).unwrap();
        fs::write(&path, format!("{whole}{{\"seq\":2,\"ti")).unwrap();
        let counter = Counter::default();
        let journal = Journal::open(&path, YEAR).unwrap().counted(counter.clone());
        assert_eq!(fs::read_to_string(&path).unwrap(), whole);
        // A file that cannot be written.
        let open = journal.0.as_ref().unwrap();
        let good = open.lock().unwrap().file.replace(File::open(&path).unwrap());
        (0..3).for_each(|_| journal.write(&entry("two")));
        assert_eq!(counter.get(), 3);
        open.lock().unwrap().file = good;
        journal.write(&entry("three"));
        journal.write(&entry("four"));
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.contains("3 entries could not be written") && !text.contains("two"), "{text}");
        assert_eq!(check(&path).unwrap().entries, 4, "{text}");
    }

    /// A journal to which somebody writes each ten days, from the first day to the last.
    fn written(path: &Path, days: std::ops::Range<u32>) -> Vec<String> {
        let journal = Journal::open(path, YEAR).unwrap();
        let open = journal.0.as_ref().unwrap();
        for day in days.step_by(10) {
            let now = SystemTime::now() + DAY * day;
            open.lock().unwrap().write(&entry(&format!("day {day}")), now).unwrap();
        }
        let files = older::all(path).unwrap();
        files.iter().map(|file| fs::read_to_string(file).unwrap()).collect()
    }

    #[test]
    fn a_full_file_is_put_aside_and_goes_when_it_is_too_old() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("audit");
        let first = written(&path, 0..301);
        // Of 31 entries in ten months, and a line with which each new file begins.
        assert_eq!(first.len(), 7);
        let checked = check(&path).unwrap();
        assert_eq!((checked.entries, checked.files, checked.seq), (38, 8, 38));
        assert!(first.iter().all(|text| text.lines().count() <= 6), "a month each");
        // The same chain, in the file that is written now, and by another process.
        let more = written(&path, 310..1001);
        let checked = check(&path).unwrap();
        assert!(checked.files <= 14 && checked.seq > 115, "{checked:?}");
        assert_eq!(checked.entries + u64::try_from(gone(&more)).unwrap(), checked.seq);
        assert!(!more.iter().any(|text| text.contains("day 600\"")), "more than a year old");
        assert!(more.iter().any(|text| text.contains("day 660\"")), "less than one");
        let whole = fs::read_to_string(&path).unwrap();
        assert!(whole.contains("day 1000") && whole.contains("\"rotate\""), "{whole}");
        // A file that is missing in the middle shows, and one that was cut.
        let files = older::all(&path).unwrap();
        let text = fs::read_to_string(&files[3]).unwrap();
        fs::remove_file(&files[3]).unwrap();
        let error = check(&path).unwrap_err().to_string();
        assert!(error.contains("line 1 ") && error.contains("does not follow"), "{error}");
        fs::write(&files[3], text).unwrap();
        check(&path).unwrap();
        let text = fs::read_to_string(&files[0]).unwrap();
        fs::write(&files[0], text.split_once('\n').unwrap().1).unwrap();
        assert!(check(&path).unwrap_err().to_string().contains("does not follow"));
    }

    /// The number of the first line that is kept, without it.
    fn gone(files: &[String]) -> usize {
        let (_, first) = files[0].split_once("{\"seq\":").unwrap();
        first.split_once(',').unwrap().0.parse::<usize>().unwrap() - 1
    }

    #[test]
    fn a_wrong_clock_deletes_nothing_and_breaks_no_chain() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("audit");
        // A year and a half ago, now, and what a start with another clock says.
        let begin = |days| {
            let journal = Journal::open(&path, YEAR).unwrap();
            let now = SystemTime::UNIX_EPOCH + DAY * days;
            journal.0.as_ref().unwrap().lock().unwrap().write(&entry("a start"), now).unwrap();
        };
        for day in [20_000, 20_060, 20_120, 27_000, 20_130, 20_131, 0, 20_170, 20_210] {
            begin(day);
            let kept = check(&path).unwrap();
            assert_eq!(kept.entries, kept.seq, "day {day}: nothing is missing");
            let files = older::all(&path).unwrap().len();
            Older::new(&path, YEAR).expire(SystemTime::UNIX_EPOCH + DAY * 27_000);
            assert_eq!(older::all(&path).unwrap().len(), files, "day {day}");
        }
        assert!(older::all(&path).unwrap().len() <= 6);
    }

    #[test]
    fn a_chain_goes_on_where_the_process_ended_between_two_files() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("audit");
        written(&path, 0..1);
        for exists in [false, true] {
            let last = check(&path).unwrap().last;
            Older::new(&path, YEAR).put_aside(&last).unwrap();
            if exists {
                fs::write(&path, "").unwrap();
            }
            let before = check(&path).unwrap();
            let journal = Journal::open(&path, YEAR).unwrap();
            journal.write(&entry("again"));
            let after = check(&path).unwrap();
            assert_eq!((after.entries, after.seq), (before.entries + 2, before.seq + 2));
            assert!(fs::read_to_string(&path).unwrap().contains("\"rotate\""));
        }
    }

    #[test]
    fn a_file_that_cannot_be_renamed_goes_on() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("audit");
        let journal = Journal::open(&path, YEAR).unwrap();
        let open = journal.0.as_ref().unwrap();
        let now = SystemTime::now();
        let write = |days| open.lock().unwrap().write(&entry("x"), now + DAY * days).unwrap();
        write(0);
        // Its name is taken.
        let last = open.lock().unwrap().checked.last.clone();
        let taken = Older::new(&path, YEAR).put_aside(&last).unwrap();
        fs::copy(path.with_file_name(&taken), &path).unwrap();
        write(40);
        let text = fs::read_to_string(path.with_file_name(&taken)).unwrap();
        assert_eq!(text.lines().count(), 2, "it goes on where it was: {text}");
    }
}
