//! AWS's command line: the service says what its options name.
//!
//! `--name` may be anything; behind `aws eks describe-cluster` it is a cluster.

use std::ops::Range;

use memchr::memmem;

use crate::detect::Kind;
use crate::detect::context::behind::value_at;
use crate::detect::context::bytes::part;
use crate::detect::context::called::Beside;
use crate::detect::context::named::{Findings, Named};
use crate::detect::context::names::{Key, LONGEST, Names};
use crate::detect::context::value;

/// No command is read further.
const COMMAND: usize = 4096;
/// Commands of tools that work with AWS alone: of eksctl any, of the others those for a stack.
pub(crate) const TOOLS: [&str; 9] = [
    "eksctl ",
    "sam deploy ",
    "sam delete ",
    "sam logs ",
    "sam sync ",
    "cdk deploy ",
    "cdk destroy ",
    "cdk diff ",
    "cdk synth ",
];
const EKSCTL: &[u8] = b"eksctl ";
/// Its values say what they are.
const OVERRIDES: &[u8] = b"parameter-overrides";
/// What ends a command, or begins another inside of it.
const ENDS: &[u8] = b"\n\r;|&()`";

/// What says of which things an operation speaks, not of what: `units-for-parent`.
const WHICH: [&[u8]; 7] = [b"-for-", b"-by-", b"-in-", b"-from-", b"-of-", b"-with-", b"-to-"];

/// What a command is about.
#[derive(Clone, Copy, Debug)]
pub(super) struct About<'t> {
    pub service: &'t [u8],
    /// Without its verb: `cluster` of `describe-cluster`.
    pub operation: &'t [u8],
}

impl<'t> About<'t> {
    /// The things that the operation speaks of: `parameters` of `get-parameters-by-path`,
    /// `projects` of `batch-get-projects`.
    pub(super) fn things(&self) -> &'t [u8] {
        let all = self.operation.strip_prefix(b"get-").unwrap_or(self.operation);
        let ends = WHICH.iter().filter_map(|which| memmem::find(all, which));
        ends.min().and_then(|end| all.get(..end)).unwrap_or(all)
    }
}

impl Names {
    /// What follows `aws `: options for all services, a service, an operation, its options.
    pub(crate) fn command(&self, text: &[u8], from: usize, out: &mut Findings) {
        // Inside of a command that is read none begins, so that each byte is read once.
        if from < out.command {
            return;
        }
        let near = text.get(..from + COMMAND).unwrap_or(text);
        let mut words = Words { text: near, at: from, cut: near.len() < text.len() };
        let about = self.options(&mut words, out);
        out.command = words.at;
        if let (Some(About { service, operation }), Some(answers)) = (about, &self.answers) {
            answers.below(text, &(from..words.at), (service, operation), out);
        }
    }

