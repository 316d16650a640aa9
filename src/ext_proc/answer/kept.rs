//! Answers of what the provider kept: the store is asked for what is in them before they are
//! restored.

use std::str::from_utf8;

use memchr::memrchr;

use crate::body::frame::{FrameError, Framing};
use crate::body::select::Format;
use crate::mask::restore::{self, Counts};
use crate::mask::stream::Stream;
use crate::mask::table::Table;

/// A stream of which a scout reads each part first: placeholders are split over events.
pub(super) struct KeptStream {
    pub(super) stream: Stream,
    pub(super) scout: Stream,
    pub(super) sought: Table,
    /// What the scout has read.
    pub(super) held: Vec<u8>,
    end: bool,
}

impl KeptStream {
    pub(super) fn new(framing: impl Fn() -> Framing, format: Format, depth: usize) -> Self {
        let [stream, scout] = [(); 2].map(|()| Stream::framed(framing(), format, depth));
        Self { stream, scout, sought: Table::seeking(), held: Vec::new(), end: false }
    }

    pub(super) fn take(&mut self, bytes: &[u8]) -> Result<(), FrameError> {
        self.held.extend_from_slice(bytes);
        self.scout.push(bytes, &self.sought, &mut Counts::default()).map(drop)
    }

    pub(super) fn finish(&mut self) {
        drop(self.scout.finish(&self.sought, &mut Counts::default()));
        self.end = true;
    }

    /// The scout has come through with the same bytes: nothing is too long.
    pub(super) fn restore(&mut self, table: &Table, counts: &mut Counts) -> Vec<u8> {
        let held = std::mem::take(&mut self.held);
        let mut out = self.stream.push(&held, table, counts).unwrap_or_default();
        if self.end {
            out.extend(self.stream.finish(table, counts));
        }
        out
    }
}

/// An answer whose placeholders the store is asked for, line by line or whole.
pub(super) struct Kept {
    pub(super) format: Format,
    pub(super) lines: bool,
    /// A line without its end, or all that came.
    pub(super) held: Vec<u8>,
    /// Whole: to be restored.
    pub(super) ready: Vec<u8>,
}

impl Kept {
    pub(super) fn new(format: Format, lines: bool) -> Self {
        Self { format, lines, held: Vec::new(), ready: Vec::new() }
    }

    pub(super) fn take(&mut self, bytes: &[u8], end: bool) {
        self.held.extend_from_slice(bytes);
        let line = self.lines.then(|| memrchr(b'\n', &self.held)).flatten();
        let whole = if end { self.held.len() } else { line.map_or(0, |at| at + 1) };
        self.ready.extend(self.held.drain(..whole));
    }

    pub(super) fn restore(&mut self, depth: usize, table: &Table, counts: &mut Counts) -> Vec<u8> {
        let ready = std::mem::take(&mut self.ready);
        if !self.lines {
            return whole(ready, self.format, depth, table, counts);
        }
        let lines = ready.split_inclusive(|&byte| byte == b'\n');
        lines.flat_map(|line| whole(line.to_vec(), self.format, depth, table, counts)).collect()
    }
}

/// Restores a whole JSON document; what is not UTF-8 passes as it is.
pub(super) fn whole(
    bytes: Vec<u8>,
    format: Format,
    depth: usize,
    table: &Table,
    counts: &mut Counts,
) -> Vec<u8> {
    let restored = from_utf8(&bytes)
        .ok()
        .and_then(|source| restore::json(source, format, depth, table, counts));
    restored.map_or(bytes, String::into_bytes)
}
