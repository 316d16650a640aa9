//! Account ids that what stands around them tells: below the key `accounts`, in columns, in
//! lines of flow logs.

use std::ops::Range;

use memchr::{memchr, memmem};

use crate::detect::boundary::{left_of, right_of};
use crate::detect::classes::is_region;
use crate::detect::context::bytes::{line, over};
use crate::detect::context::columns::{self, Wanted, line_around, line_behind};
use crate::detect::context::named::{Findings, Named};
use crate::detect::context::shape::{Shape, is_account, is_time};
use crate::detect::context::{Context, Name};

mod told;

/// How keys end that hold accounts by their names, without separators.
const MAPS: [&[u8]; 4] = [b"accounts", b"accountids", b"accountmap", b"accountmapping"];
/// Longer lists are read so far.
const ENTRIES: usize = 4096;
/// The shortest id of a network interface.
const INTERFACE: usize = 8;
/// `1234-5678-9012`
const GROUPED: usize = 14;
/// Spaces and quotes between a key and its value.
const BETWEEN: usize = 64;
/// No parameter with a default is longer.
const BLOCK: usize = 240;
/// A word that says what several ids are follows so soon.
const BEHIND: usize = 40;
/// No name of an environment is longer, with what stands behind it.
const ENVIRONMENT: usize = 32;
/// Names of environments, and those that mean other things, too.
const ENVIRONMENTS: [&str; 11] = [
    "prod",
    "prd",
    "production",
    "stg",
    "stage",
    "staging",
    "sandbox",
    "payer",
    "mgmt",
    "nonprod",
    "preprod",
];
const SHARED: [&str; 14] = [
    "dev",
    "development",
    "test",
    "qa",
    "uat",
    "hub",
    "shared",
    "audit",
    "security",
    "network",
    "root",
    "management",
    "log-archive",
    "infra",
];
/// Accounts on one line stand so near to each other.
const BESIDE: usize = 96;
/// Spaces and line breaks between two entries.
const BREAKS: usize = 256;

/// What is known of the text around a number.
pub(super) struct Seen {
    /// It speaks of AWS.
    pub aws: bool,
    /// Costs are told by account in it.
    pub linked: bool,
    /// Something of AWS's is found in it, or the first.
    pub signs: bool,
}

impl Context {
    /// The word `account`, which may stand in the head of a table or in a key.
    pub(crate) fn accounts(&self, text: &[u8], at: usize, out: &mut Findings) {
        let Some(rule) = self.rules.iter().find(|rule| rule.value == Shape::Account) else {
            return;
        };
        let (kind, alone) = (rule.kind, true);
        let names = |head: &[u8]| rule.has_label(&Name::new(head));
        let all = &mut out.all;
        let wanted = Wanted { names, is: is_account, single: true, again: true };
        let first = all.len();
        columns::below(text, at, &wanted, &mut out.columns, |span| {
            all.push(Named { span, kind, alone });
        });
        // `| Account | ID |`: the word names what the other column holds.
        let id = |head: &[u8]| head.eq_ignore_ascii_case(b"id");
        let wanted = Wanted { names: id, is: is_account, single: false, again: false };
        let key = key(text, at);
        let word = text.get(key.clone()).unwrap_or_default();
        if all.len() == first && word.eq_ignore_ascii_case(b"account") {
            columns::below(text, at, &wanted, &mut out.ids, |span| {
                all.push(Named { span, kind, alone });
            });
        }
        if at >= out.lists {
            out.lists = map(text, &key, |span| all.push(Named { span, kind, alone }));
        }
        if rule.has_label(&Name::new(word)) {
            let default = default(text, key.end);
            all.extend(default.map(|span| Named { span, kind, alone }));
        }
    }
}

/// The rest of the key in which the word stands at `at`.
fn key(text: &[u8], at: usize) -> Range<usize> {
    let rest = text.get(at..).unwrap_or_default();
    let of_key = |b: &&u8| b.is_ascii_alphanumeric() || b"_-".contains(b);
    at..at + rest.iter().take(Name::LONGEST).take_while(of_key).count()
}

