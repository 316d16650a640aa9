//! What people, word processors and programs set around values: curly quotes, dashes, wide signs,
//! spaces that do not break, text without spaces between its words, marks without a width, all of
//! them escaped too (`\u201c`), and signs as HTML escapes them (`&quot;`). It is read as if ASCII
//! stood there: `“password=X”`, `パスワード：X。`, `password=X—then`.

use std::ops::Range;

use crate::detect::deep::{self, Decoded};

/// So much is looked at together.
const BLOCK: usize = 64;

/// What HTML and XML escape.
const ENTITIES: [(&str, char); 9] = [
    ("&quot;", '"'),
    ("&#34;", '"'),
    ("&#x22;", '"'),
    ("&apos;", '\''),
    ("&#39;", '\''),
    ("&#x27;", '\''),
    ("&lt;", '<'),
    ("&gt;", '>'),
    ("&amp;", '&'),
];

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
    let escaped = is_escaped(text);
    while let Some(start) = next(text.as_bytes(), at, escaped) {
        let line = line(text.as_bytes(), at, start);
        at = line.end;
        if !may_hold(text.get(line.clone()).unwrap_or_default()) {
            continue;
        }
        let Some(changes) = changes(text, start..line.end, (told, escaped)) else { continue };
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
    (told, escaped): (bool, bool),
) -> Option<Vec<(Range<usize>, Option<char>)>> {
    let (mut all, mut tells, mut at) = (Vec::new(), false, part.start);
    while let Some(start) = next(text.as_bytes(), at, escaped).filter(|start| *start < part.end) {
        let rest = text.get(start..part.end).unwrap_or_default();
        let Some((sign, mut len)) = read(rest) else {
            at = start + 1;
            continue;
        };
        while sign == Sign::End
            && let Some((Sign::End, more)) = read(rest.get(len..).unwrap_or_default())
        {
            len += more;
        }
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
            // It hides a key from who looks before a colon.
            Sign::Ascii('"') if rest.starts_with('&') => true,
            Sign::Nothing => around.in_word(),
            Sign::Ascii(sign) => sign == '-' || sign.is_ascii_alphanumeric(),
            _ => false,
        };
        tells |= hides || (told && around.touches());
        all.push((start..at, with));
    }
    tells.then_some(all)
}

/// What begins here, and its length.
fn read(rest: &str) -> Option<(Sign, usize)> {
    let first = rest.chars().next()?;
    match first {
        '&' => entity(rest),
        '\\' => {
            let deeper = deep::deeper(rest.as_bytes());
            let (character, len) = deep::escape_at(rest.as_bytes().get(deeper..)?)?;
            (!character.is_ascii()).then(|| (sign(character), deeper + len))
        }
        _ if first.is_ascii() => None,
        _ => Some((sign(first), first.len_utf8())),
    }
}

/// A sign of ASCII as HTML and XML escape it.
fn entity(rest: &str) -> Option<(Sign, usize)> {
    let found = ENTITIES.iter().find(|(entity, _)| rest.starts_with(entity));
    found.map(|(entity, sign)| (Sign::Ascii(*sign), entity.len()))
}

/// Does an escape stand in this text?
fn is_escaped(text: &str) -> bool {
    let mut signs = memchr::memchr2_iter(b'&', b'\\', text.as_bytes());
    signs.any(|at| {
        let rest = text.get(at..).unwrap_or_default();
        rest.starts_with("\\u") || entity(rest).is_some()
    })
}

/// The next byte from `at` on that is not of ASCII, or where the text is `escaped`, may begin an
/// escape.
fn next(text: &[u8], at: usize, escaped: bool) -> Option<usize> {
    let rest = text.get(at..)?;
    let escape = |block: &[u8]| escaped && memchr::memchr2(b'&', b'\\', block).is_some();
    let plain = |block: &&[u8]| block.is_ascii() && !escape(block);
    let skip = rest.chunks(BLOCK).take_while(plain).count() * BLOCK;
    let near = rest.get(skip..)?;
    let begins = |at: &usize| match near.get(*at..) {
        Some([b'&', ..]) => escaped,
        Some([b'\\', next, ..]) => escaped && b"\\u".contains(next),
        Some([byte, ..]) => !byte.is_ascii(),
        _ => false,
    };
    (0..near.len()).find(begins).map(|near| at + skip + near)
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
            ("“a=1” don’t", "\"a=1\" don’t"),
            ("<p>&quot;a&quot;: &#39;1&#39;</p>", "<p>\"a\": '1'</p>"),
            (r"\u201ca=1\u201d \\u3002b=2\\u3002 \u00e9 \n", r#""a=1" b=2 \u00e9 \n"#),
        ] {
            assert_eq!(read(text, true).as_deref(), Some(inside), "{text}");
        }
        for text in [
            "ascii",
            "don’t",
            "a — b",
            "größe=1",
            "пароль: 1",
            "a → b ✅ c",
            "日本語a",
            "„b“",
            "a=1 && b",
            r"\na=1 \u0041",
            "",
        ] {
            assert_eq!(read(text, true), None, "{text}");
        }
    }

    #[test]
    fn without_a_key_only_what_hides_a_value_counts() {
        for text in ["i-0a\u{200b}bc", "i‑0abc", "ＡＫＩＡ９", "&quot;a&quot;: 1"] {
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
