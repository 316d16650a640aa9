//! Finds runs of digits and letters by looking at every n-th byte only.

use std::ops::Range;
use std::sync::LazyLock;

use crate::detect::boundary::{ends_escape, left_of, right_of};
use crate::detect::context::shape::{self, Shape};

/// The shortest session token.
const TOKEN: usize = 100;
/// Longer runs are data, not tokens.
const TOKEN_MAX: usize = 4096;

/// Calls `hit` for each shape that needs a context.
pub(super) fn each(text: &[u8], mut hit: impl FnMut(Shape, Range<usize>)) {
    stride(text, 10, &CAPITALS, |run| {
        numbers(text, run, &mut hit);
    });
    stride(text, 36, &BASE64, |run| {
        let run = clean(text, run);
        if shape::is_uuid(part(text, &run)) {
            if free(text, &run) {
                hit(Shape::Uuid, run);
            }
            return;
        }
        secrets(text, run, &mut hit);
    });
}

/// Accounts and ids in a run of digits, capitals and hyphens.
fn numbers(text: &[u8], run: Range<usize>, hit: &mut impl FnMut(Shape, Range<usize>)) {
    let run = clean(text, run);
    if shape::is_account(part(text, &run)) && free(text, &run) {
        hit(Shape::Account, run);
        return;
    }
    for span in words(text, run) {
        let word = part(text, &span);
        let shape = if shape::is_account(word) { Some(Shape::Account) } else { shape::id(word) };
        if let Some(shape) = shape
            && free(text, &span)
        {
            hit(shape, span);
        }
    }
}

/// Keys and tokens in a run of base64 and hyphens.
fn secrets(text: &[u8], run: Range<usize>, hit: &mut impl FnMut(Shape, Range<usize>)) {
    for span in words(text, run) {
        let padding = text.iter().skip(span.end).take(3).take_while(|&&b| b == b'=').count();
        match span.len() {
            40 if padding == 0 && shape::is_secret_key(part(text, &span)) => {
                hit(Shape::SecretKey, span);
            }
            TOKEN..=TOKEN_MAX => hit(Shape::SessionToken, span.start..span.end + padding),
            _ => {}
        }
    }
}

/// The parts of a run between hyphens.
fn words(text: &[u8], run: Range<usize>) -> impl Iterator<Item = Range<usize>> {
    let mut from = run.start;
    part(text, &run).split(|&b| b == b'-').map(move |word| {
        let span = from..from + word.len();
        from = span.end + 1;
        span
    })
}

/// A set of bytes.
struct Set([bool; 256]);

/// Digits, capitals and the hyphen.
static CAPITALS: LazyLock<Set> =
    LazyLock::new(|| Set::new(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'-'));
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

/// Calls `hit` for each run of at least `shortest` bytes of a set.
fn stride(text: &[u8], shortest: usize, set: &Set, mut hit: impl FnMut(Range<usize>)) {
    let mut probe = shortest - 1;
    let mut from = 0;
    while let Some(&byte) = text.get(probe) {
        if !set.holds(byte) {
            probe += shortest;
            continue;
        }
        let head = text.get(from..probe).unwrap_or_default();
        let start = head.iter().rposition(|&b| !set.holds(b)).map_or(from, |at| from + at + 1);
        let tail = text.get(probe..).unwrap_or_default();
        let end = tail.iter().position(|&b| !set.holds(b)).map_or(text.len(), |at| probe + at);
        if end - start >= shortest {
            hit(start..end);
        }
        from = end;
        probe = end + shortest;
    }
}

/// Without the letter of an escape at the beginning.
fn clean(text: &[u8], span: Range<usize>) -> Range<usize> {
    let begin = (span.start..span.end.min(span.start + 6)).find(|&at| ends_escape(text, at));
    begin.unwrap_or(span.start)..span.end
}

fn part<'a>(text: &'a [u8], span: &Range<usize>) -> &'a [u8] {
    text.get(span.clone()).unwrap_or_default()
}

fn free(text: &[u8], span: &Range<usize>) -> bool {
    left_of(text, span.start) && right_of(text, span.end)
}