/// What a parameter of Terraform or CloudFormation is unless it is given: `variable "account_id" {`
/// with its `default =`, `AccountId:` with its `Default:`.
fn default(text: &[u8], at: usize) -> Option<Range<usize>> {
    let near = text.get(at..text.len().min(at + BLOCK))?;
    let opened = over(near, 0, BETWEEN, b"\\\"' :{\r");
    let block = matches!(near.get(opened..), Some([b'\n', ..] | [b'\\', b'n', ..]))
        || near.get(..opened).is_some_and(|between| between.contains(&b'{'));
    let found = memmem::find(near, b"efault").filter(|_| block)? + b"efault".len();
    // Of the first of several.
    let other = memmem::find_iter(near.get(..found)?, b"Type").count() > 1;
    let sign = over(near, found, BETWEEN, b"\\\"' ");
    matches!(near.get(sign), Some(b':' | b'=') if !other).then_some(())?;
    account(text, at + sign + 1)
}

/// Does what stands around a number of twelve digits make it an account? `last` is the account
/// before it.
pub(super) fn is_told(
    text: &[u8],
    span: &Range<usize>,
    seen: &Seen,
    last: Option<&Range<usize>>,
) -> bool {
    if is_evident(text, span) {
        return true;
    }
    !is_time(text.get(span.clone()).unwrap_or_default())
        && (is_followed(text, span)
            || is_of_environment(text, span, seen.aws)
            || told::is_said(text, span)
            || told::is_changed(text, span)
            || told::is_named(text, span)
            || (seen.signs && is_user(text, span))
            || (seen.linked && is_quoted(text, span))
            || (seen.aws && is_listed(text, span))
            || last.is_some_and(|known| is_beside(text, known, span)))
}

/// `… 481726350914 eni-0123456789abcdef0 …` of a flow log, and `481726350914:/aws/lambda/x`,
/// as CloudWatch names a group of logs.
fn is_evident(text: &[u8], span: &Range<usize>) -> bool {
    let rest = text.get(span.end..).unwrap_or_default();
    let interface = |rest: &[u8]| {
        let digits = rest.iter().take(INTERFACE).take_while(|b| b.is_ascii_hexdigit()).count();
        digits == INTERFACE
    };
    match rest {
        [b' ' | b'\t', b'e', b'n', b'i', b'-', rest @ ..] => interface(rest),
        _ => rest.starts_with(b":/aws/"),
    }
}

/// `481726350914 in eu-west-1`, `481726350914/eu-west-1`, and what is followed by the word for it:
/// `from 481726350914 to the new AWS account`, `prod (481726350914) and dev (…) accounts`.
fn is_followed(text: &[u8], span: &Range<usize>) -> bool {
    let near = text.get(span.end..text.len().min(span.end + BEHIND)).unwrap_or_default();
    let near = near.get(..line(near).0).unwrap_or_default();
    let rest = near.strip_prefix(b" in").unwrap_or(near);
    let gap = rest.iter().take(3).take_while(|b| b" \t/|,".contains(b)).count();
    let of_region = |b: &&u8| b.is_ascii_alphanumeric() || **b == b'-';
    let word = rest.get(gap..).unwrap_or_default();
    let word = word.get(..word.iter().take_while(of_region).count()).unwrap_or_default();
    let said = [b" AWS account".as_slice(), b") accounts", b" accounts"];
    let said = said.iter().filter_map(|word| memmem::find(near, word)).min();
    let said = said.is_some_and(|len| near.get(..len).is_some_and(|own| !own.contains(&b',')));
    (gap > 0 && is_region(word)) || said
}

