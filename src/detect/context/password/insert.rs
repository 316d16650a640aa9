//! Passwords in rows that a statement inserts: `INSERT INTO users (name, password) VALUES ('jane',
//! 'VALUE')`.

use std::ops::Range;

use crate::detect::context::bytes::{over, part};
use crate::detect::context::password::is_kept;

/// No list of columns is longer.
const COLUMNS: usize = 512;
/// Rows are read no further, nor is one of them.
const ROWS: usize = 16 << 10;
/// Spaces and line breaks between two words.
const BETWEEN: usize = 64;
const SPACES: &[u8] = b" \t\r\n";

/// Calls `found` with what rows hold in the column whose name ends at `at`. What ends before `read`
/// was read with another column of its list.
pub(in crate::detect::context) fn values(
    text: &[u8],
    at: usize,
    read: &mut usize,
    mut found: impl FnMut(Range<usize>),
) {
    let Some((column, rows)) = list(text, at).filter(|_| at >= *read) else { return };
    let until = text.len().min(rows + ROWS);
    let mut from = rows;
    while let Some(row) = row(text, from, until) {
        if let Some(value) = row.get(column).filter(|value| is_kept(part(text, value))) {
            found(value.clone());
        }
        let Some(last) = row.last() else { break };
        let close = over(text, over(text, last.end, 4, b"\\'\""), BETWEEN, SPACES);
        let comma = over(text, close + 1, BETWEEN, SPACES);
        from = over(text, comma + 1, BETWEEN, SPACES);
        if text.get(close) != Some(&b')') || text.get(comma) != Some(&b',') {
            break;
        }
    }
    *read = from;
}

/// Which of the columns it is, and where the first row begins.
fn list(text: &[u8], at: usize) -> Option<(usize, usize)> {
    let head = text.get(at.saturating_sub(COLUMNS)..at)?;
    let open =
        head.iter().rposition(|b| b"();".contains(b)).filter(|at| head.get(*at) == Some(&b'('))?;
    let column = head.get(open..)?.iter().filter(|b| **b == b',').count();
    let rest = text.get(at..text.len().min(at + COLUMNS))?;
    let len =
        rest.iter().position(|b| b"();".contains(b)).filter(|at| rest.get(*at) == Some(&b')'))?;
    let word = over(text, at + len + 1, BETWEEN, SPACES);
    let named = text.get(word..word + b"values".len())?.eq_ignore_ascii_case(b"values");
    named.then(|| (column, over(text, word + b"values".len(), BETWEEN, SPACES)))
}

/// The values of the row that begins here, without their quotes.
fn row(text: &[u8], at: usize, until: usize) -> Option<Vec<Range<usize>>> {
    let mut at = at + 1;
    text.get(at - 1).filter(|b| **b == b'(')?;
    let mut row = Vec::new();
    loop {
        at = over(text, at, BETWEEN, SPACES);
        let rest = text.get(at..until)?;
        let quote = *rest.first()?;
        let value = match quote {
            b'\'' | b'"' => {
                let len = rest.iter().skip(1).position(|b| *b == quote || *b == b'\n')?;
                at + 1..at + 1 + len
            }
            _ => at..at + rest.iter().position(|b| b",)\n".contains(b))?,
        };
        at = over(text, value.end + usize::from(b"'\"".contains(&quote)), BETWEEN, SPACES);
        row.push(value);
        match text.get(at)? {
            b',' => at += 1,
            b')' => return Some(row),
            _ => return None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Vec<&str> {
        let at = text.find("password").unwrap() + "password".len();
        let mut all = Vec::new();
        values(text.as_bytes(), at, &mut 0, |span| all.push(text.get(span).unwrap()));
        all
    }

    #[test]
    fn passwords_in_rows() {
        for (text, expected) in [
            (
                "INSERT INTO users (id, name, password) VALUES (1, 'svc', 'Winter22!x');",
                vec!["Winter22!x"],
            ),
            (
                "insert into u (password, name)\nvalues\n  ('Winter22!x', 'a'),\n  ('Winter23!x', 'b')",
                vec!["Winter22!x", "Winter23!x"],
            ),
            ("u (name, password) VALUES ('svc', NULL), ('b', 'words')", vec![]),
            ("u (name, password) VALUES ('svc')", vec![]),
            ("u (name, password) VALUES (?, ?)", vec![]),
            ("f(name, password); VALUES ('a', 'Winter22!x')", vec![]),
            ("password) VALUES ('Winter22!x')", vec![]),
            ("(password) VALUES ('Winter22!x", vec![]),
            ("(password) VALUES", vec![]),
            ("(password", vec![]),
        ] {
            assert_eq!(found(text), expected, "{text}");
        }
    }
}
