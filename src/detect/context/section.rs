//! Settings below the key `aws`, whose keys are words that others use too: `bucket`, `queue`.
//!
//! In YAML, INI and JSON, in keys with dots (`aws.s3.bucket=NAME`), in what an action of GitHub is
//! given (`uses: aws-actions/amazon-ecs-…`), and in steps of Jenkins (`withAWS(role: 'NAME')`).

use std::ops::Range;

use crate::detect::Kind;
use crate::detect::context::bytes::{line, line_start, over, part};
use crate::detect::context::named::{Findings, Named};
use crate::detect::context::names::{Names, plain};
use crate::detect::context::value;

/// How such settings begin.
pub(crate) const HEADS: [&str; 10] = [
    "aws:",
    "[aws",
    "\"aws\":",
    "aws.",
    "aws-actions/amazon-ecs-",
    "withAWS(",
    "s3Upload(",
    "s3Download(",
    "s3Delete(",
    "cfnUpdate(",
];
/// No section is read further, and no line.
const SECTION: usize = 1 << 14;
const LINE: usize = 512;
/// No key is longer.
const KEY: usize = 64;
/// Between a key and its value.
const BETWEEN: usize = 16;
/// What settings hold in the table of members.
const SETTINGS: &[u8] = b"section";

/// What of a section's lines belong to it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Ends {
    /// Those that stand further to the right.
    Indent(usize),
    /// Those before the next head.
    Bracket,
}

impl Names {
    /// The settings that begin with the head at `head`.
    pub(crate) fn section(&self, text: &[u8], head: Range<usize>, out: &mut Findings) {
        // In settings that are read none begin, so that each byte is read once.
        if head.start < out.section {
            return;
        }
        let own = part(text, &head);
        if own == b"aws." {
            out.section = self.dotted(text, head.start, out);
            return;
        }
        let line = line_around(text, head.start);
        let before = part(text, &(line.start..head.start));
        let behind = part(text, &(head.end..line.end)).trim_ascii();
        let margin = before.iter().all(|b| *b == b' ');
        out.section = match own {
            b"aws:" if margin && behind.is_empty() => {
                self.lines(text, line.end, Ends::Indent(before.len()), SETTINGS, out)
            }
            b"[aws" if margin && matches!(behind, [b']'] | [b'.' | b':', .., b']']) => {
                self.lines(text, line.end, Ends::Bracket, SETTINGS, out)
            }
            b"\"aws\":" if behind.starts_with(b"{") => self.object(text, head.end, out),
            b"aws-actions/amazon-ecs-" => {
                let uses = before.iter().take_while(|b| b" -".contains(b)).count();
                let indent = uses.saturating_sub(1);
                self.lines(text, line.end, Ends::Indent(indent), b"ecs", out)
            }
            _ if own.ends_with(b"(") => self.step(text, head.end, out),
            _ => head.end,
        };
    }

    /// Lines of YAML or INI behind a head. Gives where they end.
    fn lines(&self, text: &[u8], from: usize, ends: Ends, of: &[u8], out: &mut Findings) -> usize {
        let mut at = from;
        let mut parent: &[u8] = b"";
        while at < text.len() && at < from + SECTION {
            let rest = text.get(at + 1..).unwrap_or_default();
            let len = line(rest.get(..LINE).unwrap_or(rest)).0;
            let own = at + 1..at + 1 + len;
            let whole = part(text, &own);
            let indent = whole.len() - whole.trim_ascii_start().len();
            let over = match ends {
                Ends::Indent(least) => indent <= least,
                Ends::Bracket => whole.starts_with(b"["),
            };
            let skipped = whole.trim_ascii().is_empty() || whole.trim_ascii().starts_with(b"#");
            if (over && !skipped) || (len == LINE) {
                break;
            }
            parent = self.setting(text, own.start + indent, own.end, (of, parent), out);
            at = own.end;
        }
        at
    }

