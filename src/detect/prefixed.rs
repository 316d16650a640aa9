//! Lines behind numbers, paths, times and names, as tools print them: what stands on several lines
//! is read without what each begins with.
//!
//! `     7→password: x` (Claude Code, `cat -n`), `app.yml:7:password: x` (`grep -n`),
//! `+password: x` (`git diff`), `api-1  | password: x` (`docker compose logs`),
//! `2026-11-22T10:00:00Z password: x` (GitHub Actions), `> password: x`.

use std::ops::Range;

use memchr::{memchr, memmem};

use crate::detect::context::bytes;
use crate::detect::deep::Decoded;

/// A prefix in a prefix: a log of a container in a log of a job.
pub(super) const LEVELS: usize = 2;
/// A text of whose first lines none has a prefix has none.
const TRIES: usize = 8;
/// No prefix is longer.
const LONGEST: usize = 200;
/// How times begin.
const TIME: &[u8] = b"dddd-dd-ddTdd:dd:dd";
/// `cat -n` makes numbers as wide.
const ALIGNED: usize = 6;
/// No line has a larger number.
const DIGITS: usize = 7;

/// The text without the prefixes of its lines, if two lines that follow each other have any.
pub(super) fn cut(text: &str) -> Option<Decoded> {
    cut_by(text, begin)
}

/// The same of numbers that are set apart as `Read` and `cat -n` do: nothing is found in them, while
/// others may be the first column of a table, or a part of what stands behind them.
pub(super) fn cut_numbers(text: &str) -> Option<Decoded> {
    cut_by(text, |line, behind, _| {
        let (before, len) = apart(line)?;
        apart(behind).filter(|(next, _)| *next > before)?;
        Some((Form::Apart(before), len))
    })
}

/// Does [`cut_numbers`] cut any?
pub(super) fn is_numbered(text: &str) -> bool {
    let mut before = None;
    let mut lines = Lines { text: text.as_bytes(), at: 0 };
    lines.by_ref().take(TRIES + 1).any(|line| {
        let number = apart(text.as_bytes().get(line).unwrap_or_default());
        let number = number.map(|(number, _)| number);
        let grows = before < number && before.is_some();
        before = number;
        grows
    })
}

fn cut_by<'t>(
    text: &'t str,
    begin: impl Fn(&'t [u8], &'t [u8], bool) -> Option<(Form<'t>, usize)>,
) -> Option<Decoded> {
    let bytes = text.as_bytes();
    let (mut lines, mut out) = (Lines { text: bytes, at: 0 }, None::<Decoded>);
    let (mut form, mut diff) = (None::<Form<'_>>, false);
    let (mut ended, mut copied) = (0, 0);
    let mut next = lines.next();
    let mut tried = 0;
    while let Some(line) = next {
        next = lines.next();
        let own = bytes.get(line.clone()).unwrap_or_default();
        diff |= [b"@@ -".as_slice(), b"diff --git "].iter().any(|head| own.starts_with(head));
        let goes_on = form.as_mut().and_then(|form| form.goes_on(own));
        let len = goes_on.or_else(|| {
            let behind = next.clone().and_then(|next| bytes.get(next)).unwrap_or_default();
            let (begun, len) = begin(own, behind, diff)?;
            form = Some(begun);
            Some(len)
        });
        let Some(len) = len else {
            form = None;
            tried += 1;
            if out.is_none() && tried >= TRIES {
                return None;
            }
            continue;
        };
        let out = out.get_or_insert_with(|| Decoded::with_capacity(text.len()));
        out.copy(text, ended, copied..line.start);
        (ended, copied) = (line.start, line.start + len);
    }
    let mut out = out?;
    out.copy(text, ended, copied..text.len());
    Some(out)
}

/// What lines begin with.
#[derive(Clone, Copy)]
enum Form<'t> {
    /// A number that grows: the last.
    Number(u32),
    /// The same, set apart.
    Apart(u32),
    /// The path of a file, and a number.
    Path(&'t [u8]),
    /// A name before a bar.
    Service(&'t [u8]),
    Time,
    Journal,
    Build,
    Quote,
    /// What a line of a difference is.
    Sign,
}

/// The form of the prefix that a line and the one behind it have, and how long it is here.
fn begin<'t>(line: &'t [u8], behind: &[u8], diff: bool) -> Option<(Form<'t>, usize)> {
    let of = |mut form: Form<'t>| form.goes_on(line).map(|len| (form, len));
    let path = path(line).and_then(|path| line.get(..path));
    let forms = [
        diff.then_some(Form::Sign).and_then(of),
        number(line).map(|(number, len)| (Form::Number(number), len)),
        path.map(Form::Path).and_then(of),
        service(line).map(Form::Service).and_then(of),
        of(Form::Time),
        of(Form::Journal),
        of(Form::Build),
        of(Form::Quote),
    ];
    let goes_on = |begun: &(Form<'_>, usize)| {
        let (mut form, _) = *begun;
        form.goes_on(behind).is_some()
    };
    forms.into_iter().flatten().find(goes_on)
}

impl Form<'_> {
    /// How long the prefix of this line is, if it has the form.
    fn goes_on(&mut self, line: &[u8]) -> Option<usize> {
        match self {
            Self::Number(last) => {
                let (number, len) = number(line).filter(|(number, _)| number > last)?;
                *last = number;
                Some(len)
            }
            Self::Apart(last) => {
                let (number, len) = apart(line).filter(|(number, _)| number > last)?;
                *last = number;
                Some(len)
            }
            Self::Path(path) => numbered(line.strip_prefix(*path)?).map(|len| path.len() + len),
            Self::Service(name) => {
                let rest = line.strip_prefix(*name)?;
                service_bar(rest).map(|len| name.len() + len)
            }
            Self::Time => time(line),
            Self::Journal => journal(line),
            Self::Build => build(line),
            Self::Quote => line.starts_with(b"> ").then_some(2),
            Self::Sign => matches!(line, [b'+' | b'-' | b' ', ..]).then_some(1),
        }
    }
}

