//! Where a password stands in a fixed syntax: in an element, in a statement of SQL, in a
//! Dockerfile, behind an anchor.

use std::ops::Range;

use memchr::{memmem, memrchr2};

use crate::detect::boundary::{any_placeholder, holds_masked};
use crate::detect::context::bytes::{over, part};
use crate::detect::context::password::{Held, bare, generated, skip};
use crate::detect::context::secret::is_by_chance;

/// No key is longer.
const KEY: usize = 80;
/// No statement is read further back: a name of a user stands in it.
const STATEMENT: usize = 128;
/// What sets a variable of the environment: Docker, csh, Windows, fish.
const SETS: [&[u8]; 5] = [b"ENV ", b"setenv ", b"setx ", b"set -gx ", b"set -x "];
/// No block with a default is longer.
const BLOCK: usize = 512;
/// What chance made is not shorter.
const RANDOM: usize = 16;
/// No type is longer.
const TYPE: usize = 40;
/// No anchor has a longer name.
const ANCHOR: usize = 32;
/// What says of several passwords which one it is.
/// Each stands among those of its length.
const WHICH: [&[&[u8]]; 12] = [
    &[],
    &[],
    &[b"qa"],
    &[b"dev", b"stg", b"uat", b"new", b"old", b"app"],
    &[b"prod", b"test", b"live", b"root"],
    &[b"stage", b"local", b"admin"],
    &[b"master", b"reader", b"writer", b"backup"],
    &[b"staging", b"primary", b"replica", b"current"],
    &[b"previous", b"readonly"],
    &[],
    &[b"production"],
    &[b"development"],
];

/// How long what follows a password's name in its key is: `DB_PASSWORD_PROD`, `DBPASSWORD2`.
pub(in crate::detect::context) fn suffix(rest: &[u8]) -> usize {
    let of_word = |b: &&u8| b.is_ascii_alphanumeric() || **b == b'_';
    let len = rest.iter().take(16).take_while(of_word).count();
    let whole = rest.get(..len).unwrap_or_default();
    let word = whole.strip_prefix(b"_").unwrap_or(whole);
    let apart = word.len() < len || word.first().is_some_and(u8::is_ascii_uppercase);
    let number = word.strip_prefix(b"v").or_else(|| word.strip_prefix(b"V")).unwrap_or(word);
    let numbered = matches!(number, [a] | [a, _] if a.is_ascii_digit())
        && number.iter().all(u8::is_ascii_digit);
    let known = WHICH.get(word.len()).copied().unwrap_or_default();
    let which = apart && known.iter().any(|known| word.eq_ignore_ascii_case(known));
    if numbered || which { len } else { 0 }
}

/// Behind an anchor of YAML: `password: &main VALUE`.
pub(in crate::detect::context) fn behind_anchor(text: &[u8], at: usize) -> usize {
    let Some([b'&', rest @ ..]) = text.get(at..) else { return at };
    let of_name = |b: &&u8| b.is_ascii_alphanumeric() || b"_-".contains(b);
    let len = rest.iter().take(ANCHOR).take_while(of_name).count();
    let (name, value) = rest.split_at(len);
    let code = [b"mut".as_slice(), b"dyn", b"str", b"const"].contains(&name) || name.is_empty();
    let [b' ', value @ ..] = value else { return at };
    // The value is the last of its line.
    let line = value.iter().take(super::LONGEST).take_while(|b| **b != b'\n').count();
    let words = value.get(..line).unwrap_or_default().trim_ascii();
    if code || words.contains(&b' ') || words.contains(&b'=') { at } else { at + len + 2 }
}

