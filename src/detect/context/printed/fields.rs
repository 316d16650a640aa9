//! The fields of a secret in JSON, which may stand in a string itself: `{"stripe": "…"}`.

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

/// Calls `found` with the strings of an object, if a text is one.
pub(super) fn each(text: &[u8], found: &mut impl FnMut(Cell)) {
    let inner = text.trim_ascii_start();
    let inner = inner.strip_prefix(b"\"").unwrap_or(inner);
    if !inner.starts_with(b"{") {
        return;
    }
    let quote: &[u8] = if inner.starts_with(b"{\\") { b"\\\"" } else { b"\"" };
    let quotes: Vec<_> = memchr::memmem::find_iter(text, quote).collect();
    let behind = |at: usize| at + quote.len();
    // The quotes around a key, and those around its value.
    for four in quotes.windows(4) {
        let [open, close, opens, closes] = *four else { continue };
        let (key, value) = (text.get(behind(open)..close), behind(opens)..closes);
        let sign = text.get(behind(close)..opens).is_some_and(|sign| sign.trim_ascii() == b":");
        if sign && key.is_some_and(|key| !is_open(key)) {
            found(value);
        }
    }
}