/// `     7→`, `     7\t`, `7:`, `7-`
fn number(line: &[u8]) -> Option<(u32, usize)> {
    let gap = line.iter().position(|b| *b != b' ')?;
    let (mut at, mut number) = (gap, 0);
    while let Some(digit) = line.get(at).filter(|b| b.is_ascii_digit()) {
        if at - gap == DIGITS {
            return None;
        }
        number = number * 10 + u32::from(digit - b'0');
        at += 1;
    }
    let sign = match line.get(at..)? {
        _ if at == gap => return None,
        [b'\t', ..] => 1,
        [b'\\', b't', ..] => 2,
        rest if rest.starts_with("→".as_bytes()) => "→".len(),
        [b':' | b'-', ..] if gap == 0 => 1,
        _ => return None,
    };
    Some((number, at + sign))
}

/// `     7→`, `7→`, `     7\t`
fn apart(line: &[u8]) -> Option<(u32, usize)> {
    let (number, len) = number(line)?;
    let prefix = line.get(..len)?;
    let aligned = prefix.first() == Some(&b' ') && len > ALIGNED && !prefix.ends_with(b":");
    (prefix.ends_with("→".as_bytes()) || aligned).then_some((number, len))
}

fn digits(text: &[u8]) -> usize {
    text.iter().take(DIGITS + 1).take_while(|b| b.is_ascii_digit()).count()
}

/// `:7:`, `-7-`
fn numbered(rest: &[u8]) -> Option<usize> {
    let [b':' | b'-', rest @ ..] = rest else { return None };
    let digits = digits(rest);
    (digits > 0 && matches!(rest.get(digits), Some(b':' | b'-'))).then_some(digits + 2)
}

/// How long the path is before a number.
fn path(line: &[u8]) -> Option<usize> {
    let near = line.get(..LONGEST).unwrap_or(line);
    let near = near.get(..memchr(b' ', near).unwrap_or(near.len()))?;
    let signs = memchr::memchr2_iter(b':', b'-', near);
    let len =
        signs.into_iter().find(|&at| numbered(line.get(at..).unwrap_or_default()).is_some())?;
    let path = near.get(..len)?;
    path.iter().any(|b| b"/.".contains(b)).then_some(len)
}

/// `api-1` of `api-1  | `
fn service(line: &[u8]) -> Option<&[u8]> {
    let of_name = |b: &&u8| b.is_ascii_alphanumeric() || b"_.-".contains(b);
    let len = line.iter().take(LONGEST).take_while(of_name).count();
    let name = line.get(..len).filter(|name| !name.is_empty())?;
    service_bar(line.get(len..)?).map(|_| name)
}

fn service_bar(rest: &[u8]) -> Option<usize> {
    let gap = rest.iter().take(LONGEST).take_while(|b| **b == b' ').count();
    (gap > 0 && rest.get(gap..)?.starts_with(b"| ")).then_some(gap + 2)
}