    fn options<'t>(&self, words: &mut Words<'t>, out: &mut Findings) -> Option<About<'t>> {
        let text = words.text;
        let about = self.about(&mut words.by_ref().map(|word| part(text, &word)))?;
        out.aws = true;
        while let Some(word) = words.next() {
            let Some((option, from)) = option(words.text, &word) else { continue };
            if option == OVERRIDES {
                self.overrides(words, out);
            }
            let Some(key) = self.option(&about, option) else { continue };
            words.at = self.values(words, from, key, option, out).max(words.at);
        }
        Some(about)
    }

    /// Parameters of a stack: `--parameter-overrides ClusterName=NAME Stage=prod`.
    fn overrides(&self, words: &mut Words<'_>, out: &mut Findings) {
        let text = words.text;
        while text.get(skip(text, words.at)) != Some(&b'-') {
            let Some(word) = words.next() else { return };
            let whole = part(text, &word);
            let Some(sign) = whole.iter().position(|b| *b == b'=') else { continue };
            let name = whole.get(..sign).unwrap_or_default();
            let quote = |b: &&u8| b"\"'".contains(b);
            let open = usize::from(whole.get(sign + 1).is_some_and(|b| quote(&b)));
            let close = whole.iter().rev().take(open).filter(quote).count();
            let span = word.start + sign + 1 + open..word.end.saturating_sub(close);
            let called = self.called(name.strip_prefix(b"\"").unwrap_or(name), Beside::Stack);
            let called =
                called.filter(|called| words.holds(&span) && called.fits(part(text, &span)));
            let span = called.and_then(|_| value::name(text, span, name));
            let named =
                span.zip(called).map(|(span, own)| Named { span, kind: own.kind, alone: true });
            out.all.extend(named);
        }
    }

    /// What follows the beginning of a command of eksctl, SAM or CDK: of eksctl a verb and what it is
    /// about; a name, and options.
    pub(crate) fn tool(&self, text: &[u8], head: Range<usize>, out: &mut Findings) {
        let from = head.end;
        if from < out.command {
            return;
        }
        let near = text.get(..from + COMMAND).unwrap_or(text);
        let mut words = Words { text: near, at: from, cut: near.len() < text.len() };
        let mut named = || words.next().filter(|word| is_name(part(near, word)));
        let about = if part(text, &head) == EKSCTL {
            let (Some(_), Some(thing)) = (named(), named()) else { return };
            About { service: b"eksctl", operation: part(near, &thing) }
        } else {
            About { service: b"sam", operation: b"" }
        };
        // `delete cluster NAME`; in a sentence a word follows.
        let key = self.option(&about, b"name");
        let own = key.and_then(|key| value_at(near, skip(near, words.at), key));
        let own = own.filter(|span| value::is_distinct(part(near, span)));
        if let Some(key) = key.filter(|_| own.is_some()) {
            words.at = self.values(&words, words.at, key, b"name", out).max(words.at);
        }
        while let Some(word) = words.next() {
            let Some((option, from)) = option(near, &word).or_else(|| short(near, &word)) else {
                continue;
            };
            out.aws = true;
            let Some(key) = self.option(&about, option) else { continue };
            words.at = self.values(&words, from, key, option, out).max(words.at);
        }
        out.command = words.at;
    }

    /// The service and the operation, if this is a command.
    pub(super) fn about<'t>(
        &self,
        words: &mut impl Iterator<Item = &'t [u8]>,
    ) -> Option<About<'t>> {
        let mut option = false;
        let service = loop {
            let word = words.next()?;
            if self.is_service(word) {
                break word;
            }
            // What follows an option may be its value.
            option = match word {
                [b'-', b'-', ..] => true,
                _ if option => false,
                _ => return None,
            };
        };
        let operation = words.next()?;
        let verb = operation.iter().position(|b| *b == b'-').map_or(0, |at| at + 1);
        let named = operation.first()?.is_ascii_lowercase() && is_name(operation);
        named.then(|| About { service, operation: operation.get(verb..).unwrap_or_default() })
    }

    /// What an option of this command names.
    fn option(&self, about: &About<'_>, option: &[u8]) -> Option<Key> {
        if option.len() > LONGEST || about.operation.len() > LONGEST {
            return None;
        }
        let letters =
            |name: &[u8]| name.iter().filter(|b| **b != b'-').copied().collect::<Vec<_>>();
        let (operation, option) = (letters(about.operation), letters(option));
        let find = |option: &[u8], list| {
            let kind = self.meant(about.service, &operation, option);
            let kind = kind.or_else(|| self.meaning(b"aws", option));
            let list = list || option.ends_with(b"list");
            kind.map(|kind| Key { kind, alone: true, spaced: false, list })
        };
        find(&option, false).or_else(|| find(option.strip_suffix(b"s")?, true))
    }

    /// What a name in small letters means to a service and its operation.
    pub(super) fn meant(&self, service: &[u8], operation: &[u8], name: &[u8]) -> Option<Kind> {
        let of_operation = [service, operation, name].join(&b'.');
        let of_service = [service, name].join(&b'.');
        // What was written by hand first.
        let find = |name: &[u8]| self.members.get(name).or_else(|| self.options.get(name)).copied();
        find(&of_operation).or_else(|| find(&of_service))
    }

    /// The values behind an option; gives where they end.
    fn values(
        &self,
        words: &Words<'_>,
        from: usize,
        key: Key,
        option: &[u8],
        out: &mut Findings,
    ) -> usize {
        let (text, mut at) = (words.text, from);
        loop {
            let start = skip(text, at);
            let value = value_at(text, start, key).filter(|_| text.get(start) != Some(&b'-'));
            let Some(span) = value.filter(|span| words.holds(span)) else { break };
            at = closed(text, &span);
            let own = option != b"profile" || value::is_profile(part(text, &span));
            let span =
                if own { value::name(text, without_revision(text, span), option) } else { None };
            if let Some(span) = span {
                out.all.push(Named { span, kind: key.kind, alone: true });
            }
            if !key.list {
                break;
            }
        }
        at
    }
}

