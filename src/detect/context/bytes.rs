//! Small steps through a text.

use std::ops::Range;

/// A part of the text.
pub(super) fn part<'t>(text: &'t [u8], span: &Range<usize>) -> &'t [u8] {
    text.get(span.clone()).unwrap_or_default()
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
