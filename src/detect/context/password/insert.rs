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
const VALUES: &[u8] = b"values";

/// Calls `found` with what rows hold in the column whose name ends at `at`. Of what ends before
/// `read` it is known: each byte is read once.
pub(in crate::detect::context) fn values(
    text: &[u8],
    at: usize,
    read: &mut usize,
    mut found: impl FnMut(Range<usize>),
) {
    if at < *read {
        return;
    }
    let Some((column, rows)) = list(text, at, read) else { return };
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
fn list(text: &[u8], at: usize, read: &mut usize) -> Option<(usize, usize)> {
    let of_list = |b: &&u8| b.is_ascii_alphanumeric() || b"_,`\"\\ \t\r\n".contains(b);
    // Behind most names something else stands.
    let rest = text.get(at..text.len().min(at + COLUMNS))?;
    let len = rest.iter().take_while(of_list).count();
    let word = over(text, at + len + 1, BETWEEN, SPACES);
    let named = text.get(word..word + VALUES.len());
    let named = named.is_some_and(|word| word.eq_ignore_ascii_case(VALUES));
    if rest.get(len) != Some(&b')') || !named {
        *read = at + len;
        return None;
    }
    let head = text.get(at.saturating_sub(COLUMNS)..at)?;
    let len = head.iter().rev().take_while(of_list).count();
    let (before, columns) = head.split_at(head.len() - len);
    let column = columns.iter().filter(|b| **b == b',').count();
    before.ends_with(b"(").then(|| (column, over(text, word + VALUES.len(), BETWEEN, SPACES)))
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
