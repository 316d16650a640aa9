//! Text in base64 (RFC 4648) that holds something to mask: values of Kubernetes secrets,
//! user data of instances, credentials of HTTP.
//!
//! It is masked as one: what is around the value in there could not be kept, since base64
//! mixes neighbors. Lines of wrapped base64 are read one by one.

use std::ops::Range;

use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

use crate::detect::catalog::Catalog;
use crate::detect::context::runs::{self, Run};
use crate::detect::context::shape::{self, Shape};
use crate::detect::scan::Pass;
use crate::detect::{Finding, Rank};

/// How many characters tell text from other data.
const HEAD: usize = 12;
/// The shortest that is read. An access key id is shorter, and a class of its own.
const SHORTEST: usize = 36;

static ENGINE: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_allow_trailing_bits(true)
        .with_decode_padding_mode(DecodePaddingMode::RequireNone),
);

impl Catalog {
    /// Adds the base64 in a run of it and hyphens, if it holds something.
    pub(super) fn encoded(&self, run: Range<usize>, pass: &mut Pass<'_>) {
        let text = pass.text;
        for span in runs::words(text, run) {
            let Some(inner) = decoded(text.get(span.clone()).unwrap_or_default()) else { continue };
            let span = span.start..runs::padded(text, span.end, 2);
            if shape::is_secret_key(inner.trim_ascii_end().as_bytes()) {
                pass.runs.push(Run { shape: Shape::SecretKey, span: span.clone() });
            }
            if let Some(kind) = self.encoded
                && self.holds(&inner)
            {
                pass.found.push(Finding { span, kind, rank: Rank::Shape, teach: false });
            }
        }
    }

    fn holds(&self, text: &str) -> bool {
        let mut found = Vec::new();
        self.scan(text, "", &[], &mut found);
        !found.is_empty()
    }
}

/// The text in a run of base64, if it is text.
fn decoded(run: &[u8]) -> Option<String> {
    if run.len() < SHORTEST || !is_text(&head(run)?) {
        return None;
    }
    // One symbol more than a multiple of four encodes nothing.
    let whole = run.len() - usize::from(run.len() % 4 == 1);
    let text = String::from_utf8(ENGINE.decode(run.get(..whole)?).ok()?).ok()?;
    is_text(text.as_bytes()).then_some(text)
}

/// What the first characters stand for.
fn head(run: &[u8]) -> Option<[u8; HEAD / 4 * 3]> {
    let mut head = [0; HEAD / 4 * 3];
    let (fours, _) = run.get(..HEAD)?.as_chunks::<4>();
    for (three, four) in head.as_chunks_mut().0.iter_mut().zip(fours) {
        let bits = four.iter().try_fold(0, |all, &byte| Some(all << 6 | symbol(byte)?));
        let [_, decoded @ ..] = bits?.to_be_bytes();
        *three = decoded;
    }
    Some(head)
}

/// The number that a symbol of base64 stands for.
fn symbol(byte: u8) -> Option<u32> {
    match byte {
        b'A'..=b'Z' => Some(u32::from(byte - b'A')),
        b'a'..=b'z' => Some(u32::from(byte - b'a') + 26),
        b'0'..=b'9' => Some(u32::from(byte - b'0') + 52),
        b'+' => Some(62),
        b'/' => Some(63),
        _ => None,
    }
}

/// Is this base64 of `name:password`?
pub(super) fn is_userinfo(value: &[u8]) -> bool {
    let end = value.iter().rposition(|b| *b != b'=').map_or(0, |at| at + 1);
    let inner = value.get(..end).and_then(|run| ENGINE.decode(run).ok());
    inner.is_some_and(|inner| {
        let colon = inner.iter().position(|b| *b == b':');
        colon.is_some_and(|at| at + 1 < inner.len()) && is_text(&inner)
    })
}

fn is_text(bytes: &[u8]) -> bool {
    bytes.iter().all(|&b| b >= b' ' || b"\t\r\n".contains(&b))
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::engine::general_purpose::STANDARD as PADDED;

    #[test]
    fn text_is_told_from_data() {
        for text in ["id i-0123456789abcdef0 of the shop", "é: arn:aws:s3:::acme-data and more\n"]
        {
            let padded = PADDED.encode(text);
            assert_eq!(decoded(padded.trim_end_matches('=').as_bytes()).as_deref(), Some(text));
        }
        let data: Vec<u8> = (0..=255).collect();
        for run in [PADDED.encode(&data), "0123456789abcdef".repeat(4), "usr/local/lib/".repeat(4)]
        {
            assert_eq!(decoded(run.trim_end_matches('=').as_bytes()), None, "{run}");
        }
    }
}
