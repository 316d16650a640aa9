//! What people and word processors set around values: curly quotes, dashes, wide signs, spaces that
//! do not break, text without spaces between its words, marks without a width. It is read as if
//! ASCII stood there: `“password=X”`, `パスワード：X。`, `password=X—then`.

use std::ops::Range;

use crate::detect::deep::Decoded;

/// So much is looked at together.
const BLOCK: usize = 64;

/// What a character stands for.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Sign {
    /// A letter of a word.
    Letter,
    /// Nothing that is seen.
    Nothing,
    Ascii(char),
    /// It ends a word.
    End,
}

/// The lines of a text in ASCII, but for letters, where that may tell more. Unless `told` of a key,
/// only where a value may be hidden.
pub(super) fn plain(text: &str, told: bool) -> Option<Decoded> {
    let mut out = None::<Decoded>;
    let (mut at, mut ended) = (0, 0);
    while let Some(start) = next(text.as_bytes(), at) {
        let line = line(text.as_bytes(), at, start);
        at = line.end;
        if !may_hold(text.get(line.clone()).unwrap_or_default()) {
            continue;
        }
        let Some(changes) = changes(text, start..line.end, told) else { continue };
        let out = out.get_or_insert_with(|| Decoded::with_capacity(2 * line.len()));
        // What does not follow each other is no block.
        if ended < line.start {
            out.stand(Some('\n'), ended);
        }
        let mut copied = line.start;
        for (span, with) in changes {
            out.copy(text, ended, copied..span.start);
            out.stand(with, span.start);
            (ended, copied) = (span.end, span.end);
        }
        out.copy(text, ended, copied..line.end);
        ended = line.end;
    }
    out
}

/// The line around `at`, with its end. It begins at `from` at the earliest.
fn line(text: &[u8], from: usize, at: usize) -> Range<usize> {
    let head = text.get(from..at).unwrap_or_default();
    let start = memchr::memrchr(b'\n', head).map_or(from, |end| from + end + 1);
    let rest = text.get(at..).unwrap_or_default();
    start..memchr::memchr(b'\n', rest).map_or(text.len(), |end| at + end + 1)
}

/// May a value stand here, or a key? Signs and digits of full width begin with this byte.
fn may_hold(line: &str) -> bool {
    const WIDE: u8 = 0xef;
    line.bytes().any(|b| b.is_ascii_digit() || b"=:@".contains(&b) || b == WIDE)
        || memchr::memmem::find(line.as_bytes(), b"--").is_some()
}

/// What becomes other characters in a part of a line, if that tells more.
fn changes(
    text: &str,
    part: Range<usize>,
    told: bool,
) -> Option<Vec<(Range<usize>, Option<char>)>> {
    let (mut all, mut tells, mut at) = (Vec::new(), false, part.start);
    while let Some(start) = next(text.as_bytes(), at).filter(|start| *start < part.end) {
        let rest = text.get(start..part.end).unwrap_or_default();
        let sign = sign(rest.chars().next()?);
        let ends = |c: &char| !c.is_ascii() && self::sign(*c) == Sign::End;
        let len = match sign {
            Sign::End => rest.chars().take_while(ends).map(char::len_utf8).sum(),
            _ => rest.chars().next().map_or(0, char::len_utf8),
        };
        at = start + len;
        let around = Around::new(text.as_bytes(), start..at);
        let with = match sign {
            Sign::Letter => continue,
            Sign::Ascii('\'') if around.in_word() => continue,
            // A dash between words is one, too, and a picture between them is none.
            Sign::End if !around.touches() => continue,
            Sign::End => around.both().then_some(' '),
            Sign::Nothing => None,
            Sign::Ascii(sign) => Some(sign),
        };
        let hides = match sign {
            Sign::Nothing => around.in_word(),
            Sign::Ascii(sign) => sign == '-' || sign.is_ascii_alphanumeric(),
            _ => false,
        };
        tells |= hides || (told && around.touches());
        all.push((start..at, with));
    }
    tells.then_some(all)
}

/// The next byte from `at` on that is not of ASCII.
fn next(text: &[u8], at: usize) -> Option<usize> {
    let rest = text.get(at..)?;
    let skip = rest.chunks(BLOCK).take_while(|block| block.is_ascii()).count() * BLOCK;
    let near = rest.get(skip..)?;
    near.iter().position(|b| !b.is_ascii()).map(|near| at + skip + near)
}

/// What stands beside a character.
struct Around(Option<u8>, Option<u8>);

