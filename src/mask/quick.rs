//! The short way for most events of a stream: a delta whose text cannot be a part of a
//! placeholder is forwarded as it came.
//!
//! It knows one spelling of a delta, that of the Messages API. Whatever else comes, and
//! every text in which a placeholder may begin or an escape stands, takes the long way.

use memchr::memchr2;

/// The text of a delta, without escapes.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Plain<'e> {
    pub channel: u64,
    /// JSON source, as in `partial_json`.
    pub source: bool,
    pub text: &'e str,
}

const NAME: &[u8] = b"event: content_block_delta\n";
const HEAD: &[u8] = br#"data: {"type":"content_block_delta","index":"#;
const TEXT: &[u8] = br#","delta":{"type":"text_delta","text":""#;
const JSON: &[u8] = br#","delta":{"type":"input_json_delta","partial_json":""#;

/// Reads an event in which nothing begins that may become a placeholder.
pub(super) fn read(event: &[u8]) -> Option<Plain<'_>> {
    let rest = event.strip_prefix(NAME).unwrap_or(event).strip_prefix(HEAD)?;
    let digits = rest.iter().take_while(|b| b.is_ascii_digit()).count();
    let (index, rest) = rest.split_at_checked(digits)?;
    let (source, rest) = match (rest.strip_prefix(TEXT), rest.strip_prefix(JSON)) {
        (Some(rest), _) => (false, rest),
        (None, rest) => (true, rest?),
    };
    let (text, rest) = rest.split_at_checked(memchr2(b'"', b'\\', rest)?)?;
    // The provider pads some events with spaces.
    let rest = rest.strip_prefix(b"\"}")?;
    let spaces = rest.iter().take_while(|&&b| b == b' ').count();
    let whole = rest.get(spaces..) == Some(b"}\n\n") && memchr2(b'\n', b'\r', text).is_none();
    let text = std::str::from_utf8(text).ok().filter(|text| whole && !may_begin(text))?;
    let number = index == b"0" || !index.starts_with(b"0");
    let channel = std::str::from_utf8(index).ok().filter(|_| number)?.parse().ok()?;
    Some(Plain { channel, source, text })
}

/// May a placeholder begin in this text?
pub(super) fn may_begin(text: &str) -> bool {
    memchr2(b'A', b'S', text.as_bytes()).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(delta: &str) -> String {
        format!(
            "event: content_block_delta\ndata: {{\"type\":\"content_block_delta\",\"index\":3,\"delta\":{delta}}}\n\n"
        )
    }

    #[test]
    fn deltas_of_the_api_are_read() {
        let text = event(r#"{"type":"text_delta","text":" or é"}  "#);
        assert_eq!(read(text.as_bytes()), Some(Plain { channel: 3, source: false, text: " or é" }));
        let json = event(r#"{"type":"input_json_delta","partial_json":"{"}"#);
        let json = json.strip_prefix("event: content_block_delta\n").unwrap();
        assert_eq!(read(json.as_bytes()), Some(Plain { channel: 3, source: true, text: "{" }));
    }

    #[test]
    fn all_else_takes_the_long_way() {
        for delta in [
            r#"{"type":"text_delta","text":"A"}"#,
            r#"{"type":"text_delta","text":"S"}"#,
            r#"{"type":"text_delta","text":"\n"}"#,
            r#"{"type":"text_delta","text":"a","text":"b"}"#,
            r#"{"text":"a","type":"text_delta"}"#,
            r#"{"type":"thinking_delta","thinking":"a"}"#,
            r#"{"type":"text_delta","text":"a""#,
            "{\"type\":\"text_delta\",\"text\":\"a\rb\"}",
            "{\"type\":\"text_delta\",\"text\":\"a\"}\n",
        ] {
            assert_eq!(read(event(delta).as_bytes()), None, "{delta}");
        }
        assert_eq!(read(b"event: ping\ndata: {\"type\":\"ping\"}\n\n"), None);
        let broken = event(r#"{"type":"text_delta","text":"a"}"#).into_bytes();
        let broken: Vec<u8> = broken.iter().map(|&b| if b == b'a' { 0xff } else { b }).collect();
        assert_eq!(read(&broken), None);
    }
}
