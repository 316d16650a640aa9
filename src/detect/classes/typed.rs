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
    WHOLE.contains(&value)
        || (value.iter().all(u8::is_ascii_lowercase)
            && WITHIN.iter().any(|said| memmem::find(value, said).is_some()))
}
