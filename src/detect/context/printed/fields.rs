//! The fields of a secret in JSON, which may stand in a string itself: `{"stripe": "…"}`.

use memchr::memmem;

use crate::detect::context::names::plain;
use crate::detect::context::printed::cells::Cell;

/// What secrets hold that is none, in small letters.
const OPEN: [&[u8]; 18] = [
    b"username",
    b"user",
    b"host",
    b"hostname",
    b"port",
    b"engine",
    b"dbname",
    b"database",
    b"dbinstanceidentifier",
    b"dbclusteridentifier",
    b"masterarn",
    b"region",
    b"arn",
    b"name",
    b"versionid",
    b"createddate",
    b"versionstages",
    b"endpoint",
];

/// Is this a field that holds no secret?
pub(super) fn is_open(name: &[u8]) -> bool {
    OPEN.contains(&plain(name).as_slice())
}

/// Calls `found` with the strings of an object, or with the values of lines `NAME=VALUE`, if a
/// text is nothing else, and whether each is a secret for certain. Is it such lines?
pub(super) fn each(text: &[u8], found: &mut impl FnMut(Cell, bool)) -> bool {
    let inner = text.trim_ascii_start();
    let inner = inner.strip_prefix(b"\"").unwrap_or(inner);
    if !inner.starts_with(b"{") {
        return lines(text, found);
    }
    let quote: &[u8] = if inner.starts_with(b"{\\") { b"\\\"" } else { b"\"" };
    let quotes: Vec<_> = memmem::find_iter(text, quote).collect();
    let behind = |at: usize| at + quote.len();
    // The quotes around a key, and those around its value.
    for four in quotes.windows(4) {
        let [open, close, opens, closes] = *four else { continue };
        let (key, value) = (text.get(behind(open)..close), behind(opens)..closes);
        let sign = text.get(behind(close)..opens).is_some_and(|sign| sign.trim_ascii() == b":");
        if sign && key.is_some_and(|key| !is_open(key)) {
            found(value, false);
        }
    }
    false
}

/// `NAME=VALUE` and `NAME: VALUE`, if each line is one.
fn lines(text: &[u8], found: &mut impl FnMut(Cell, bool)) -> bool {
    let of_name = |b: &&u8| b.is_ascii_alphanumeric() || b"_.-".contains(b);
    let (mut all, mut at, mut key) = (Vec::new(), 0, false);
    for line in text.split_inclusive(|b| *b == b'\n') {
        let start = at;
        at += line.len();
        let line = line.trim_ascii_end();
        // A private key is found by itself, whatever stands before it on its line.
        key |= memmem::find(line, b"-----BEGIN ").is_some();
        if key {
            key = memmem::find(line, b"-----END ").is_none();
            continue;
        }
        let len = line.iter().take_while(of_name).count();
        let (name, behind) = line.split_at(len);
        let from = match behind {
            [b'=', ..] => len + 1,
            [b':', b' ', ..] => len + 2,
            [] if name.is_empty() => continue,
            _ => return false,
        };
        let value = line.get(from..).unwrap_or_default();
        // The end of what is in base64.
        if value.is_empty() || value.starts_with(b"=") || value.contains(&b' ') {
            return false;
        }
        let quote = |b: &u8| b"\"'".contains(b);
        let lead = usize::from(value.first().is_some_and(quote));
        let tail = usize::from(value.len() > 1 && value.last().is_some_and(quote));
        all.push((name, start + from + lead..start + line.len() - tail));
    }
    let any = !all.is_empty();
    for (_, value) in all.into_iter().filter(|(name, _)| !is_open(name)) {
        found(value, true);
    }
    any
}
