//! What `echo` and `printf` print around variables: `echo "pw: $DB_PASSWORD"`.

use crate::detect::context::printed::cells::{self, Cell};
use crate::detect::context::printed::programs;

/// A line with variables in it.
pub(super) struct Line {
    /// What stands before the first, between them, and behind the last.
    around: Vec<Vec<u8>>,
    /// Their names, of those that tell something.
    names: Vec<Vec<u8>>,
}

impl Line {
    /// Nothing but one variable.
    pub(super) fn is_bare(&self) -> bool {
        self.names.len() == 1 && self.around.iter().all(|part| part.trim_ascii().is_empty())
    }

    /// Of these names only it is known what they tell.
    pub(super) fn keep_names(&mut self, is: impl Fn(&[u8]) -> bool) {
        self.names.iter_mut().filter(|name| !is(name)).for_each(Vec::clear);
    }

    pub(super) fn telling(&self) -> impl Iterator<Item = &[u8]> {
        self.names.iter().map(Vec::as_slice).filter(|name| !name.is_empty())
    }

    /// Does a line that begins so come from nothing else?
    pub(super) fn is_telling(&self) -> bool {
        let lead = self.around.first().map(Vec::as_slice).unwrap_or_default();
        lead.iter().filter(|b| b.is_ascii_alphanumeric()).count() > 1
    }

    /// Calls `found` with the value of each variable in a line of an answer, if it is this one.
    pub(super) fn values<'l>(
        &'l self,
        text: &[u8],
        line: &Cell,
        found: &mut impl FnMut(Cell, &'l [u8]),
    ) {
        let cells = self.cells(text, line).unwrap_or_default();
        for (cell, name) in cells.into_iter().zip(&self.names) {
            if let Some(cell) = cells::bare(text, &cell) {
                found(widened(text, cell), name);
            }
        }
    }

    fn cells(&self, text: &[u8], line: &Cell) -> Option<Vec<Cell>> {
        let (first, rest) = self.around.split_first()?;
        let lead = first.trim_ascii_start();
        let mut at = cells::unnumbered(text, line).start;
        text.get(at..line.end)?.starts_with(lead).then_some(())?;
        at += lead.len();
        let mut cells = Vec::new();
        for (number, part) in rest.iter().enumerate() {
            let inner = text.get(at..line.end)?;
            let last = number + 1 == rest.len();
            let len = match last {
                true => inner.strip_suffix(part.trim_ascii_end())?.len(),
                // Where one value ends and the next begins nobody knows.
                false if part.is_empty() => return None,
                false => memchr::memmem::find(inner, part)?,
            };
            cells.push(at..at + len);
            at += len + part.len();
        }
        Some(cells)
    }

    fn add(&mut self, byte: u8) {
        if let Some(part) = self.around.last_mut() {
            part.push(byte);
        }
    }

    fn take(&mut self) -> Self {
        std::mem::replace(self, Self { around: vec![Vec::new()], names: Vec::new() })
    }
}

/// With the letters and digits that stand beside it.
fn widened(text: &[u8], cell: Cell) -> Cell {
    let word = |b: &&u8| b.is_ascii_alphanumeric();
    let head = text.get(..cell.start).unwrap_or_default();
    let tail = text.get(cell.end..).unwrap_or_default();
    let (glued, ends) = (
        text.get(cell.start).is_some_and(|b| word(&b)),
        text.get(cell.clone()).and_then(<[u8]>::last).is_some_and(|b| word(&b)),
    );
    let before = if glued { head.iter().rev().take_while(word).count() } else { 0 };
    let behind = if ends { tail.iter().take_while(word).count() } else { 0 };
    cell.start - before..cell.end + behind
}

/// The lines that these words print in which variables stand.
pub(super) fn lines(said: &[u8]) -> Vec<Line> {
    let mut all = Vec::new();
    let mut line = Line { around: vec![Vec::new()], names: Vec::new() };
    let mut rest = said;
    while let [first, behind @ ..] = rest {
        rest = behind;
        match (first, behind) {
            (b'$', _) => {
                let (name, behind) = programs::variable(behind);
                line.names.push(name.to_vec());
                line.around.push(Vec::new());
                rest = behind;
            }
            (b'\n', _) => all.push(line.take()),
            (b'\\', [b'n' | b'r', behind @ ..]) => {
                all.push(line.take());
                rest = behind;
            }
            (b'\\', [b't', behind @ ..]) => {
                line.add(b'\t');
                rest = behind;
            }
            (byte, _) => line.add(*byte),
        }
    }
    all.push(line);
    all.retain(|line| line.telling().next().is_some());
    all
}
