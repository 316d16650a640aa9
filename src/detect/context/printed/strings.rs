//! The strings in a line of JSON.

use crate::detect::context::printed::cells::Cell;

/// The strings that begin in `span`, without their quotes, and whether each is a key.
pub(super) fn strings(text: &[u8], span: &Cell) -> Vec<(Cell, bool)> {
    let line = text.get(..span.end).unwrap_or(text);
    let mut all = Vec::new();
    let mut at = span.start;
    while let Some(open) = find(line, at) {
        let Some(close) = end(line, open + 1) else { break };
        let behind = line.get(close + 1..).unwrap_or_default();
        let key = behind.trim_ascii_start().first() == Some(&b':');
        all.push((open + 1..close, key));
        at = close + 1;
    }
    all
}

fn find(line: &[u8], from: usize) -> Option<usize> {
    memchr::memchr(b'"', line.get(from..)?).map(|len| from + len)
}

/// The quote that closes a string: no backslash escapes it.
fn end(line: &[u8], from: usize) -> Option<usize> {
    let mut at = from;
    loop {
        match line.get(at)? {
            b'"' => return Some(at),
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
}
