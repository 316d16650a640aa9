//! Lines behind numbers, paths, times and names, as tools print them: what stands on several lines
//! is read without what each begins with.
//!
//! `     7→password: x` (Claude Code, `cat -n`), `app.yml:7:password: x` (`grep -n`),
//! `+password: x` (`git diff`), `api-1  | password: x` (`docker compose logs`),
//! `2026-11-22T10:00:00Z password: x` (GitHub Actions), `> password: x`.

use std::ops::Range;

use crate::detect::context::bytes;
use crate::detect::deep::Decoded;
use forms::{Form, apart, begin};

mod forms;

/// A prefix in a prefix: a log of a container in a log of a job.
pub(super) const LEVELS: usize = 2;
/// A text of whose first lines none has a prefix has none.
const TRIES: usize = 8;

/// The text without the prefixes of its lines, if two lines that follow each other have any. Unless
/// `told`, only where a prefix may hide the beginning of what stands behind it.
pub(super) fn cut(text: &str, told: bool) -> Option<Decoded> {
    cut_by(text, begin).filter(|(_, hides)| told || *hides).map(|(cut, _)| cut)
}

/// The same of numbers that are set apart as `Read` and `cat -n` do: nothing is found in them, while
/// others may be the first column of a table, or a part of what stands behind them.
pub(super) fn cut_numbers(text: &str) -> Option<Decoded> {
    let cut = cut_by(text, |line, behind, _| {
        let (before, len) = apart(line)?;
        apart(behind).filter(|(next, _)| *next > before)?;
        Some((Form::Apart(before), len))
    });
    cut.map(|(cut, _)| cut)
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

/// Also tells whether a prefix ends with what may be a part of a value.
fn cut_by<'t>(
    text: &'t str,
    begin: impl Fn(&'t [u8], &'t [u8], bool) -> Option<(Form<'t>, usize)>,
) -> Option<(Decoded, bool)> {
    let bytes = text.as_bytes();
    let (mut lines, mut out) = (Lines { text: bytes, at: 0 }, None::<Decoded>);
    let (mut form, mut diff) = (None::<Form<'_>>, false);
    let (mut ended, mut copied, mut hides) = (0, 0, false);
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
        hides |= own.get(..len).is_some_and(|prefix| matches!(prefix, [.., b'-' | b'+']));
        out.copy(text, ended, copied..line.start);
        (ended, copied) = (line.start, line.start + len);
    }
    let mut out = out?;
    out.copy(text, ended, copied..text.len());
    Some((out, hides))
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
            ("[2026-11-22T10:00:00.1Z] a\n[2026-11-22T10:00:01Z] b", "a\nb"),
            (
                "2026-11-22 10:00:00,118 INFO  [main] c.App - a\n2026-11-22 10:00:01,2 WARN c.B - b",
                "a\nb",
            ),
            ("+a\n+b", "a\nb"),
            ("-  a\n-  b", "  a\n  b"),
            ("      + a\n      + b", "a\nb"),
            (
                "1f2e3d4c (M K 2026-11-22 10:00:00 +0100  9) a\n1f2e3d4c (M 2026-11-22 10:00 10) b",
                "a\nb",
            ),
            ("2026-11-22T10:00:00Z a/b/1 x\n2026-11-22T10:00:00Z a/b/1 y", "a/b/1 x\na/b/1 y"),
            ("a/b/1 x\na/b/1 y", "x\ny"),
        ] {
            let decoded = cut(text, true).expect(text);
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
            "- a\n- b",
            "--a\n--b",
            "/a/b/c x\n/a/b/c y",
            "| a | b |\n| c | d |",
            "> a",
            "a\nb\nc\nd\ne\nf\ng\nh\n1→a\n2→b",
        ] {
            assert!(cut(text, true).is_none() && !is_numbered(text), "{text}");
        }
    }

    #[test]
    fn spans_map_back() {
        let text = "     1→a: é\n     2→b\n";
        let decoded = cut(text, true).unwrap();
        for (inside, outside) in
            [("a: é", "a: é"), ("b", "b"), ("é\nb", "é\n     2→b"), ("é\n", "é\n")]
        {
            let start = decoded.text.find(inside).unwrap();
            let outer = decoded.outer(&(start..start + inside.len()));
            assert_eq!(text.get(outer), Some(outside));
        }
    }
}
