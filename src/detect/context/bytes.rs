//! Small steps through a text.

use std::ops::Range;

use memchr::{memchr2, memrchr2_iter};

/// A key and the object that it is the key of stand so near to each other.
const PARENT: usize = 96;

/// A part of the text.
pub(super) fn part<'t>(text: &'t [u8], span: &Range<usize>) -> &'t [u8] {
    text.get(span.clone()).unwrap_or_default()
}

/// Does the text begin like this form, in which `0` stands for any digit?
pub(in crate::detect) fn begins_like(text: &[u8], form: &[u8]) -> bool {
    let fits = |(byte, like): (&u8, &u8)| match like {
        b'0' => byte.is_ascii_digit(),
        _ => byte == like,
    };
    text.len() >= form.len() && text.iter().zip(form).all(fits)
}

/// Behind at most so many of these characters.
pub(super) fn over(text: &[u8], from: usize, most: usize, set: &[u8]) -> usize {
    let rest = text.get(from..).unwrap_or_default();
    from + rest.iter().take(most).take_while(|b| set.contains(b)).count()
}

/// Does the word end so, in any case?
pub(super) fn ends_with(word: &[u8], ending: &[u8]) -> bool {
    let from = word.len().checked_sub(ending.len());
    from.and_then(|from| word.get(from..)).is_some_and(|end| end.eq_ignore_ascii_case(ending))
}

/// The key of the object in which a key is the first, which begins at `start`: `"bucket": {"name"`.
pub(super) fn parent(text: &[u8], start: usize) -> Option<&[u8]> {
    let head = text.get(start.saturating_sub(PARENT)..start)?;
    let without = |head: &[u8], set: &[u8]| {
        head.len() - head.iter().rev().take_while(|b| set.contains(b)).count()
    };
    let head = head.get(..without(head, b"\\\"' \t\r\n"))?.strip_suffix(b"{")?;
    let head = head.get(..without(head, b" "))?.strip_suffix(b":")?;
    let head = head.get(..without(head, b"\\\"' "))?;
    let of_word = |b: &&u8| b.is_ascii_alphanumeric() || b"_-".contains(b);
    let parent = head.get(head.len() - head.iter().rev().take_while(of_word).count()..)?;
    (!parent.is_empty()).then_some(parent)
}

/// How long the line at the beginning of this is, and what ends it: a line break, or an escaped one.
pub(in crate::detect) fn line(text: &[u8]) -> (usize, usize) {
    let mut at = 0;
    while let Some(len) = text.get(at..).and_then(|rest| memchr2(b'\n', b'\\', rest)) {
        at += len;
        match text.get(at..) {
            Some([b'\n', ..]) => return (at, 1),
            Some([b'\\', b'n', ..]) => return (at, 2),
            _ => at += 1,
        }
    }
    (text.len(), 0)
}

/// Where the line begins that this ends in.
pub(super) fn line_start(head: &[u8]) -> usize {
    let breaks = memrchr2_iter(b'\n', b'\\', head);
    let start = |at: usize| match head.get(at..) {
        Some([b'\n', ..]) => Some(at + 1),
        Some([b'\\', b'n', ..]) => Some(at + 2),
        _ => None,
    };
    breaks.into_iter().find_map(start).unwrap_or_default()
}
