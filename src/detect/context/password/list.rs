//! Connection strings: lists of `key=value` with `;` between them.

use crate::detect::context::password::place::key_start;

/// No field is longer.
const FIELD: usize = 256;
/// What else a connection string says, without spaces.
const FIELDS: [&[u8]; 26] = [
    b"server",
    b"datasource",
    b"host",
    b"hostname",
    b"address",
    b"userid",
    b"uid",
    b"user",
    b"username",
    b"database",
    b"initialcatalog",
    b"dbname",
    b"encrypt",
    b"port",
    b"pooling",
    b"trustservercertificate",
    b"timeout",
    b"connectiontimeout",
    b"connecttimeout",
    b"sslmode",
    b"integratedsecurity",
    b"persistsecurityinfo",
    b"multipleactiveresultsets",
    b"driver",
    b"charset",
    b"applicationname",
];

/// Does the value of the key that ends at `at`, and itself at `end`, stand in such a list? A dot
/// in it then makes no code of it.
pub(super) fn is_field(text: &[u8], at: usize, end: usize) -> bool {
    if text.get(at) != Some(&b'=') {
        return false;
    }
    let head = text.get(..key_start(text, at)).unwrap_or_default();
    let before = head.trim_ascii_end();
    match before.last() {
        None => behind(text, end),
        Some(b';') => behind(text, end) || ahead(before),
        Some(b'"' | b'\'' | b'`' | b'=' | b'\\') => behind(text, end),
        Some(_) => head.ends_with(b"\n") && behind(text, end),
    }
}

/// Does a known field follow?
fn behind(text: &[u8], end: usize) -> bool {
    let Some([b';', rest @ ..]) = text.get(end..) else { return false };
    is_known(rest.get(..FIELD).unwrap_or(rest))
}

/// Does one stand before the `;` that this text ends with?
fn ahead(text: &[u8]) -> bool {
    let text = text.get(..text.len() - 1).unwrap_or_default();
    let near = text.get(text.len().saturating_sub(FIELD)..).unwrap_or_default();
    let from = near.iter().rposition(|b| b";\"'`\n".contains(b)).map_or(0, |at| at + 1);
    is_known(near.get(from..).unwrap_or_default())
}

fn is_known(field: &[u8]) -> bool {
    let Some(len) = field.iter().take(32).position(|b| *b == b'=') else { return false };
    let key = field.get(..len).unwrap_or_default().iter().filter(|b| **b != b' ');
    let key: Vec<u8> = key.map(u8::to_ascii_lowercase).collect();
    FIELDS.contains(&key.as_slice())
}
