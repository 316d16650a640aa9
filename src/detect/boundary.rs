//! Where a word begins and ends: the one function for names and for restoring.
//!
//! A neighboring ASCII letter or digit forbids. The last letter of an escape
//! is no neighbor: tool results hold JSON in JSON, percent-encoded URLs and
//! colored logs, where `\ni-0abc…`, `%2Fi-0abc…` and `\u001b[32mi-0abc…` begin
//! with the identifier. So does `\u001b[Ki-0abc…`, as `grep --color` writes it.

/// May a value begin at `at`?
#[must_use]
pub fn left(text: &str, at: usize) -> bool {
    left_of(text.as_bytes(), at)
}

/// May a value end at `at`?
#[must_use]
pub fn right(text: &str, at: usize) -> bool {
    right_of(text.as_bytes(), at)
}

pub(crate) fn left_of(bytes: &[u8], at: usize) -> bool {
    before(bytes, at).is_none_or(|b| !b.is_ascii_alphanumeric()) || ends_escape(bytes, at)
}

pub(crate) fn right_of(bytes: &[u8], at: usize) -> bool {
    bytes.get(at).is_none_or(|b| !b.is_ascii_alphanumeric())
}

/// May a value stand there? Not in a word, and not in a character.
pub(crate) fn fits(bytes: &[u8], span: &std::ops::Range<usize>) -> bool {
    let inside = |at: usize| bytes.get(at).is_some_and(|b| (0x80..0xc0).contains(b));
    !inside(span.start)
        && !inside(span.end)
        && left_of(bytes, span.start)
        && right_of(bytes, span.end)
}

/// Is this all that stands between two quotes, which may be escaped?
pub(crate) fn is_quoted(bytes: &[u8], span: &std::ops::Range<usize>) -> bool {
    let quote = before(bytes, span.start).filter(|b| b"\"'`".contains(b));
    let rest = bytes.get(span.end..).unwrap_or_default();
    let rest = rest.strip_prefix(b"\\").unwrap_or(rest);
    quote.is_some() && rest.first().copied() == quote
}

/// The byte before `at`.
pub(crate) fn before(bytes: &[u8], at: usize) -> Option<u8> {
    at.checked_sub(1).and_then(|at| bytes.get(at)).copied()
}

/// Does an escape end right before `at`, with a letter or digit?
pub(crate) fn ends_escape(bytes: &[u8], at: usize) -> bool {
    let head = bytes.get(..at).unwrap_or_default();
    match head {
        [.., b'\\', b'n' | b't' | b'r' | b'b' | b'f'] => true,
        [.., b'%', a, b] if a.is_ascii_hexdigit() && b.is_ascii_hexdigit() => true,
        // As the console escapes a `/` in what it escapes once more.
        [.., b'$', b'2', b'5', b'2', b'F'] => true,
        [.., b'\\', b'x', a, b] if a.is_ascii_hexdigit() && b.is_ascii_hexdigit() => true,
        [.., b'\\', b'u', a, b, c, d] => [a, b, c, d].iter().all(|b| b.is_ascii_hexdigit()),
        [rest @ .., last] if last.is_ascii_alphabetic() => ends_control(rest),
        _ => false,
    }
}

/// An escape that a word begins with is not longer: `u001b`, `32m` of a color, `2004h`.
const ESCAPE: usize = 8;

/// Where words begin inside the run of letters and digits at `word`: behind an escape,
/// as in `\nAKIA…`, `%2FAKIA…` and `\u001b[32mAKIA…`.
#[inline]
pub(crate) fn begins_again(bytes: &[u8], word: usize) -> impl Iterator<Item = usize> + '_ {
    let reach = match before(bytes, word) {
        Some(b'\\' | b'%' | b'[' | b';' | b'?') => ESCAPE,
        _ => 0,
    };
    let inside = move |at: &usize| bytes.get(*at - 1).is_some_and(u8::is_ascii_alphanumeric);
    (word + 1..=word + reach).take_while(inside).filter(|&at| ends_escape(bytes, at))
}

/// Does a word begin here, be it behind an escape?
pub(crate) fn begins_word(bytes: &[u8], at: usize) -> bool {
    let head = bytes.get(..at).unwrap_or_default();
    let inside = head.iter().rev().take(ESCAPE + 1).take_while(|b| b.is_ascii_alphanumeric());
    let word = at - inside.count();
    word == at || begins_again(bytes, word).any(|again| again == at)
}

/// Does `at` stand in the middle of an escape: at the `n` of `\n`, the `2` of `%2F`?
///
/// Nothing that may begin with any letter begins here.
pub(crate) fn in_escape(bytes: &[u8], at: usize) -> bool {
    let rest = bytes.get(at..).unwrap_or_default();
    let hex = |digits: &[u8]| digits.iter().all(u8::is_ascii_hexdigit);
    match (before(bytes, at), rest) {
        (Some(b'\\'), [b'n' | b't' | b'r' | b'b' | b'f', ..]) => true,
        (Some(b'\\'), [b'u', a, b, c, d, ..]) => hex(&[*a, *b, *c, *d]),
        (Some(b'\\'), [b'x', a, b, ..]) | (Some(b'%'), [a, b, ..]) => hex(&[*a, *b]),
        (Some(b'[' | b'?'), [first, ..]) if first.is_ascii_alphanumeric() => {
            let len = rest.iter().take(NUMBERS).take_while(|b| is_of_numbers(**b)).count();
            rest.get(len).is_some_and(u8::is_ascii_alphabetic) && ends_escape(bytes, at + len + 1)
        }
        _ => false,
    }
}

