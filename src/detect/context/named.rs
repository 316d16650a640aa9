//! Names by their keys alone, as programs and people write keys: JSON, YAML, HCL, INI,
//! XML, flags.

use std::ops::Range;

use memchr::memmem;

use crate::detect::Kind;
use crate::detect::boundary::{self, holds_masked};
use crate::detect::context::behind::{assigned, compared, flag_value, is_pascal, run_for, xml};
use crate::detect::context::bytes::parent;
use crate::detect::context::names::{self, Key, LONGEST, Names, ends_like_a_key, four_before};
use crate::detect::context::value;

/// Objects whose own names these are.
const PARENTS: [&[u8]; 9] = [
    b"bucket",
    b"cluster",
    b"function",
    b"table",
    b"queue",
    b"topic",
    b"stack",
    b"repository",
    b"stream",
];
/// The last words of keys that name a resource whatever stands before them.
const WORDS: [&[u8]; 13] = [
    b"bucket",
    b"bucketname",
    b"clustername",
    b"functionname",
    b"loggroupname",
    b"nodegroupname",
    b"queuename",
    b"repositoryname",
    b"rolename",
    b"stackname",
    b"streamname",
    b"tablename",
    b"topicname",
];
/// A key of several words is longer.
const SHORTEST: usize = 7;
/// So near to a resource of CloudFormation its properties are looked for.
const BLOCK: usize = 400;

/// A value whose key names it.
#[derive(Debug)]
pub(crate) struct Named {
    pub span: Range<usize>,
    pub kind: Kind,
    /// The key suffices; else there must be other signs of AWS.
    pub alone: bool,
}

/// The key before a sign.
pub(super) struct Before<'t> {
    pub word: &'t [u8],
    pub key: Key,
    pub start: usize,
    pub quoted: bool,
}

/// What is found in one text.
#[derive(Debug, Default)]
pub(crate) struct Findings {
    pub all: Vec<Named>,
    /// A key that names something stands here.
    pub told: bool,
    /// Where the type of a resource of CloudFormation stands last.
    pub typed: usize,
    /// Something here is AWS's for certain.
    pub aws: bool,
    /// Up to here, tables are read already.
    pub table: usize,
    /// Up to here, commands are read already.
    pub command: usize,
    /// Up to here, lines are read already that may name columns.
    pub columns: usize,
    /// The same for columns that the word for an account stands beside.
    pub ids: usize,
    /// The same for lists of accounts.
    pub lists: usize,
    /// Up to here, rows of text are read already.
    pub row: usize,
    /// Up to here, arguments of calls are read already.
    pub call: usize,
    /// The same for settings of AWS's.
    pub section: usize,
    /// The same for what tools put out.
    pub outputs: usize,
    /// The same for tables of eksctl.
    pub nodes: usize,
    /// Up to here, blocks of Terraform are read already.
    pub block: usize,
    /// Costs are told by account here: texts in quotes may be accounts.
    pub linked: bool,
}

impl Names {
    /// A sign between a key and its value: `:`, `=`, `|` or `>`. The key ends at `end`.
    pub(crate) fn at_sign(&self, text: &[u8], at: usize, end: usize, out: &mut Findings) {
        let rest = text.get(at..).unwrap_or_default();
        let from = match rest {
            [b'=', b'=', b'=', ..] => at + 3,
            [b'=', b'=', ..] => at + 2,
            [b':', b':', ..] | [b'=', b'~', ..] => return,
            [b':', b'=', ..] | [b'=', b'>', ..] => at + 2,
            [b'|', ..] if at < out.table => return,
            _ => at + 1,
        };
        let Some(before) = self.before(text, at, end, out.typed) else { return };
        out.told = true;
        out.aws |= before.key.alone;
        match rest.first() {
            Some(b'>') => xml(text, from, &before, out),
            Some(b'|') => self.cells(text, at, &before, out),
            _ if from > at + 1 && rest.starts_with(b"==") => compared(text, from, &before, out),
            _ => assigned(text, from, &before, out),
        }
    }

    /// The second hyphen before a flag, which ends at `end`.
    pub(crate) fn at_flag(&self, text: &[u8], hyphen: usize, end: usize, out: &mut Findings) {
        let word = text.get(hyphen + 1..end).unwrap_or_default();
        if text.get(end) != Some(&b' ') {
            return;
        }
        let Some(key) = self.key(word) else { return };
        out.told = true;
        out.aws |= key.alone;
        let mut from = end;
        while let Some(next) = flag_value(text, from, key) {
            if let Some(span) = value::name(text, next.clone(), word) {
                out.all.push(Named { span, kind: key.kind, alone: key.alone });
            }
            if !key.list {
                return;
            }
            from = next.end + usize::from(text.get(next.end).is_some_and(|b| b"\"'".contains(b)));
        }
    }