/// What a parameter of Terraform or CloudFormation holds unless it is given: `variable
/// "db_password" {` with its `default =`, `DBPassword:` with `NoEcho` and its `Default:`.
pub(in crate::detect::context) fn default(text: &[u8], at: usize, sign: usize) -> Option<usize> {
    let near = text.get(sign..text.len().min(sign + BLOCK))?;
    let head = text.get(..key_start(text, at))?;
    let (block, key): (&[u8], &[u8]) = match near.first()? {
        b'{' if head.ends_with(b"variable \"") || head.ends_with(b"variable \\\"") => {
            let end = memmem::find(near, b"\n}").or_else(|| memmem::find(near, b"\\n}"));
            (near.get(..end.unwrap_or(near.len()))?, b"default")
        }
        b':' => (parameter(near, head)?, b"Default"),
        _ => return None,
    };
    let found = memmem::find(block, key)? + key.len();
    let rest = block.get(found..)?;
    let gap = rest.iter().take_while(|b| b" \"\\".contains(b)).count();
    matches!(rest.get(gap), Some(b'=' | b':')).then_some(sign + found + gap + 1)
}

/// The lines of a parameter that is not shown, below its name.
fn parameter<'t>(near: &'t [u8], head: &[u8]) -> Option<&'t [u8]> {
    let body = near.strip_prefix(b":\n")?;
    let line = head.rsplit(|b| *b == b'\n').next()?;
    let depth = line.len() - line.trim_ascii_start().len();
    let inner = |line: &&[u8]| line.len() - line.trim_ascii_start().len() > depth;
    let len: usize = body.split_inclusive(|b| *b == b'\n').take_while(inner).map(<[u8]>::len).sum();
    let body = body.get(..len)?;
    memmem::find(body, b"NoEcho").map(|_| body)?;
    near.get(..2 + len)
}

/// Where a value begins that stands behind the type of what holds it, or in the lines below: what
/// follows the colon at `at`.
pub(in crate::detect::context) fn elsewhere(text: &[u8], at: usize) -> Option<usize> {
    behind_type(text, at).or_else(|| folded(text, at)).or_else(|| nested(text, at))
}

/// Behind `value:` on the next line, which stands further to the right: `DB_PASSWORD:` of GitLab.
fn nested(text: &[u8], at: usize) -> Option<usize> {
    let rest = text.get(at..)?;
    let rest = rest.strip_prefix(b"\n").or(rest.strip_prefix(b"\r\n"))?;
    let indent = rest.iter().take(KEY).take_while(|b| **b == b' ').count();
    let rest = rest.get(indent..).filter(|_| indent > 0)?;
    let behind = rest.strip_prefix(b"value: ").or(rest.strip_prefix(b"Value: "))?;
    Some(text.len() - behind.len())
}

/// Behind `>-` and a line break, as YAML folds a text.
fn folded(text: &[u8], at: usize) -> Option<usize> {
    let rest = text.get(at..)?;
    let gap = rest.iter().take(4).take_while(|b| **b == b' ').count();
    let ([b'>' | b'|', b'-' | b'+', rest @ ..] | [b'>' | b'|', rest @ ..]) = rest.get(gap..)?
    else {
        return None;
    };
    let rest = rest.strip_prefix(b"\n")?;
    let indent = rest.iter().take(KEY).take_while(|b| **b == b' ').count();
    (indent > 0).then(|| text.len() - rest.len() + indent)
}

/// Behind `{ get; set; } =`
pub(super) fn behind_accessors(rest: &[u8]) -> Option<usize> {
    let near = rest.get(..KEY).unwrap_or(rest);
    let end = near.iter().position(|b| *b == b'}')?;
    near.get(end..)?.starts_with(b"} = ").then_some(end + 4)
}

/// The only value of a list: `"x-api-key": ["VALUE"]`.
pub(super) fn within_list(text: &[u8], at: usize) -> usize {
    let list = matches!(text.get(at..), Some([b'[', b'"' | b'\'', ..] | [b'[', b'\\', b'"', ..]));
    if list { at + 1 } else { at }
}

