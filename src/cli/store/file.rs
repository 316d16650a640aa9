//! The file of an export: JSON lines, sealed values in base64.
//!
//! ```text
//! {"masker":"export","version":1,"run":"…"}           of which servers
//! {"key":"m1:…","value":"…","left":604800000}         milliseconds; null: it never ends
//! {"server":0,"cursor":42}                            so far all is written
//! {"end":true}
//! ```

use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, BufReader, BufWriter, Seek, SeekFrom, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::store::bulk::{Place, Row};

const VERSION: u32 = 1;
/// So many rows are stored in one step.
const STEP: usize = 500;

#[derive(Debug, Error)]
pub(in crate::cli) enum FileError {
    #[error("cannot make {0}; it must not exist yet, or goes on with --resume")]
    Create(PathBuf, #[source] io::Error),
    #[error("cannot read {0}")]
    Read(PathBuf, #[source] io::Error),
    #[error("cannot write {0}; what is missing comes with --resume")]
    Write(PathBuf, #[source] io::Error),
    #[error("{0}, line {1}: not what this version of `masker store export` writes")]
    Line(PathBuf, u64),
    #[error("{0} is of other servers, or of before a restart: export to another file")]
    Other(PathBuf),
    #[error("{0} is finished: there is nothing to resume")]
    Finished(PathBuf),
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(untagged, deny_unknown_fields)]
enum Line {
    Head { masker: String, version: u32, run: String },
    Row { key: String, value: String, left: Option<u64> },
    Place { server: usize, cursor: u64 },
    End { end: bool },
}

impl Line {
    fn row(row: &Row) -> Self {
        let left = row.left.map(|left| u64::try_from(left.as_millis()).unwrap_or(u64::MAX));
        Self::Row { key: row.key.clone(), value: STANDARD.encode(&row.sealed), left }
    }
}

/// A file that is read line by line.
struct Lines {
    path: PathBuf,
    reader: BufReader<File>,
    line: u64,
}

impl Lines {
    fn open(path: &Path) -> Result<(Self, String), FileError> {
        let file = File::open(path).map_err(|error| FileError::Read(path.to_owned(), error))?;
        let mut lines = Self { path: path.to_owned(), reader: BufReader::new(file), line: 0 };
        match lines.next()? {
            Some((Line::Head { masker, version: VERSION, run }, _)) if masker == "export" => {
                Ok((lines, run))
            }
            _ => Err(FileError::Line(path.to_owned(), 1)),
        }
    }

    /// None: there is no other whole line.
    fn next(&mut self) -> Result<Option<(Line, usize)>, FileError> {
        let mut text = Vec::new();
        let read = self.reader.read_until(b'\n', &mut text);
        let length = read.map_err(|error| FileError::Read(self.path.clone(), error))?;
        if text.last() != Some(&b'\n') {
            return Ok(None);
        }
        self.line += 1;
        let line = serde_json::from_slice(&text);
        let line = line.map_err(|_| FileError::Line(self.path.clone(), self.line))?;
        Ok(Some((line, length)))
    }
}

pub(super) struct Export {
    path: PathBuf,
    file: BufWriter<File>,
    rows: u64,
}

impl Export {
    pub(super) fn create(path: &Path, run: &str) -> Result<Self, FileError> {
        let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
        let file = file.map_err(|error| FileError::Create(path.to_owned(), error))?;
        let mut export = Self { path: path.to_owned(), file: BufWriter::new(file), rows: 0 };
        let head =
            Line::Head { masker: "export".to_owned(), version: VERSION, run: run.to_owned() };
        export.lines([head])?;
        Ok(export)
    }

    /// Forgets what was written after the last place, and goes on from there.
    pub(super) fn resume(path: &Path, run: &str) -> Result<(Self, Option<Place>), FileError> {
        let (mut lines, own) = Lines::open(path)?;
        if own != run {
            return Err(FileError::Other(path.to_owned()));
        }
        let position = lines.reader.stream_position();
        let mut at = position.map_err(|error| FileError::Read(path.to_owned(), error))?;
        let (mut place, mut rows) = (Place::default(), 0);
        let (mut kept, mut kept_rows) = (at, 0);
        while let Some((line, length)) = lines.next()? {
            at = at.saturating_add(u64::try_from(length).unwrap_or(u64::MAX));
            match line {
                Line::Row { .. } => rows += 1,
                Line::Place { server, cursor } => {
                    place = Place { server, cursor };
                    (kept, kept_rows) = (at, rows);
                }
                Line::End { .. } => return Err(FileError::Finished(path.to_owned())),
                Line::Head { .. } => return Err(FileError::Line(path.to_owned(), lines.line)),
            }
        }
        let cut = || {
            let mut file = OpenOptions::new().write(true).open(path)?;
            file.set_len(kept)?;
            file.seek(SeekFrom::End(0))?;
            Ok(file)
        };
        let file = cut().map_err(|error| FileError::Write(path.to_owned(), error))?;
        let file = BufWriter::new(file);
        Ok((Self { path: path.to_owned(), file, rows: kept_rows }, Some(place)))
    }

    /// Rows, and where to go on after them.
    pub(super) fn write(&mut self, rows: &[Row], next: Option<Place>) -> Result<(), FileError> {
        let place = next.map(|Place { server, cursor }| Line::Place { server, cursor });
        self.lines(rows.iter().map(Line::row).chain(place))?;
        self.rows = self.rows.saturating_add(u64::try_from(rows.len()).unwrap_or(u64::MAX));
        Ok(())
    }

    /// Says how many rows the file holds.
    pub(super) fn end(mut self) -> Result<u64, FileError> {
        self.lines([Line::End { end: true }])?;
        let synced = self.file.get_ref().sync_all();
        synced.map_err(|error| FileError::Write(self.path.clone(), error))?;
        Ok(self.rows)
    }

    fn lines(&mut self, lines: impl IntoIterator<Item = Line>) -> Result<(), FileError> {
        let write = || {
            for line in lines {
                serde_json::to_writer(&mut self.file, &line)?;
                self.file.write_all(b"\n")?;
            }
            self.file.flush()
        };
        write().map_err(|error| FileError::Write(self.path.clone(), error))
    }
}

pub(super) struct Import {
    lines: Lines,
    whole: bool,
}

impl Import {
    pub(super) fn open(path: &Path) -> Result<Self, FileError> {
        Ok(Self { lines: Lines::open(path)?.0, whole: false })
    }

    /// About how many rows there are. Reads the whole file, so that one that is damaged is
    /// refused before anything of it is stored.
    pub(super) fn rows(&self) -> Result<u64, FileError> {
        let mut all = Self::open(&self.lines.path)?;
        let mut count = 0_u64;
        loop {
            let rows = all.next()?.len();
            if rows == 0 {
                return Ok(count);
            }
            count = count.saturating_add(u64::try_from(rows).unwrap_or(u64::MAX));
        }
    }

    /// The next rows; none at the end.
    pub(super) fn next(&mut self) -> Result<Vec<Row>, FileError> {
        let mut rows = Vec::new();
        while rows.len() < STEP
            && let Some((line, _)) = self.lines.next()?
        {
            let wrong = || FileError::Line(self.lines.path.clone(), self.lines.line);
            match line {
                Line::Row { key, value, left } => {
                    let sealed = STANDARD.decode(value).map_err(|_| wrong())?;
                    let row = Row { key, sealed, left: left.map(Duration::from_millis) };
                    rows.push(row.own().map(|_| row).ok_or_else(wrong)?);
                }
                Line::End { .. } => self.whole = true,
                Line::Place { .. } => {}
                Line::Head { .. } => return Err(wrong()),
            }
        }
        Ok(rows)
    }

    /// Did the export come to its end?
    pub(super) const fn is_whole(&self) -> bool {
        self.whole
    }
}
