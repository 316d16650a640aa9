//! Passwords that somebody typed behind a name: in URLs, and for curl.

use memchr::memmem;

use crate::detect::classes::is_hidden;
use crate::detect::template;

/// What somebody typed behind a name and a colon: neither a variable nor a word of manuals.
pub(crate) fn is_typed_secret(value: &[u8]) -> bool {
    let own = template::own(value);
    !is_hidden(&own) && !is_documentation(&own)
}

/// `user:pass@host`, `scott:tiger@host`: words that stand for a password in manuals.
///
/// Only these: people do choose other short words.
fn is_documentation(value: &[u8]) -> bool {
    const WHOLE: [&[u8]; 5] = [b"pass", b"pwd", b"passwd", b"tiger", b"testing"];
    const WITHIN: [&[u8]; 3] = [b"password", b"passphrase", b"changeme"];
    // What `USER:PASSWORD@`, `x-access-token:GITHUB_TOKEN@` say that is to be filled in.
    const NAMES: [&[u8]; 5] = [b"PASS", b"PWD", b"TOKEN", b"SECRET", b"KEY"];
    // `//[user[:pass]@]host`
    let value = value.strip_suffix(b"]").unwrap_or(value);
    let of_name = |b: &u8| b.is_ascii_uppercase() || *b == b'_';
    WHOLE.contains(&value)
        || (value.iter().all(of_name)
            && NAMES.iter().any(|said| memmem::find(value, said).is_some()))
        || (value.iter().all(u8::is_ascii_lowercase)
            && WITHIN.iter().any(|said| memmem::find(value, said).is_some()))
}