    /// The whole of a leaf, by the JSON key that it has.
    pub(crate) fn leaf(&self, text: &[u8], label: &str, out: &mut Findings) {
        let label = label.as_bytes();
        let Some(key) = self.key(label) else { return };
        let sure = key.alone || is_pascal(label);
        out.aws |= key.alone;
        let whole = run_for(key, text, 0) == (0..text.len());
        if let Some(span) = value::name(text, 0..text.len(), label).filter(|_| whole) {
            out.all.push(Named { span, kind: key.kind, alone: sure });
        }
    }

    fn before<'t>(
        &self,
        text: &'t [u8],
        at: usize,
        end: usize,
        typed: usize,
    ) -> Option<Before<'t>> {
        // Most signs end here.
        if !ends_like_a_key(four_before(text, end)) {
            return None;
        }
        let head = text.get(end.saturating_sub(LONGEST + 1)..end)?;
        let of_word = |b: &&u8| b.is_ascii_alphanumeric() || b"_-".contains(b);
        let len = head.iter().rev().take_while(of_word).count();
        // The letter of an escape stands before it: `\\nTableName: x`.
        let escaped = match head.get(..head.len() - len) {
            Some([.., b'\\']) => usize::from(boundary::ends_escape(text, end - len + 1)),
            _ => 0,
        };
        let word = head.get(head.len() - len + escaped..)?;
        let start = end - len + escaped;
        let key = self.key(word).or_else(|| self.of_words(word));
        let key = key.or_else(|| self.of_parent(text, start, word));
        let key = key.or_else(|| self.of_type(text, start, word, typed))?;
        let quoted = text.get(end).is_some_and(|b| b"\"\\'".contains(b)) && end < at;
        Some(Before { word, key, start, quoted })
    }

    /// A key whose last words are one: `raw_bucket_name`, `ordersTableName`. What the others say
    /// does not count, so that it needs signs of AWS.
    pub(super) fn of_words(&self, word: &[u8]) -> Option<Key> {
        let long = word.len() > SHORTEST && word.len() <= LONGEST;
        let ending = || WORDS.iter().find(|ending| names::ends_in(word, ending));
        let ending = Some(()).filter(|()| long).and_then(|()| ending())?;
        // What stands where a value was is no part of the name.
        let key = self.key(ending).filter(|_| !holds_masked(word))?;
        Some(Key { alone: false, ..key })
    }

    /// The key `name` as the first of an object that its own key tells: `"bucket": {"name": "…"}`,
    /// as events of S3 have it.
    fn of_parent(&self, text: &[u8], start: usize, word: &[u8]) -> Option<Key> {
        if word != b"name" {
            return None;
        }
        let parent = parent(text, start)?;
        let key = self.key(&[parent, b"name"].concat()).filter(|_| PARENTS.contains(&parent))?;
        Some(Key { alone: false, ..key })
    }

    /// The key `Name` of a resource of CloudFormation, below its type, which stands last at `typed`.
    fn of_type(&self, text: &[u8], start: usize, word: &[u8], typed: usize) -> Option<Key> {
        if word != b"Name" || typed == 0 || start > typed + BLOCK {
            return None;
        }
        let head = text.get(..typed)?;
        let names = [b"Type: ".as_slice(), b"Type\": \"", b"Type\":\""];
        let named = names.iter().any(|key| head.ends_with(key));
        (named && is_property(text.get(typed..start)?)).then_some(())?;
        let kind = self.meaning(b"tag", b"name")?;
        Some(Key { kind, alone: true, spaced: false, list: false })
    }
}

/// Does a property of the resource itself follow what stands behind its type? One of a property
/// stands further to the right, and what belongs to another resource further to the left.
fn is_property(between: &[u8]) -> bool {
    const PROPERTIES: &[u8] = b"Properties";
    let found = memmem::find(between, PROPERTIES);
    let rest = found.and_then(|at| between.get(at + PROPERTIES.len()..)).unwrap_or_default();
    let sign = rest.iter().take_while(|b| b"\": {\r".contains(b)).count();
    let rest = rest.get(sign..).unwrap_or_default();
    let Some(lines) = rest.strip_prefix(b"\n") else { return sign > 0 && rest.is_empty() };
    let indent = |line: &[u8]| line.iter().take_while(|b| **b == b' ').count();
    let first = lines.split(|b| *b == b'\n').next().map(indent).unwrap_or_default();
    let mut lines = lines.split(|b| *b == b'\n').rev();
    let own = lines.next().unwrap_or_default();
    let alone = own.iter().skip(first).all(|b| *b == b'"') && indent(own) == first;
    alone && lines.all(|line| line.trim_ascii().is_empty() || indent(line) >= first)
}