/// Beside the name of an environment: `prod: 481726350914`, `prod (481726350914)`, `"prod",
/// "481726350914"`, `"481726350914": "prod"`. `aws`: the text speaks of AWS, so that names that
/// others use too will do.
fn is_of_environment(text: &[u8], span: &Range<usize>, aws: bool) -> bool {
    let head = text.get(span.start.saturating_sub(ENVIRONMENT)..span.start).unwrap_or_default();
    let drop = head.iter().rev().take(4).take_while(|b| b" :=(|,\"'`\\".contains(b)).count();
    let between = head.get(head.len() - drop..).unwrap_or_default();
    // In a list, both are in quotes.
    let quotes = between.iter().filter(|b| b"\"'`".contains(b)).count();
    let drop = if between.contains(&b',') && quotes < 2 { 0 } else { drop };
    let head = head.get(..head.len() - drop).unwrap_or_default();
    let of_name = |b: &&u8| b.is_ascii_alphanumeric() || b"_-".contains(b);
    let len = head.iter().rev().take_while(of_name).count();
    let word = head.get(head.len() - len..).unwrap_or_default();
    let is = |word: &[u8], words: &[&str]| {
        words.iter().any(|own| word.eq_ignore_ascii_case(own.as_bytes()))
    };
    let names = |word| is(word, &ENVIRONMENTS) || (aws && is(word, &SHARED));
    let quoted = || matches!(text.get(span.end), Some(b'"' | b'\''));
    (drop > 0 && names(word)) || (quoted() && names(told::next_word(text, span.end)))
}

/// Is this a user as EC2 calls other accounts: `"UserId": "481726350914"`?
fn is_user(text: &[u8], span: &Range<usize>) -> bool {
    let head = text.get(span.start.saturating_sub(ENVIRONMENT)..span.start).unwrap_or_default();
    let drop = head.iter().rev().take_while(|b| b" :=\"\\".contains(b)).count();
    head.get(..head.len() - drop).is_some_and(|head| head.ends_with(b"UserId"))
}

/// What stands beside an account on its line, as `481726350914 (staging)` does, is one too.
fn is_beside(text: &[u8], known: &Range<usize>, span: &Range<usize>) -> bool {
    let between = text.get(known.end..span.start).filter(|between| between.len() < BESIDE);
    between.is_some_and(|between| line(between).1 == 0)
}

/// Is this the whole of a text in quotes?
fn is_quoted(text: &[u8], span: &Range<usize>) -> bool {
    let before = span.start.checked_sub(1).and_then(|at| text.get(at));
    before == Some(&b'"') && matches!(text.get(span.end), Some(b'"' | b'\\'))
}

/// The same in a list, or set in HCL: `trusted = ["481726350914"]`. Keys of JSON say what they hold.
fn is_listed(text: &[u8], span: &Range<usize>) -> bool {
    let head = text.get(..span.start.saturating_sub(1)).unwrap_or_default();
    let near = head.get(head.len().saturating_sub(BETWEEN)..).unwrap_or_default();
    is_quoted(text, span) && matches!(near.trim_ascii_end(), [.., b'[' | b',' | b'='])
}

/// `accounts:` and, in braces or below it, names with their ids. Gives how far it was read.
fn map(text: &[u8], key: &Range<usize>, found: impl FnMut(Range<usize>)) -> usize {
    let at = key.start;
    let name = Name::new(text.get(key.clone()).unwrap_or_default());
    if !MAPS.iter().any(|ending| name.as_bytes().ends_with(ending)) {
        return at;
    }
    let sign = over(text, key.end, BETWEEN, b"\\\"'` ");
    let from = match text.get(sign..) {
        Some([b'=', b'>', ..]) => sign + 2,
        Some([b':' | b'=', ..]) => sign + 1,
        _ => return at,
    };
    let from = over(text, from, BETWEEN, b" ");
    match text.get(from..) {
        Some([b'{', ..]) => entries(text, from + 1, true, found),
        Some([b'[', ..]) => entries(text, from + 1, false, found),
        Some([b'\n' | b'\r' | b'|', ..] | [b'\\', b'n', ..]) => indented(text, at, found),
        _ => at,
    }
}