/// Does this word end like a placeholder: `AWS_EC2_BF3K9Q2MX4TB`? Nothing is read from such
/// words, so that masking what is masked changes nothing.
pub(crate) fn is_masked(word: &[u8]) -> bool {
    let mut parts = word.rsplit(|&b| b == b'_');
    parts.next().is_some_and(is_tag) && parts.next().is_some()
}

/// Does a placeholder stand in this word, as in `logs_AWS_EC2_BF3K9Q2MX4TB_a`? A name may hold
/// what looks like a tag: `iotbutton_G030JF051537S76R`.
pub(crate) fn holds_placeholder(word: &[u8]) -> bool {
    // An escape may stand before it without a gap.
    let begins = |part: &[u8]| part.ends_with(b"AWS") || part.ends_with(b"SECRET");
    let mut parts = word.split(|&b| b == b'_').skip_while(|part| !begins(part)).skip(2);
    parts.any(|part| part.get(..TAG).is_some_and(is_tag))
}

/// The same of a word whose beginning may be cut off. What an escape stood for may follow it
/// without a gap: `AWS_EC2_BF3K9Q2MX4TB\\u0062`.
pub(crate) fn holds_masked(word: &[u8]) -> bool {
    word.split(|&b| b == b'_').skip(1).any(|part| part.get(..TAG).is_some_and(is_tag))
}

/// Does a placeholder stand in one of the words of this text?
pub(crate) fn any_placeholder(text: &[u8]) -> bool {
    words(text).any(holds_placeholder)
}

/// The same of a text whose first and last word may be cut off.
pub(crate) fn any_masked(text: &[u8]) -> bool {
    words(text).any(holds_masked)
}

fn words(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    text.split(|b| !b.is_ascii_alphanumeric() && *b != b'_')
}

/// The symbols of a tag.
const TAG: usize = 12;

fn is_tag(part: &[u8]) -> bool {
    let symbol = |b: &u8| b.is_ascii_digit() || (b.is_ascii_uppercase() && !b"ILOU".contains(b));
    part.len() == TAG && part.first().is_some_and(u8::is_ascii_uppercase) && part.iter().all(symbol)
}

/// No control sequence holds more than this between `[` and its letter.
const NUMBERS: usize = 20;

fn is_of_numbers(byte: u8) -> bool {
    byte.is_ascii_digit() || b";?".contains(&byte)
}

/// Does a control sequence of a terminal (ECMA-48, 5.4) end here, but for its last letter?
fn ends_control(head: &[u8]) -> bool {
    let numbers = head.iter().rev().take(NUMBERS).take_while(|b| is_of_numbers(**b)).count();
    let head = head.get(..head.len() - numbers).unwrap_or_default();
    let Some(head) = head.strip_suffix(b"[") else { return false };
    [b"\x1b".as_slice(), b"\\u001b", b"\\u001B", b"\\x1b", b"\\x1B", b"\\033", b"\\e"]
        .iter()
        .any(|escape| head.ends_with(escape))
}

/// The length of the control sequence that begins here.
pub(crate) fn control(text: &[u8]) -> Option<usize> {
    control_behind(text.strip_prefix(b"\x1b")?).map(|len| len + 1)
}

/// The length of what is left of one behind its escape: `[1;32m`.
pub(crate) fn control_behind(text: &[u8]) -> Option<usize> {
    let rest = text.strip_prefix(b"[")?;
    let numbers = rest.iter().take(NUMBERS).take_while(|b| is_of_numbers(**b)).count();
    rest.get(numbers).is_some_and(u8::is_ascii_alphabetic).then_some(numbers + 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_are_boundaries() {
        for (head, free) in [
            ("", true),
            (" ", true),
            ("-", true),
            ("_", true),
            ("/", true),
            (".", true),
            ("é", true),
            ("x", false),
            ("7", false),
            ("\n", true),
            ("\\n", true),
            ("\\\\n", true),
            ("\\\\\\\\t", true),
            ("\\a", false),
            ("n", false),
            ("\\u000a", true),
            ("\\\\u003d", true),
            ("u000a", false),
            ("\\x3d", true),
            ("%2F", true),
            ("%2f", true),
            ("2F", false),
            ("$252F", true),
            ("$252", false),
            ("252F", false),
            ("\u{1b}[32m", true),
            ("\\u001b[1;32m", true),
            ("\\x1b[m", true),
            ("\\033[0m", true),
            ("\\e[0m", true),
            ("\u{1b}[01;31m\u{1b}[K", true),
            ("\u{1b}[2K", true),
            ("\\u001b[G", true),
            ("\u{1b}[?25l", true),
            ("[K", false),
            ("x[2J", false),
            ("[32m", false),
            ("u001b[32m", false),
            ("m", false),
        ] {
            let text = format!("{head}i-0123456789abcdef0");
            assert_eq!(left(&text, head.len()), free, "{head}");
        }
    }

    #[test]
    fn escapes_have_an_inside() {
        for (text, at, inside) in [
            (r"\nx", 1, true),
            (r"\nx", 2, false),
            (r"\qx", 1, false),
            (r"\u0069x", 1, true),
            (r"\users", 1, false),
            (r"%2Fx", 1, true),
            (r"%x", 1, false),
            ("\u{1b}[32mx", 2, true),
            ("[32mx", 1, false),
            ("\u{1b}[Kx", 2, true),
            ("\u{1b}[?25lx", 3, true),
            ("[Kx", 1, false),
        ] {
            assert_eq!(in_escape(text.as_bytes(), at), inside, "{text} {at}");
        }
    }

    #[test]
    fn only_letters_and_digits_forbid_on_the_right() {
        for (tail, free) in [
            ("", true),
            ("x", false),
            ("0", false),
            ("-x", true),
            ("_x", true),
            (".x", true),
            ("\\n", true),
            ("é", true),
        ] {
            assert_eq!(right(&format!("ab{tail}"), 2), free, "{tail}");
        }
    }
}