    /// `key: value` or `key = value`, up to the end of its line. Gives the key, if its values follow.
    fn setting<'t>(
        &self,
        text: &'t [u8],
        start: usize,
        end: usize,
        (of, parent): (&[u8], &'t [u8]),
        out: &mut Findings,
    ) -> &'t [u8] {
        let key = word(text, start);
        let sign = over(text, key.end, 2, b" ");
        let name = part(text, &key);
        if name.is_empty() || !matches!(text.get(sign), Some(b':' | b'=')) {
            return parent;
        }
        let from = over(text, sign + 1, BETWEEN, b" \t");
        if from >= end {
            return name;
        }
        let span = value::run(text, over(text, from, 1, b"\"'"));
        let behind = part(text, &(span.end..end)).trim_ascii();
        let whole = matches!(behind, [] | [b'"' | b'\''] | [b'#', ..] | [b'"' | b'\'', b' ', ..]);
        if whole {
            let kind = if name == b"name" { self.of(of, parent) } else { self.of(of, name) };
            push(text, span, name, kind, out);
        }
        parent
    }

    /// The texts of an object in JSON, behind its key. Gives where it ends.
    fn object(&self, text: &[u8], from: usize, out: &mut Findings) -> usize {
        let near = text.get(..from + SECTION).unwrap_or(text);
        let (mut depth, mut at) = (0_u32, from);
        while let Some(&byte) = near.get(at) {
            match byte {
                b'{' => depth += 1,
                b'}' if depth <= 1 => return at,
                b'}' => depth -= 1,
                b'"' => {
                    let key = word(near, at + 1);
                    let sign = over(near, over(near, key.end, 1, b"\""), BETWEEN, b" ");
                    if near.get(sign) == Some(&b':') {
                        let open = over(near, sign + 1, BETWEEN, b" ");
                        let span = value::run(near, open + 1);
                        let quoted =
                            near.get(open) == Some(&b'"') && near.get(span.end) == Some(&b'"');
                        let name = part(near, &key);
                        let kind = self.of(SETTINGS, name).filter(|_| quoted);
                        push(near, span.clone(), name, kind, out);
                        at = if quoted { span.end } else { sign };
                    } else {
                        at = key.end.max(at);
                    }
                }
                _ => {}
            }
            at += 1;
        }
        at
    }

    /// `cloud.aws.s3.bucket=NAME`: the last word of the key says what it is.
    fn dotted(&self, text: &[u8], from: usize, out: &mut Findings) -> usize {
        let key = word(text, from);
        let sign = over(text, key.end, 2, b" ");
        let name = part(text, &key).rsplit(|b| *b == b'.').next().unwrap_or_default();
        if matches!(text.get(sign..), Some([b'=' | b':', next, ..]) if !b"=:".contains(next)) {
            let span = value::run(text, over(text, sign + 1, BETWEEN, b" \"'"));
            let rest = text.get(span.end..).unwrap_or_default();
            let ends = rest.first().is_none_or(|b| b.is_ascii_whitespace() || b"\"'}".contains(b));
            let kind = self.of(SETTINGS, name).filter(|_| ends);
            push(text, span, name, kind, out);
        }
        key.end
    }

    /// The arguments of a step of Jenkins: `withAWS(role: 'NAME', …)`.
    fn step(&self, text: &[u8], from: usize, out: &mut Findings) -> usize {
        let near = text.get(from..).unwrap_or_default();
        let near = near.get(..LINE).unwrap_or(near);
        let end = from + near.iter().position(|b| b")\n".contains(b)).unwrap_or(near.len());
        let mut at = from;
        while at < end {
            let key = word(text, over(text, at, BETWEEN, b" ,"));
            let sign = over(text, key.end, 2, b" ");
            let open = over(text, sign + 1, 2, b" ");
            let quote = text.get(open).filter(|b| b"'\"".contains(b));
            if text.get(sign) != Some(&b':') {
                break;
            }
            let span = value::run(text, open + 1);
            let name = part(text, &key);
            let closed = quote.is_some() && text.get(span.end) == quote;
            push(text, span.clone(), name, self.of(SETTINGS, name).filter(|_| closed), out);
            at = if closed { span.end + 1 } else { over(text, open, LINE, OF_VALUE) };
        }
        at.min(end).max(from)
    }

    /// What a setting of this name is.
    fn of(&self, of: &[u8], name: &[u8]) -> Option<Kind> {
        self.meant(of, b"", &plain(name))
    }
}

/// What an argument that is no text may hold.
const OF_VALUE: &[u8] = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.'\"/-*$";

fn push(text: &[u8], span: Range<usize>, key: &[u8], kind: Option<Kind>, out: &mut Findings) {
    let own = key != b"profile" || value::is_profile(part(text, &span));
    let span = kind.filter(|_| own).and_then(|_| value::name(text, span, key));
    out.all.extend(span.zip(kind).map(|(span, kind)| Named { span, kind, alone: true }));
}

/// A key, which may have dots.
fn word(text: &[u8], from: usize) -> Range<usize> {
    let rest = text.get(from..).unwrap_or_default();
    let of_key = |b: &&u8| b.is_ascii_alphanumeric() || b"_-.".contains(b);
    from..from + rest.iter().take(KEY).take_while(of_key).count()
}

/// The line around `at`, as far as it is read.
fn line_around(text: &[u8], at: usize) -> Range<usize> {
    let first = at.saturating_sub(LINE);
    let start = first + line_start(text.get(first..at).unwrap_or_default());
    let rest = text.get(at..).unwrap_or_default();
    start..at + line(rest.get(..LINE).unwrap_or(rest)).0
}