/// `{"prod": "481726350914", "dev": "…"}`, also as HCL writes it, and lists of them. A value of
/// another kind ends it.
fn entries(text: &[u8], from: usize, keyed: bool, mut found: impl FnMut(Range<usize>)) -> usize {
    let mut at = from;
    for _ in 0..ENTRIES {
        let start = skip_breaks(text, at);
        let value = if keyed { behind_key(text, start) } else { Some(start) };
        let Some(span) = value.and_then(|from| account(text, from)) else { break };
        at = over(text, span.end, BETWEEN, b"\\\"'`");
        found(span);
    }
    at
}

fn behind_key(text: &[u8], start: usize) -> Option<usize> {
    let rest = text.get(start..)?;
    let of_key = |b: &&u8| b.is_ascii_alphanumeric() || b"_-./ ".contains(b);
    let len = rest.iter().take(Name::LONGEST).take_while(of_key).count();
    let sign = over(text, start + len, BETWEEN, b"\\\"'` ");
    match text.get(sign..)? {
        [b'=', b'>', ..] => Some(sign + 2),
        [b':' | b'=', ..] if len > 0 => Some(sign + 1),
        _ => None,
    }
}

/// Lines that stand further to the right than their key: `prod: "481726350914"`, and the items of
/// a list, `- "481726350914"`.
fn indented(text: &[u8], at: usize, mut found: impl FnMut(Range<usize>)) -> usize {
    let mut line = line_around(text, at);
    let depth = indent(text, &line);
    let mut first = None;
    for _ in 0..ENTRIES {
        let Some(next) = line_behind(text, &line) else { break };
        let inner = indent(text, &next);
        let whole = text.get(next.clone()).unwrap_or_default();
        let item = whole.trim_ascii_start().starts_with(b"- ");
        if whole.trim_ascii().is_empty() || inner < depth || (inner == depth && !item) {
            break;
        }
        // `"481726350914": {stage: prod}`
        let key = account(text, next.start + inner)
            .filter(|span| matches!(text.get(over(text, span.end, 2, b"\"'")), Some(b':')));
        let value = if item { Some(inner + 1) } else { memchr(b':', whole).map(|sign| sign + 1) };
        let value = value.filter(|_| inner == *first.get_or_insert(inner));
        // `- prod: 481726350914`
        let named = || Some(next.start + memchr(b':', whole).filter(|_| item)? + 1);
        let found_in = |from| account(text, next.start + from);
        let span = key.or_else(|| value.and_then(found_in)).or_else(|| account(text, named()?));
        if item && span.is_none() {
            break;
        }
        if let Some(span) = span {
            found(span);
        }
        line = next;
    }
    line.end
}

fn indent(text: &[u8], line: &Range<usize>) -> usize {
    let line = text.get(line.clone()).unwrap_or_default();
    line.iter().take_while(|b| **b == b' ').count()
}

/// The characters of an account id, also of one in groups.
fn of_id(byte: &&u8) -> bool {
    byte.is_ascii_digit() || **byte == b'-'
}

/// The account id that is the whole of a value.
fn account(text: &[u8], from: usize) -> Option<Range<usize>> {
    let start = over(text, from, BETWEEN, b"\\\"'` ");
    let near = text.get(start..text.len().min(start + GROUPED)).unwrap_or_default();
    let span = start..start + near.iter().take_while(of_id).count();
    let whole = is_account(text.get(span.clone())?) && left_of(text, span.start);
    let ends = text.get(span.end).is_none_or(|b| b" \t\r\n,}\"'`\\#:".contains(b));
    (whole && ends && right_of(text, span.end)).then_some(span)
}

/// Behind what separates entries: commas, spaces, line breaks, also escaped.
fn skip_breaks(text: &[u8], from: usize) -> usize {
    let mut at = from;
    while let Some(rest) = text.get(at..).filter(|_| at < from + BREAKS) {
        at += match rest {
            [b'\\', b'n' | b't' | b'r', ..] => 2,
            [b' ' | b'\t' | b'\r' | b'\n' | b',' | b'\\' | b'"' | b'\'', ..] => 1,
            _ => break,
        };
    }
    at
}