/// What prose says of a password: `the password is VALUE`, `set DB_PASSWORD to VALUE`.
pub(super) fn said(text: &[u8], at: usize) -> Option<Range<usize>> {
    let rest = text.get(over(text, at, 2, b"`*\"")..)?;
    let verbs = [b" is: ".as_slice(), b" is ", b" to ", b" was ", b" = "];
    let verb = verbs.iter().find(|verb| rest.starts_with(verb))?;
    let from = text.len() - rest.len() + verb.len();
    let start = over(text, from, 2, b"`*\"");
    let near = text.get(start..text.len().min(start + super::LONGEST))?;
    let word = near.iter().take_while(|b| b.is_ascii_graphic() && !b"`\"".contains(b)).count();
    let marks = near.get(..word)?.iter().rev().take_while(|b| b".,;:)*".contains(b)).count();
    let value = near.get(..word - marks)?;
    let random = || value.len() >= RANDOM && is_by_chance(value, true);
    let is = super::is_evident(value) || generated::is(value) || random();
    is.then_some(start..start + word - marks)
}

/// `.password("VALUE")`, `setPassword("VALUE")`: where the value begins.
pub(super) fn call(text: &[u8], at: usize) -> Option<usize> {
    text.get(at).filter(|b| **b == b'(')?;
    let word = text.get(key_start(text, at)..at)?;
    let sets = [b"setPassword".as_slice(), b"withPassword", b".password", b"set_password"];
    let named = sets.iter().any(|name| word.ends_with(name));
    let value = behind_prefix(text, at + 1);
    let quoted = matches!(text.get(value), Some(b'"' | b'\''));
    (named && quoted).then_some(at + 1)
}

/// Behind the type of a variable: `password: string = "VALUE"`, `password: &str = "VALUE"`.
fn behind_type(text: &[u8], at: usize) -> Option<usize> {
    let of_type = |b: &&u8| b.is_ascii_alphanumeric() || b" _&'<>[]?.:|".contains(b);
    let near = text.get(at..)?;
    let len = near.iter().take(TYPE).take_while(of_type).count();
    let [b'=', rest @ ..] = near.get(len..)? else { return None };
    let gap = rest.iter().take_while(|b| **b == b' ').count();
    let value = at + len + 1 + gap;
    let quote = |at: usize| matches!(text.get(at), Some(b'"' | b'\'' | b'`' | b'\\'));
    // What is masked already is no type.
    let name = near.get(..len).filter(|name| !any_placeholder(name))?;
    let named = name.iter().any(u8::is_ascii_alphabetic);
    (named && quote(behind_prefix(text, value))).then_some(value)
}

/// Behind what says how a string is written: `b"VALUE"`, `r'VALUE'`, `@"VALUE"`.
pub(in crate::detect::context) fn behind_prefix(text: &[u8], at: usize) -> usize {
    let prefix = |b: &&u8| b"bBrRfFuU@".contains(b);
    let len = text.get(at..).unwrap_or_default().iter().take(2).take_while(prefix).count();
    let quoted = matches!(text.get(at + len), Some(b'"' | b'\''));
    if len > 0 && quoted { at + len } else { at }
}

/// How long a value without quotes is that begins at `from`: `len`, or the rest of its line, where a
/// setting stands alone and what would end the value is followed by more of it.
pub(super) fn whole_line(text: &[u8], at: usize, from: usize, len: usize) -> usize {
    let ends = |b: &u8| matches!(b, b'&' | b';' | b',' | b')' | b'}' | b']' | b'|' | b'<');
    if !text.get(from + len).is_some_and(ends) {
        return len;
    }
    let rest = text.get(from..).unwrap_or_default();
    let of_value = |b: &&u8| b.is_ascii_graphic() && !matches!(b, b'"' | b'\'' | b'`' | b'\\');
    let whole = rest.iter().take(super::LONGEST).take_while(of_value).count();
    let until = matches!(rest.get(whole), None | Some(b'\n' | b'\r'));
    let value = rest.get(..whole).unwrap_or_default();
    let goes_on =
        value.get(len + 1..).is_some_and(|more| !more.is_empty() && !more.iter().all(ends));
    let has = |of: fn(&u8) -> bool| value.iter().any(of);
    let code = |b: &u8| matches!(b, b'(' | b')' | b'{' | b'}' | b'[' | b']' | b'=');
    let made = || {
        let mixed = || {
            [u8::is_ascii_lowercase, u8::is_ascii_uppercase, u8::is_ascii_digit]
                .into_iter()
                .all(has)
        };
        let made = if has(code) { generated::is(value) } else { mixed() };
        made || generated::is_by_signs(value)
    };
    if until && goes_on && begins_line(text, at) && made() { whole } else { len }
}

