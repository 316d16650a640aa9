//! Runs of digits and letters that have the shape of an identifier.

use std::ops::Range;
use std::sync::LazyLock;

use crate::detect::boundary::{before, ends_escape, left_of, right_of};
use crate::detect::context::bytes::part;
use crate::detect::context::shape::{self, Shape};

/// The shortest session token.
const TOKEN: usize = 100;
/// Longer runs are data, not tokens.
const TOKEN_MAX: usize = 4096;
/// What a UUID has before its last twelve digits.
const UUID_HEAD: usize = 24;
/// `1234-5678-9012`
const GROUPED: usize = 14;

/// What is an identifier beside the right key or word.
#[derive(Debug)]
pub(crate) struct Run {
    pub shape: Shape,
    pub span: Range<usize>,
}

impl Run {
    /// An account or an id in the run of capitals and digits that begins here.
    pub(crate) fn number(text: &[u8], start: usize, out: &mut Vec<Self>) {
        let span = clean(text, start..run_end(text, start, &CAPITALS));
        let word = part(text, &span);
        let shape = if shape::is_account(word) {
            // The last of a UUID are digits alone in one of 280.
            let uuid = span.start.saturating_sub(UUID_HEAD)..span.end;
            (!shape::is_uuid(part(text, &uuid))).then_some(Shape::Account)
        } else {
            shape::id(word)
        };
        if let Some(shape) = shape
            && free(text, &span)
        {
            out.push(Self { shape, span });
        }
    }

    /// An address that anyone may have.
    pub(crate) fn address(span: Range<usize>) -> Self {
        Self { shape: Shape::PublicIp, span }
    }

    /// An account that is written in groups.
    pub(crate) fn grouped(text: &[u8], start: usize, out: &mut Vec<Self>) {
        let span = start..start + GROUPED;
        let beside = |at: Option<usize>| {
            let byte = at.and_then(|at| text.get(at));
            byte.is_some_and(|&b| CAPITALS.holds(b) || b == b'-')
        };
        let inside = beside(start.checked_sub(1)) && !ends_escape(text, start);
        if !inside && !beside(Some(span.end)) && free(text, &span) {
            out.push(Self { shape: Shape::Account, span });
        }
    }

    /// A UUID, or keys and tokens in a run of base64 and hyphens.
    pub(crate) fn secret(text: &[u8], run: Range<usize>, out: &mut Vec<Self>) {
        if shape::is_uuid(part(text, &run)) {
            if free(text, &run) {
                out.push(Self { shape: Shape::Uuid, span: run });
            }
            return;
        }
        for span in words(text, run) {
            let padded = padded(text, span.end, 3);
            match span.len() {
                40 if text.get(span.end) != Some(&b'=')
                    && shape::is_secret_key(part(text, &span)) =>
                {
                    out.push(Self { shape: Shape::SecretKey, span });
                }
                TOKEN..=TOKEN_MAX => {
                    out.push(Self { shape: Shape::SessionToken, span: span.start..padded });
                }
                _ => {}
            }
        }
    }
}

/// Is this nothing but base64, without padding?
pub(super) fn is_base64(value: &[u8]) -> bool {
    value.iter().all(|b| b.is_ascii_alphanumeric() || b"/+".contains(b))
}

/// The run of base64 and hyphens that begins here.
pub(crate) fn base64(text: &[u8], start: usize) -> Range<usize> {
    clean(text, start..run_end(text, start, &BASE64))
}

/// Where base64 ends that has at most so much padding. What goes on behind it was none,
/// and a placeholder must not touch it.
pub(crate) fn padded(text: &[u8], end: usize, most: usize) -> usize {
    let padding = text.iter().skip(end).take(most).take_while(|&&b| b == b'=').count();
    if right_of(text, end + padding) { end + padding } else { end }
}

/// The parts of a run between hyphens.
pub(crate) fn words(text: &[u8], run: Range<usize>) -> impl Iterator<Item = Range<usize>> {
    let mut from = run.start;
    part(text, &run).split(|&b| b == b'-').map(move |word| {
        let span = from..from + word.len();
        from = span.end + 1;
        span
    })
}

/// A set of bytes.
struct Set([bool; 256]);

/// Digits and capitals.
static CAPITALS: LazyLock<Set> =
    LazyLock::new(|| Set::new(|b| b.is_ascii_uppercase() || b.is_ascii_digit()));
/// Base64 and the hyphen.
static BASE64: LazyLock<Set> =
    LazyLock::new(|| Set::new(|b| b.is_ascii_alphanumeric() || b"/+-".contains(&b)));

impl Set {
    fn new(holds: impl Fn(u8) -> bool) -> Self {
        let mut set = [false; 256];
        for (slot, byte) in set.iter_mut().zip(0..=u8::MAX) {
            *slot = holds(byte);
        }
        Self(set)
    }

    fn holds(&self, byte: u8) -> bool {
        self.0.get(usize::from(byte)).copied().unwrap_or_default()
    }
}

fn run_end(text: &[u8], start: usize, set: &Set) -> usize {
    let tail = text.get(start..).unwrap_or_default();
    tail.iter().position(|&b| !set.holds(b)).map_or(text.len(), |len| start + len)
}

/// Without the letter of an escape at the beginning.
fn clean(text: &[u8], span: Range<usize>) -> Range<usize> {
    // Before the beginning of a run stands what leads the escape, or is in the middle of it.
    let in_escape = |b| matches!(b, b'\\' | b'%' | b'$' | b'[' | b';' | b'?' | b'a'..=b'z');
    if !before(text, span.start).is_some_and(in_escape) {
        return span;
    }
    let begin = (span.start..span.end.min(span.start + 6)).find(|&at| ends_escape(text, at));
    begin.unwrap_or(span.start)..span.end
}

fn free(text: &[u8], span: &Range<usize>) -> bool {
    left_of(text, span.start) && right_of(text, span.end)
}
