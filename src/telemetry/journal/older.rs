//! The files that an audit log has filled: beside it, each named after the latest time in it.
//!
//! Their order is that of the numbers of their lines, and none is deleted by its name alone:
//! the clock of one start, or of several, may have been wrong.

use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use crate::telemetry::journal::JournalError;
use crate::telemetry::utc;

/// A file covers a part of the time for which lines are kept.
const PARTS: u32 = 12;
/// So many later files must stand beside one that is deleted: a wrong clock makes one at most.
const WITNESSES: usize = 6;
/// The first number of a file stands within so many bytes.
const NUMBERED: u64 = 32;
/// Where a file cannot be renamed.
const AGAIN: Duration = Duration::from_secs(60 * 60);
/// A time in a name: `20261122T101530.123Z`.
const STAMP: &[u8] = b"ddddddddTdddddd.dddZ";

/// Where the files are, and how long.
#[derive(Clone, Debug)]
pub(super) struct Older {
    path: PathBuf,
    keep: Duration,
}

/// The older files of an audit log, in their order.
pub(super) fn all(path: &Path) -> Result<Vec<PathBuf>, JournalError> {
    let failed = |source| JournalError::Read { path: path.to_owned(), source };
    let Some(name) = path.file_name().map(|name| name.as_encoded_bytes()) else {
        return Ok(Vec::new());
    };
    let entries = match fs::read_dir(folder(path)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.map_err(failed)?,
    };
    let mut all = Vec::new();
    for entry in entries {
        let entry = entry.map_err(failed)?.file_name();
        let stamp = entry.as_encoded_bytes().strip_prefix(name);
        if stamp.and_then(|stamp| stamp.strip_prefix(b".")).is_some_and(is_stamp) {
            all.push(path.with_file_name(entry));
        }
    }
    all.sort_by_cached_key(|path| (first_number(path), path.clone()));
    Ok(all)
}

/// The number of a file's first line; none where there is no such line.
fn first_number(path: &Path) -> Option<u64> {
    let mut text = String::new();
    fs::File::open(path).ok()?.take(NUMBERED).read_to_string(&mut text).ok()?;
    text.strip_prefix("{\"seq\":")?.split_once(',')?.0.parse().ok()
}

fn is_stamp(text: &[u8]) -> bool {
    let fits = |(own, form): (&u8, &u8)| own == form || (*form == b'd' && own.is_ascii_digit());
    text.len() == STAMP.len() && text.iter().zip(STAMP).all(fits)
}

/// The folder of a file.
fn folder(path: &Path) -> &Path {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    folder.unwrap_or(Path::new("."))
}

/// A time as names have it: they sort like times.
fn stamp(time: &str) -> String {
    time.chars().filter(|c| !matches!(c, '-' | ':')).collect()
}

/// So long before, as RFC 3339 writes it.
fn before(now: SystemTime, time: Duration) -> String {
    utc::rfc3339(now.checked_sub(time).unwrap_or(SystemTime::UNIX_EPOCH))
}

impl Older {
    pub(super) fn new(path: &Path, keep: Duration) -> Self {
        Self { path: path.to_owned(), keep }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// A file that began before this is full.
    pub(super) fn turns(&self, now: SystemTime) -> String {
        before(now, self.keep / PARTS)
    }

    /// When renaming that failed is tried again.
    pub(super) fn tries_again(&self, now: SystemTime) -> String {
        utc::rfc3339(now + AGAIN.min(self.keep / PARTS))
    }

    /// Renames the full file, whose latest line has this time. Gives its name.
    pub(super) fn put_aside(&self, latest: &str) -> Result<PathBuf, JournalError> {
        let failed = |source| JournalError::Open { path: self.path.clone(), source };
        let mut name = self.path.file_name().unwrap_or_default().to_owned();
        name.push(format!(".{}", stamp(latest)));
        let to = self.path.with_file_name(&name);
        if to.exists() {
            return Err(failed(io::ErrorKind::AlreadyExists.into()));
        }
        fs::rename(&self.path, &to).map_err(failed)?;
        // The new name is on the disk before the next line is.
        fs::File::open(folder(&self.path)).and_then(|dir| dir.sync_all()).map_err(failed)?;
        Ok(name.into())
    }

    /// Gives the file its name back.
    pub(super) fn put_back(&self, name: &Path) {
        if let Err(error) = fs::rename(self.path.with_file_name(name), &self.path) {
            tracing::error!(%error, "the audit log has another name now");
        }
    }

    /// Deletes the files whose latest line is too old, by the clock and by the files behind them.
    pub(super) fn expire(&self, now: SystemTime) {
        let oldest = format!(".{}", stamp(&before(now, self.keep)));
        let is_old = |path: &PathBuf| {
            let name = path.to_string_lossy();
            let stamp = name.len().checked_sub(oldest.len()).and_then(|at| name.get(at..));
            stamp.is_some_and(|stamp| stamp < oldest.as_str())
        };
        let all = all(&self.path).unwrap_or_default();
        let witnessed = all.len().saturating_sub(WITNESSES);
        for path in all.iter().take(witnessed).filter(|path| is_old(path)) {
            match fs::remove_file(path) {
                Ok(()) => tracing::info!(path = %path.display(), "an old audit log was deleted"),
                Err(error) => {
                    tracing::error!(%error, path = %path.display(), "an old audit log stays");
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_own_files_are_older_ones() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("audit.log");
        assert_eq!(all(&path).unwrap(), Vec::<PathBuf>::new());
        for name in [
            "audit.log",
            "audit.log.20261122T101530.123Z",
            "audit.log.20251122T101530.123Z",
            "audit.log.1",
            "audit.log.20261122T101530.123Z.gz",
            "audit.log.2026x122T101530.123Z",
            "other.log.20261122T101530.123Z",
        ] {
            fs::write(dir.path().join(name), "").unwrap();
        }
        let name = |year| dir.path().join(format!("audit.log.{year}1122T101530.123Z"));
        assert_eq!(all(&path).unwrap(), [name(2025), name(2026)]);
        assert_eq!(all(&dir.path().join("no/audit.log")).unwrap(), Vec::<PathBuf>::new());
        // The numbers of their lines say which came first, whatever the clock said.
        fs::write(name(2025), "{\"seq\":9,\"time\":").unwrap();
        fs::write(name(2026), "{\"seq\":8,\"time\":").unwrap();
        assert_eq!(all(&path).unwrap(), [name(2026), name(2025)]);
    }

    #[test]
    fn what_is_old_goes_when_enough_stands_behind_it() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("audit.log");
        let name = |year: u64| dir.path().join(format!("audit.log.{year}1122T101530.123Z"));
        let write = |year| fs::write(name(year), format!("{{\"seq\":{year},")).unwrap();
        (2020..=2026).for_each(write);
        fs::write(dir.path().join("audit.log.1"), "").unwrap();
        let older = Older::new(&path, Duration::from_secs(365 * 86_400));
        let day = |days: u64| SystemTime::UNIX_EPOCH + Duration::from_secs(days * 86_400);
        older.expire(day(27_000));
        assert_eq!(all(&path).unwrap().len(), 6, "only the first has six behind it");
        assert!(!name(2020).exists());
    }
}