/// `2026-11-22T10:00:00.123Z `, behind the names of a job and its step.
fn time(line: &[u8]) -> Option<usize> {
    let near = line.get(..LONGEST).unwrap_or(line);
    let named = memchr::memchr_iter(b'\t', near).nth(1).map(|at| at + 1);
    [Some(0), named].into_iter().flatten().find_map(|from| {
        let rest = near.get(from..)?;
        let fits = |(own, form): (&u8, &u8)| match form {
            b'd' => own.is_ascii_digit(),
            form => own == form,
        };
        let len = memchr(b' ', rest)?;
        let is = len >= TIME.len() && rest.iter().zip(TIME).all(fits);
        is.then_some(from + len + 1)
    })
}

/// `Nov 22 10:00:00 host app[1]: `
fn journal(line: &[u8]) -> Option<usize> {
    let [month @ .., _, _, b':', _, _, b':', _, _, b' '] = line.get(..16)? else { return None };
    let named = month.first().is_some_and(u8::is_ascii_uppercase) && month.get(3) == Some(&b' ');
    let near = line.get(16..line.len().min(LONGEST))?;
    let len = memmem::find(near, b": ").filter(|_| named)?;
    Some(16 + len + 2)
}

/// `#12 0.412 `
fn build(line: &[u8]) -> Option<usize> {
    let rest = line.strip_prefix(b"#")?;
    let step = digits(rest);
    let rest = rest.get(step..)?.strip_prefix(b" ").filter(|_| step > 0)?;
    let seconds = rest.iter().take(DIGITS * 2).take_while(|b| b.is_ascii_digit() || **b == b'.');
    let seconds = seconds.count();
    (seconds > 2 && rest.get(seconds) == Some(&b' ')).then_some(1 + step + 1 + seconds + 1)
}

/// The lines of a text, without what ends them: a line break, or one that is escaped.
struct Lines<'t> {
    text: &'t [u8],
    at: usize,
}

impl Iterator for Lines<'_> {
    type Item = Range<usize>;

    fn next(&mut self) -> Option<Range<usize>> {
        let start = self.at;
        let (len, end) = bytes::line(self.text.get(start..)?);
        // Behind the last line stands none.
        self.at = if end == 0 { self.text.len() + 1 } else { start + len + end };
        Some(start..start + len)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prefixes_are_cut() {
        for (text, inside) in [
            ("     1→a\n     2→b\n    10→c", "a\nb\nc"),
            ("x\n     9\ta\n    10\tb\n\nend", "x\na\nb\n\nend"),
            ("say \"     1→a\\n     2→b\\n     3→c\"", "say \"     1→a\\nb\\nc\""),
            ("1→a\\n2→b\\n", "a\\nb\\n"),
            ("7:a\n8-b\n--\n20:c\n21-d", "a\nb\n--\nc\nd"),
            ("a/b.c:7:x\na/b.c-8-y\nd.c:1:z\nd.c-2-w", "x\ny\nz\nw"),
            (
                "diff --git a/x b/x\n@@ -1 +1 @@\n-a\n+b\n c",
                "diff --git a/x b/x\n@@ -1 +1 @@\na\nb\nc",
            ),
            ("api-1  | a\napi-1  | b", "a\nb"),
            ("2026-11-22T10:00:00.1Z a\n2026-11-22T10:00:01Z b", "a\nb"),
            ("j\ts\t2026-11-22T10:00:00Z a\nj\ts\t2026-11-22T10:00:00Z b", "a\nb"),
            ("Nov 22 10:00:00 h a[1]: x\nNov 22 10:00:01 h a[1]: y", "x\ny"),
            ("#12 0.412 a\n#12 0.5 b", "a\nb"),
            ("> a\n> b\nc", "a\nb\nc"),
        ] {
            let decoded = cut(text).expect(text);
            assert_eq!(decoded.text, inside, "{text}");
            assert_eq!(is_numbered(text), cut_numbers(text).is_some(), "{text}");
        }
    }

    #[test]
    fn other_texts_have_none() {
        for text in [
            "",
            "one line",
            "     1→a",
            "     1→a\n     1→b",
            "     2→a\n     1→b",
            "a: 1\nb: 2",
            "10:23:45 a\n10:23:45 b",
            "+a\n-b",
            "| a | b |\n| c | d |",
            "> a",
            "a\nb\nc\nd\ne\nf\ng\nh\n1→a\n2→b",
        ] {
            assert!(cut(text).is_none() && !is_numbered(text), "{text}");
        }
    }

    #[test]
    fn spans_map_back() {
        let text = "     1→a: é\n     2→b\n";
        let decoded = cut(text).unwrap();
        for (inside, outside) in
            [("a: é", "a: é"), ("b", "b"), ("é\nb", "é\n     2→b"), ("é\n", "é\n")]
        {
            let start = decoded.text.find(inside).unwrap();
            let outer = decoded.outer(&(start..start + inside.len()));
            assert_eq!(text.get(outer), Some(outside));
        }
    }
}