/// Does a setting stand alone on its line whose value is nothing but signs and letters?
pub(in crate::detect::context) fn is_by_signs(
    text: &[u8],
    at: usize,
    value: &Range<usize>,
) -> bool {
    let ends = matches!(text.get(value.end), None | Some(b'\n' | b'\r'));
    ends && generated::is_by_signs(part(text, value)) && begins_line(text, at)
}

/// Does the key that ends at `at` begin its line?
fn begins_line(text: &[u8], at: usize) -> bool {
    let start = key_start(text, at);
    let first = start.saturating_sub(KEY);
    let near = text.get(first..start).unwrap_or_default();
    let line = near.iter().rposition(|b| *b == b'\n').map(|at| at + 1);
    let line = line.or((first == 0).then_some(0)).and_then(|from| near.get(from..));
    line.is_some_and(|line| matches!(line.trim_ascii(), b"" | b"export" | b"-"))
}

/// `<password>VALUE</password>`
pub(super) fn element(text: &[u8], at: usize, longest: usize) -> Option<Held> {
    let key = key_start(text, at);
    if key.checked_sub(1).and_then(|at| text.get(at)) != Some(&b'<') {
        return None;
    }
    let rest = text.get(at + 1..)?;
    let len = rest.iter().take(longest + 1).position(|b| b"<\n".contains(b))?;
    let closed = rest.get(len..).is_some_and(|rest| rest.starts_with(b"</"));
    closed.then_some(Held { span: at + 1..at + 1 + len, quoted: true })
}

/// `ENV PGPASSWORD VALUE`, `set -gx PGPASSWORD VALUE`, as the only words of a line.
pub(super) fn is_env(text: &[u8], at: usize) -> bool {
    let Some(head) = text.get(..key_start(text, at)) else { return false };
    let Some(before) = SETS.iter().find_map(|set| head.strip_suffix(*set)) else { return false };
    let begins = before.is_empty() || before.ends_with(b"\n") || before.ends_with(b"\\n");
    let start = skip(text, at, b" \t");
    let rest = text.get(start..).unwrap_or_default();
    let near = rest.get(..super::LONGEST + 1).unwrap_or(rest);
    let end = start + bare(near).unwrap_or(near.len());
    let ends = matches!(text.get(end), None | Some(b'\n' | b'\r' | b'\\' | b'"' | b'`'));
    begins && start > at && (ends || rest.first().is_some_and(|b| b"\"'".contains(b)))
}

/// `ALTER USER x PASSWORD 'VALUE'`, `IDENTIFIED BY 'VALUE'`, `= PASSWORD('VALUE')`: where the
/// quote stands.
pub(super) fn statement(text: &[u8], at: usize) -> Option<usize> {
    let head = text.get(at.saturating_sub(STATEMENT)..at)?;
    if text.get(at) == Some(&b'(') {
        let before = head.strip_suffix(b"PASSWORD")?.trim_ascii_end();
        return before.ends_with(b"=").then(|| quote(text, at + 1))?;
    }
    let mut start = skip(text, at, b" \t");
    if let Some([a, b, b' ', ..]) = text.get(start..)
        && matches!(&[a.to_ascii_lowercase(), b.to_ascii_lowercase()], b"by" | b"as")
    {
        start = skip(text, start + 2, b" \t");
    }
    let start = quote(text, start).filter(|start| *start > at)?;
    let from = memrchr2(b';', b'\n', head).map_or(0, |at| at + 1);
    let head = head.get(from..)?.to_ascii_lowercase();
    [b"user ".as_slice(), b"role ", b"login ", b"identified "]
        .iter()
        .any(|word| memmem::find(&head, word).is_some())
        .then_some(start)
}

