//! What tools put before lines, and how long it is.

use memchr::{memchr, memmem};

use crate::detect::context::bytes::begins_like;

/// No prefix is longer.
const LONGEST: usize = 200;
/// How times begin.
const TIME: &[u8] = b"0000-00-00T00:00:00";
const SPACED: &[u8] = b"0000-00-00 00:00:00";
/// `cat -n` makes numbers as wide.
const ALIGNED: usize = 6;
/// No line has a larger number.
const DIGITS: usize = 7;

/// What lines begin with.
#[derive(Clone, Copy)]
pub(super) enum Form<'t> {
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
    /// The same, where nothing says that it is one.
    Added(u8),
    /// What Terraform is about to do.
    Plan,
    /// Who wrote a line, of `git blame`.
    Blame,
    /// The stream of a log, as `aws logs tail` prints it.
    Stream(&'t [u8]),
}

/// The form of the prefix that a line and the one behind it have, and how long it is here.
pub(super) fn begin<'t>(line: &'t [u8], behind: &[u8], diff: bool) -> Option<(Form<'t>, usize)> {
    let (first, next) = (*line.first()?, *behind.first()?);
    // Of one form, lines begin alike; of the others, numbers and letters may differ.
    let of_name = |byte: u8| byte.is_ascii_alphanumeric() || b"_./^".contains(&byte);
    if first != next
        && !(diff || first == b' ' || next == b' ' || (of_name(first) && of_name(next)))
    {
        return None;
    }
    let of = |mut form: Form<'t>| form.goes_on(line).map(|len| (form, len));
    let goes_on = |begun: &(Form<'_>, usize)| {
        let (mut form, _) = *begun;
        form.goes_on(behind).is_some()
    };
    let find = |begun: Option<(Form<'t>, usize)>| begun.filter(goes_on);
    let number = || find(number(line).map(|(number, len)| (Form::Number(number), len)));
    let path = || find(path(line).and_then(|path| line.get(..path)).map(Form::Path).and_then(of));
    let found = if diff { find(of(Form::Sign)) } else { None };
    found.or_else(number).or_else(|| match first {
        b' ' => find(of(Form::Plan)),
        b'#' => find(of(Form::Build)),
        b'>' => find(of(Form::Quote)),
        b'+' | b'-' => find(of(Form::Added(first))),
        b'[' => find(of(Form::Time)).or_else(|| find(stream(line).map(Form::Stream).and_then(of))),
        _ => path()
            .or_else(|| find(service(line).map(Form::Service).and_then(of)))
            .or_else(|| find(of(Form::Time)))
            .or_else(|| find(of(Form::Journal)))
            .or_else(|| find(of(Form::Blame)))
            .or_else(|| find(stream(line).map(Form::Stream).and_then(of))),
    })
}

impl Form<'_> {
    /// How long the prefix of this line is, if it has the form.
    pub(super) fn goes_on(&mut self, line: &[u8]) -> Option<usize> {
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
            Self::Added(sign) => added(line).filter(|own| own == sign).map(|_| 1),
            Self::Plan => plan(line),
            Self::Blame => blame(line),
            Self::Stream(name) => line.strip_prefix(*name).map(|_| name.len()),
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
pub(super) fn apart(line: &[u8]) -> Option<(u32, usize)> {
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

/// `2026-11-22T10:00:00.123Z `, `[2026-11-22T10:00:00.123Z] `, behind the names of a job and its step.
fn time(line: &[u8]) -> Option<usize> {
    let near = line.get(..LONGEST).unwrap_or(line);
    let near = near.strip_prefix(b"[").unwrap_or(near);
    let open = usize::from(line.first() == Some(&b'['));
    let named = memchr::memchr_iter(b'\t', near).nth(1).map(|at| at + 1);
    [Some(0), named].into_iter().flatten().find_map(|from| {
        let rest = near.get(from..)?;
        // `2026-11-22 10:00:00,118 INFO [main] app - `
        let logger = begins_like(rest, SPACED);
        let behind = rest.get(TIME.len()..).filter(|_| logger || begins_like(rest, TIME))?;
        let len = if logger { memmem::find(behind, b" - ")? + 2 } else { memchr(b' ', behind)? };
        Some(open + from + TIME.len() + len + 1)
    })
}

/// `+x`, `-x`, but no item of a list.
fn added(line: &[u8]) -> Option<u8> {
    match line {
        [b'+', b'+', ..] | [b'-', b'-' | b'>', ..] => None,
        [b'-', b' ', next, ..] if *next != b' ' => None,
        [sign @ (b'+' | b'-'), _, ..] => Some(*sign),
        _ => None,
    }
}

/// `      + `
fn plan(line: &[u8]) -> Option<usize> {
    let gap = line.iter().take(LONGEST).take_while(|b| **b == b' ').count();
    let signs = matches!(line.get(gap..), Some([b'+' | b'~', b' ', ..]));
    (gap > 1 && signs).then_some(gap + 2)
}

/// `1f2e3d4c (Mia Kern 2026-11-22 10:00:00 +0100 12) `
fn blame(line: &[u8]) -> Option<usize> {
    let near = line.get(..LONGEST).unwrap_or(line);
    let hash = near.iter().take_while(|b| b.is_ascii_hexdigit() || **b == b'^').count();
    let end = memmem::find(near, b") ").filter(|_| hash >= DIGITS)?;
    let number = near.get(end - 1).is_some_and(u8::is_ascii_digit);
    (number && near.get(hash..)?.starts_with(b" (")).then_some(end + 2)
}

/// `api/api/0a1b2c3d `
fn stream(line: &[u8]) -> Option<&[u8]> {
    let near = line.get(..LONGEST).unwrap_or(line);
    let len = memchr(b' ', near)?;
    let name = near.get(..len + 1)?;
    let of_name = |b: &u8| b.is_ascii_alphanumeric() || b"/_.-[]$ ".contains(b);
    let parts = name.iter().filter(|b| **b == b'/').count();
    (parts > 1 && name.first() != Some(&b'/') && name.iter().all(of_name)).then_some(name)
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
