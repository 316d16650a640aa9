//! The short way for most events of a stream: deltas as the Messages API writes them.
//!
//! It knows one spelling, and reads an event without cutting it out first and without
//! building anything. Whatever else comes takes the long way.

use memchr::memchr2;

/// A delta, read in place.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Quick<'e> {
    /// Bytes of the event.
    pub len: usize,
    pub channel: u64,
    pub what: What,
    /// Where `text` stands in the event.
    pub at: usize,
    /// Between the quotes, escapes and all.
    pub text: &'e str,
    /// Where the data of the event begins.
    pub data: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum What {
    Text,
    /// JSON source: `partial_json`.
    Source,
    /// Model state, which nobody touches.
    State,
}

const NAME: &[u8] = b"event: content_block_delta\n";
const FIELD: &[u8] = b"data: ";
const HEAD: &[u8] = br#"{"type":"content_block_delta","index":"#;
const DELTA: &[u8] = br#","delta":{"type":""#;
const KINDS: [(What, &[u8]); 3] = [
    (What::Text, br#"text_delta","text":""#),
    (What::Source, br#"input_json_delta","partial_json":""#),
    (What::State, br#"thinking_delta","thinking":""#),
];
/// No index has more digits.
const DIGITS: usize = 9;

/// Reads the delta with which `bytes` begin.
pub(super) fn read(bytes: &[u8]) -> Option<Quick<'_>> {
    let line = bytes.strip_prefix(NAME).unwrap_or(bytes).strip_prefix(FIELD)?;
    let data = bytes.len() - line.len();
    let (channel, rest) = index(line.strip_prefix(HEAD)?)?;
    let rest = rest.strip_prefix(DELTA)?;
    let (what, rest) =
        KINDS.iter().find_map(|&(what, head)| rest.strip_prefix(head).map(|rest| (what, rest)))?;
    let at = bytes.len() - rest.len();
    let (text, rest) = rest.split_at_checked(closing(rest)?)?;
    // The provider pads some events with spaces.
    let rest = rest.strip_prefix(b"\"}")?;
    let spaces = rest.iter().take_while(|&&b| b == b' ').count();
    let rest = rest.get(spaces..)?.strip_prefix(b"}\n\n")?;
    // A line end would be the end of the data; no other control character is JSON.
    let control = text.iter().fold(false, |found, &b| found | (b < b' '));
    let text = std::str::from_utf8(text).ok().filter(|_| !control)?;
    Some(Quick { len: bytes.len() - rest.len(), channel, what, at, text, data })
}

/// A number as JSON writes it.
fn index(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let digits = bytes.iter().take(DIGITS).take_while(|b| b.is_ascii_digit()).count();
    let (number, rest) = bytes.split_at_checked(digits)?;
    let legal = digits == 1 || (digits > 1 && number.first() != Some(&b'0'));
    let value = number.iter().fold(0, |value, &b| value * 10 + u64::from(b - b'0'));
    legal.then_some((value, rest))
}

/// Where the string ends.
fn closing(bytes: &[u8]) -> Option<usize> {
    let mut at = 0;
    loop {
        at += memchr2(b'"', b'\\', bytes.get(at..)?)?;
        match bytes.get(at) {
            Some(b'"') => return Some(at),
            _ => at += 2,
        }
    }
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
        for (delta, what, text) in [
            (r#"{"type":"text_delta","text":" or é"}  "#, What::Text, " or é"),
            (r#"{"type":"text_delta","text":""}"#, What::Text, ""),
            (r#"{"type":"text_delta","text":"\\\"\n\\"}"#, What::Text, r#"\\\"\n\\"#),
            (r#"{"type":"input_json_delta","partial_json":"{"}"#, What::Source, "{"),
            (r#"{"type":"thinking_delta","thinking":"AWS_"}"#, What::State, "AWS_"),
        ] {
            let named = event(delta);
            let bare = named.strip_prefix("event: content_block_delta\n").unwrap();
            for event in [named.as_str(), bare] {
                let more = format!("{event}data: x\n\n");
                let quick = read(more.as_bytes()).unwrap();
                assert_eq!((quick.len, quick.channel, quick.what), (event.len(), 3, what));
                assert_eq!(quick.text, text);
                assert_eq!(event.get(quick.at..quick.at + text.len()), Some(text));
                assert!(event.get(quick.data..).unwrap().starts_with("{\"type\""));
                for end in 0..event.len() {
                    assert_eq!(read(&event.as_bytes()[..end]), None, "{event} {end}");
                }
            }
        }
    }

    #[test]
    fn all_else_takes_the_long_way() {
        for delta in [
            r#"{"type":"text_delta","text":"a","text":"b"}"#,
            r#"{"text":"a","type":"text_delta"}"#,
            r#"{"type":"signature_delta","signature":"a"}"#,
            r#"{"type":"text_delta","text":"a""#,
            r#"{"type":"text_delta","text":"a\"}"#,
            "{\"type\":\"text_delta\",\"text\":\"a\rb\"}",
            "{\"type\":\"text_delta\",\"text\":\"a\\\nb\"}",
            "{\"type\":\"text_delta\",\"text\":\"a\"}\n",
        ] {
            assert_eq!(read(event(delta).as_bytes()), None, "{delta}");
        }
        assert_eq!(read(b"event: ping\ndata: {\"type\":\"ping\"}\n\n"), None);
        let good = event(r#"{"type":"text_delta","text":"a"}"#);
        for index in ["03", "-3", "", "3.0", "1234567890"] {
            let bad = good.replace("\"index\":3", &format!("\"index\":{index}"));
            assert_eq!(read(bad.as_bytes()), None, "{index}");
        }
        let broken: Vec<u8> = good.bytes().map(|b| if b == b'a' { 0xff } else { b }).collect();
        assert_eq!(read(&broken), None);
    }
}