impl Around {
    fn new(text: &[u8], span: Range<usize>) -> Self {
        let seen = |at: Option<usize>| {
            at.and_then(|at| text.get(at)).copied().filter(|b| !b.is_ascii_whitespace())
        };
        Self(seen(span.start.checked_sub(1)), seen(Some(span.end)))
    }

    /// Does it touch what may be a part of a value?
    fn touches(&self) -> bool {
        [self.0, self.1].into_iter().flatten().any(|b| b.is_ascii_graphic())
    }

    fn both(&self) -> bool {
        self.0.is_some() && self.1.is_some()
    }

    /// Between letters or digits.
    fn in_word(&self) -> bool {
        [self.0, self.1].iter().all(|b| b.is_some_and(|b| b.is_ascii_alphanumeric()))
    }
}

fn sign(character: char) -> Sign {
    match character {
        '“' | '”' | '„' | '‟' | '«' | '»' | '「' | '」' | '『' | '』' | '〝' | '〞' => {
            Sign::Ascii('"')
        }
        '‘' | '’' | '‚' | '‛' | '‹' | '›' => Sign::Ascii('\''),
        '‐' | '‑' | '−' | '﹣' => Sign::Ascii('-'),
        '【' => Sign::Ascii('['),
        '】' => Sign::Ascii(']'),
        '│' | '┃' | '║' => Sign::Ascii('|'),
        // Spaces of a set width, and one between characters of full width.
        '\u{a0}' | '\u{2000}'..='\u{200a}' | '\u{202f}' | '\u{205f}' | '\u{3000}' => {
            Sign::Ascii(' ')
        }
        // The soft hyphen, what has no width, marks of direction and of the order of bytes.
        '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2060}'..='\u{2064}' | '\u{feff}' => Sign::Nothing,
        // Unicode: Halfwidth and Fullwidth Forms.
        '！'..='～' => {
            char::from_u32(u32::from(character) - 0xfee0).map_or(Sign::End, Sign::Ascii)
        }
        // Combining marks.
        '\u{300}'..='\u{36f}' => Sign::Letter,
        // From Thai on, many scripts set no spaces between words.
        _ if character < '\u{e00}' && character.is_alphabetic() => Sign::Letter,
        _ => Sign::End,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str, told: bool) -> Option<String> {
        plain(text, told).map(|level| level.text)
    }

    #[test]
    fn typeset_text_becomes_plain() {
        for (text, inside) in [
            ("“password=x1”", "\"password=x1\""),
            ("„a=1“, ‘b=2’", "\"a=1\", 'b=2'"),
            ("パスワード：x1。", "パスワード:x1"),
            ("設定はa=1です。b", "a=1 b"),
            ("a=1—then b", "a=1 then b"),
            ("a=1— b", "a=1 b"),
            ("✅a=1✅", "a=1"),
            ("a\u{a0}b=1", "a b=1"),
            ("x\n“a=1”\ny\n„b“\n„c: d“\nz", "\n\"a=1\"\n\n\"c: d\"\n"),
            ("ａｂ＝１", "ab=1"),
            ("key=1… 2", "key=1 2"),
        ] {
            assert_eq!(read(text, true).as_deref(), Some(inside), "{text}");
        }
        for text in
            ["ascii", "don’t", "a — b", "größe=1", "пароль: 1", "a → b ✅ c", "日本語a", "„b“", ""]
        {
            assert_eq!(read(text, true), None, "{text}");
        }
    }

    #[test]
    fn without_a_key_only_what_hides_a_value_counts() {
        for text in ["i-0a\u{200b}bc", "i‑0abc", "ＡＫＩＡ９"] {
            assert!(read(text, false).is_some(), "{text}");
        }
        for text in ["“said”", "a—b", "a\u{200b} b"] {
            assert_eq!(read(text, false), None, "{text}");
        }
    }

    #[test]
    fn spans_map_back() {
        for (text, inside, outside) in [
            ("は“é=x1”だ", "x1", "x1"),
            ("i-0a\u{200b}bc é", "0abc", "0a\u{200b}bc"),
            ("設定はa=1です。b", "a=1", "a=1"),
            ("設定はa=1です。b", "b", "b"),
            ("ａ＝１ b", "1 b", "１ b"),
        ] {
            let level = plain(text, true).unwrap();
            let start = level.text.find(inside).unwrap();
            let outer = level.outer(&(start..start + inside.len()));
            assert_eq!(text.get(outer), Some(outside), "{text}");
        }
    }
}