/// A value that spaces set apart from its key, alone on a line: `password     VALUE`; or the next
/// item of a list that Redis prints: where it begins.
pub(super) fn apart(text: &[u8], at: usize) -> Option<usize> {
    let rest = text.get(at..)?;
    if let Some(next) = rest.strip_prefix(b"\"\n") {
        let number = next.iter().take(8).take_while(|b| b.is_ascii_digit() || **b == b' ').count();
        let quoted = next.get(number..).is_some_and(|rest| rest.starts_with(b") \""));
        return (quoted && number > 0).then_some(at + 2 + number + 2);
    }
    let gap = rest.iter().take(KEY).take_while(|b| b" \t".contains(b)).count();
    let wide = gap > 2 || rest.first() == Some(&b'\t');
    if !wide {
        return None;
    }
    let of_key = |b: &&u8| b.is_ascii_alphanumeric() || b"_-".contains(b);
    let near = text.get(at.saturating_sub(KEY)..at)?;
    let start = at - near.iter().rev().take_while(of_key).count();
    // Before it was masked, it was something else.
    let key = text.get(start..at).filter(|key| !holds_masked(key))?;
    let begins = key.len() < KEY
        && text.get(..start).is_some_and(|head| head.is_empty() || head.ends_with(b"\n"));
    let value = rest.get(gap..)?;
    let len = value.iter().take(super::LONGEST + 1).take_while(|b| b.is_ascii_graphic()).count();
    let ends = matches!(value.get(len), None | Some(b'\n' | b'\r'));
    (begins && ends && len > 0).then_some(at + gap)
}

/// A quote of SQL, which may stand in a string itself.
fn quote(text: &[u8], at: usize) -> Option<usize> {
    let open = skip(text, at, b"\\");
    matches!(text.get(open), Some(b'\'' | b'"')).then_some(at)
}

/// `DB_PASSWORD=VALUE`, `spring.datasource.password=VALUE`: settings of an environment and of
/// properties, where no variable stands for what one word of letters and digits says.
pub(super) fn is_setting(text: &[u8], at: usize, end: usize) -> bool {
    let value = text.get(at + 1..end).unwrap_or_default();
    if text.get(at) != Some(&b'=') || !value.iter().all(u8::is_ascii_alphanumeric) {
        return false;
    }
    let start = key_start(text, at);
    let key = text.get(start..at).unwrap_or_default();
    let begins = text.get(..start).is_some_and(|head| head.is_empty() || head.ends_with(b"\n"));
    let ends = matches!(text.get(end), None | Some(b'\n' | b'\r'));
    !key.iter().any(u8::is_ascii_lowercase) || (begins && ends)
}

/// `ADMIN_PW=VALUE`, `ADMIN_PW: VALUE`: the value is the last of its line, or of a text in quotes.
pub(in crate::detect::context) fn is_line(text: &[u8], at: usize, value: &Range<usize>) -> bool {
    let close = match text.get(at) {
        Some(b'=') => value.start == at + 1,
        Some(b':') => value.start <= at + 2,
        _ => true,
    };
    let behind = text.get(value.end..).unwrap_or_default();
    close && matches!(behind, [] | [b'\n' | b'\r' | b'"' | b'\'' | b'\\' | b'`', ..])
}

/// `PASSWORD: WIN32_ERROR = 86`, `password: Sha256Hash;`: a type of a program, not a value.
pub(in crate::detect::context) fn is_type(text: &[u8], at: usize, value: &Range<usize>) -> bool {
    let name = text.get(value.clone()).unwrap_or_default();
    let of_name = |b: &u8| b.is_ascii_alphanumeric() || *b == b'_';
    let behind = text.get(value.end..).unwrap_or_default();
    let sign = behind.iter().find(|b| **b != b' ');
    let typed = name.first().is_some_and(|b| b.is_ascii_uppercase() || *b == b'_');
    text.get(at) == Some(&b':')
        && (typed || sign == Some(&b'='))
        && name.iter().all(of_name)
        && matches!(sign, Some(b'=' | b';'))
}

/// Where the key begins that ends at `at`.
pub(in crate::detect::context) fn key_start(text: &[u8], at: usize) -> usize {
    let head = text.get(at.saturating_sub(KEY)..at).unwrap_or_default();
    let of_key = |b: &&u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b':' | b'-');
    at - head.iter().rev().take_while(of_key).count()
}
