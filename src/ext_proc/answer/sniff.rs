//! What an answer is that does not say it.

use crate::ext_proc::headers::Media;

/// How events begin.
const EVENTS: [&[u8]; 4] = [b"data:", b"event:", b"id:", b":"];
/// So much white space may stand before what tells.
const BLANK: usize = 64;

/// What begins like this; none: more must come to tell.
pub(super) fn sniff(bytes: &[u8]) -> Option<Media> {
    let text = bytes.trim_ascii_start();
    let other = (bytes.len() - text.len() > BLANK).then_some(Media::Other);
    let Some(first) = text.first() else { return other };
    if matches!(first, b'{' | b'[') {
        return Some(Media::Json);
    }
    if EVENTS.iter().any(|begin| text.starts_with(begin)) {
        return Some(Media::EventStream);
    }
    let open = EVENTS.iter().any(|begin| begin.starts_with(text));
    if open { other } else { Some(Media::Other) }
}