/// `--name` or `--name=…`, and where its value begins.
fn option<'t>(text: &'t [u8], word: &Range<usize>) -> Option<(&'t [u8], usize)> {
    let name = part(text, word).strip_prefix(b"--")?;
    let len = name.iter().position(|b| *b == b'=');
    let from = len.map_or(word.end, |len| word.start + 2 + len + 1);
    let name = name.get(..len.unwrap_or(name.len()))?;
    is_name(name).then_some((name, from))
}

/// `-c`
fn short<'t>(text: &'t [u8], word: &Range<usize>) -> Option<(&'t [u8], usize)> {
    let name = part(text, word).strip_prefix(b"-").filter(|name| name.len() == 1)?;
    is_name(name).then_some((name, word.end))
}

fn is_name(word: &[u8]) -> bool {
    word.iter().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || *b == b'-')
}

/// Behind the quote that closes a value, which may be escaped.
fn closed(text: &[u8], value: &Range<usize>) -> usize {
    let quote = |at: usize| text.get(at).is_some_and(|b| b"\"'`".contains(b));
    if !value.start.checked_sub(1).is_some_and(quote) {
        return value.end;
    }
    let rest = text.get(value.end..).unwrap_or_default();
    value.end + rest.iter().take_while(|b| **b == b'\\').count() + 1
}

/// `family:7` is the seventh revision of `family`.
fn without_revision(text: &[u8], span: Range<usize>) -> Range<usize> {
    let value = part(text, &span);
    let digits = value.iter().rev().take_while(|b| b.is_ascii_digit()).count();
    let name = value.len() - digits;
    match value.get(..name) {
        Some([.., b':']) if digits > 0 => span.start..span.start + name - 1,
        _ => span,
    }
}

/// The words of one command.
struct Words<'t> {
    text: &'t [u8],
    at: usize,
    /// The text goes on, and is not read further.
    cut: bool,
}

impl Iterator for Words<'_> {
    type Item = Range<usize>;

    fn next(&mut self) -> Option<Range<usize>> {
        let start = skip(self.text, self.at);
        self.at = start;
        while let Some(&byte) = self.text.get(self.at) {
            match byte {
                b' ' | b'\t' | b'\\' => break,
                b'"' | b'\'' => self.at = self.quoted(start)?,
                _ if ENDS.contains(&byte) => break,
                _ => self.at += 1,
            }
        }
        (self.at > start).then_some(start..self.at)
    }
}

impl Words<'_> {
    /// Is all of this read? Half of a name is none.
    fn holds(&self, value: &Range<usize>) -> bool {
        !self.cut || value.end < self.text.len()
    }

    /// Behind what is in quotes here. A quote at the end of a word closes what the whole
    /// command stands in.
    fn quoted(&self, start: usize) -> Option<usize> {
        let opens = self.at == start || self.text.get(self.at - 1) == Some(&b'=');
        let rest = self.text.get(self.at..).filter(|_| opens)?;
        let (quote, inner) = rest.split_first()?;
        let len = inner.iter().position(|b| b == quote)?;
        Some(self.at + len + 2)
    }
}

/// Behind spaces, and behind a backslash that lets the command go on in the next line.
fn skip(text: &[u8], from: usize) -> usize {
    let mut at = from;
    loop {
        let rest = text.get(at..).unwrap_or_default();
        at += match rest {
            [b' ' | b'\t', ..] => 1,
            [b'\\', b'\n', ..] => 2,
            [b'\\', b'\r', b'\n', ..] | [b'\\', b'\\', b'\\', b'n', ..] => 3,
            _ => return at,
        };
        at += usize::from(rest.starts_with(br"\\\n"));
    }
}
