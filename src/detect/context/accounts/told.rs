//! Words and signs beside a number of twelve digits that make it an account.

use std::ops::Range;
use std::sync::LazyLock;

use memchr::memmem::{self, Finder};

use crate::detect::context::accounts::{GROUPED, of_id};
use crate::detect::context::bytes::{ends_with, line, over};
use crate::detect::context::shape::is_account;
use crate::detect::context::sibling;

/// What is said of accounts, on the line of one.
static SAID: LazyLock<[Finder<'_>; 10]> = LazyLock::new(|| {
    [
        "assume role",
        "assume-role",
        "assume the role",
        "assumes the role",
        "trust policy",
        "trust relationship",
        "shared AMI",
        "cross-account",
        "member account",
        "Control Tower",
    ]
    .map(Finder::new)
});
/// Letters in the shortest of them.
const SHORTEST: usize = 9;
/// So far from it.
const REACH: usize = 80;
/// No key of a value is longer, with what stands behind it.
const KEY: usize = 24;

/// `why does 481726350914 not see the shared AMI?`
pub(super) fn is_said(text: &[u8], span: &Range<usize>) -> bool {
    let head = text.get(span.start.saturating_sub(REACH)..span.start).unwrap_or_default();
    let head = head.rsplit(|b| *b == b'\n').next().unwrap_or_default();
    let tail = text.get(span.end..text.len().min(span.end + REACH)).unwrap_or_default();
    let tail = tail.get(..line(tail).0).unwrap_or_default();
    let near = text.get(span.start - head.len()..span.end + tail.len()).unwrap_or_default();
    // Of numbers in rows there are many.
    let letters = near.iter().filter(|b| b.is_ascii_alphabetic()).count();
    letters >= SHORTEST && SAID.iter().any(|said| said.find(near).is_some())
}

/// `"481726350914" -> "350914481726"`, as plans show what changes.
pub(super) fn is_changed(text: &[u8], span: &Range<usize>) -> bool {
    const ARROW: &[u8] = b"\" -> \"";
    let near = text.get(span.end..).and_then(|rest| rest.strip_prefix(ARROW)).unwrap_or_default();
    let len = near.iter().take(GROUPED).take_while(of_id).count();
    let new = near.get(len) == Some(&b'"') && near.get(..len).is_some_and(is_account);
    let head = text.get(..span.start).and_then(|head| head.strip_suffix(ARROW));
    let old = |head: &[u8]| {
        let len = head.iter().rev().take(GROUPED).take_while(of_id).count();
        head.get(head.len() - len..).is_some_and(is_account)
    };
    new || head.is_some_and(old)
}

/// `name: AWS_ACCOUNT`, `value: "481726350914"`
pub(super) fn is_named(text: &[u8], span: &Range<usize>) -> bool {
    let from = span.start.saturating_sub(KEY);
    let head = text.get(from..span.start).unwrap_or_default();
    let sign = head.iter().rev().take_while(|b| b" :=\"'\\".contains(b)).count();
    let head = head.get(..head.len() - sign).unwrap_or_default();
    if sign == 0 || !ends_with(head, sibling::VALUE) {
        return false;
    }
    let end = from + head.len();
    let pair = sibling::pair(text, &(end - sibling::VALUE.len()..end), GROUPED);
    pair.and_then(|pair| text.get(pair.name)).is_some_and(|name| {
        let name = name.to_ascii_lowercase();
        memmem::find(&name, b"account").is_some()
    })
}

/// Behind what stands between a number and the next word: `", "dev"`, `: dev`.
pub(super) fn next_word(text: &[u8], at: usize) -> &[u8] {
    let start = over(text, at, 4, b" :=>,\"'`");
    let rest = text.get(start..).filter(|_| start > at).unwrap_or_default();
    let of_name = |b: &&u8| b.is_ascii_alphanumeric() || b"_-".contains(b);
    rest.get(..rest.iter().take(KEY).take_while(of_name).count()).unwrap_or_default()
}
