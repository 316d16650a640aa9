//! A name and its value as two fields beside each other: `"name": "DB_PASSWORD", "value": "…"`,
//! `ParameterKey=DbPassword,ParameterValue=…`, `<name>…</name><value>…</value>`.

use std::ops::Range;

use crate::detect::boundary::holds_masked;
use crate::detect::context::bytes::{ends_with, over};
use crate::detect::context::password::{Held, held, key_start};

/// Spaces and signs between two fields: a line, indented.
const BETWEEN: usize = 96;
/// Spaces, quotes and the sign between a key and its value.
const SIGN: usize = 16;

/// A name and the value beside it.
pub(super) struct Pair {
    /// The key of the name.
    pub key: Range<usize>,
    pub name: Range<usize>,
    pub held: Held,
}

/// The name and the value, if at `key` stands the key of the value.
pub(super) fn pair(text: &[u8], key: &Range<usize>, longest: usize) -> Option<Pair> {
    // In a value without quotes, which may be long, none begins: each is read once.
    if key.start.checked_sub(1).and_then(|at| text.get(at)) == Some(&b'=') {
        return None;
    }
    let Held { span, quoted } = held(text, key.end, longest)?;
    let (of, name) = before(text, key.start).or_else(|| behind(text, span.end))?;
    let masked = holds_masked(text.get(name.clone())?);
    // A parameter on a command line stands as it is.
    let word = text.get(key.clone())?.ends_with(b"ParameterValue");
    let quoted = quoted || (word && text.get(key.end) == Some(&b'='));
    (!masked).then_some(Pair { key: of, name, held: Held { span, quoted } })
}

/// How keys end that hold a name, and the key of what it names.
pub(crate) const NAMES: [&[u8]; 3] = [b"name", b"key", b"variable"];
pub(crate) const VALUE: &[u8] = b"value";

/// Does a key end here that holds a name?
fn names(word: &[u8]) -> bool {
    NAMES.iter().any(|ending| ends_with(word, ending))
}

/// The name in the field before, behind its key.
fn before(text: &[u8], at: usize) -> Option<(Range<usize>, Range<usize>)> {
    let first = at.saturating_sub(BETWEEN);
    let mut end = at;
    while end > first {
        end -= match text.get(first..end)? {
            [.., b'\\', b'n' | b't' | b'r'] => 2,
            [.., b] if b.is_ascii_whitespace() || b"\"'`\\,;<~+".contains(b) => 1,
            [.., b'/'] => 1,
            head => match [b"</name>".as_slice(), b"</key>", b"</Name>", b"</Key>"]
                .iter()
                .find(|closed| head.ends_with(closed))
            {
                Some(closed) => closed.len(),
                None => break,
            },
        };
    }
    let name = key_start(text, end)..end;
    let word = text.get(name.clone())?;
    // `ParameterKey=DbPassword` is one word for who asks for `Key:Value`.
    let colon = word.iter().rposition(|b| *b == b':').map_or(0, |at| at + 1);
    // In quotes it is one word for all.
    let quoted = text.get(name.start.checked_sub(1)?) == Some(&b'"');
    let start = if quoted { name.start } else { name.start + colon };
    let name = name.start + colon..end;
    let head = text.get(start.saturating_sub(SIGN)..start)?;
    let sign = without(head, b" \t\"'`\\");
    let ([key @ .., b'=' | b':', b'>'] | [key @ .., b':' | b'=' | b'>']) = sign else {
        return None;
    };
    let key_end = start - head.len() + without(key, b" \t\"'`\\").len();
    let key = key_start(text, key_end)..key_end;
    (!name.is_empty() && names(text.get(key.clone())?)).then_some((key, name))
}

fn without<'t>(text: &'t [u8], set: &[u8]) -> &'t [u8] {
    let drop = text.iter().rev().take_while(|b| set.contains(b)).count();
    text.get(..text.len() - drop).unwrap_or_default()
}

/// The name in the field behind.
fn behind(text: &[u8], at: usize) -> Option<(Range<usize>, Range<usize>)> {
    let of_word = |from: usize| {
        let rest = text.get(from..).unwrap_or_default();
        let of_word = |b: &&u8| b.is_ascii_alphanumeric() || b"_.-".contains(b);
        from..from + rest.iter().take(80).take_while(of_word).count()
    };
    let mut start = over(text, at, BETWEEN, b"\"'`\\ \t\r\n,;");
    // The letter of an escaped end of a line.
    let escaped = text.get(start.checked_sub(1)?..start + 1) == Some(b"\\n");
    if escaped {
        start = over(text, start + 1, BETWEEN, b"\"'`\\ \t");
    }
    let key = of_word(start);
    if !names(text.get(key.clone())?) {
        return None;
    }
    let sign = over(text, key.end, SIGN, b" \t\"'`\\");
    matches!(text.get(sign), Some(b':' | b'=')).then_some(())?;
    let name = of_word(over(text, sign + 1, SIGN, b" \t\"'`\\>"));
    (!name.is_empty()).then_some((key, name))
}
