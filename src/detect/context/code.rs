//! Names in programs: arguments of calls, and what variables are set to.
//!
//! `.Table("NAME")`, `fromBucketName(this, "Id", "NAME")`, `ORDERS_TABLE=NAME`

use std::collections::BTreeMap;
use std::ops::Range;

use memchr::memmem;
use serde::Deserialize;

use crate::detect::Kind;
use crate::detect::boundary::holds_masked;
use crate::detect::catalog::{CatalogError, Kinds, parse};
use crate::detect::context::behind::{assigned, quoted};
use crate::detect::context::bytes::over;
use crate::detect::context::calls::{self, Call};
use crate::detect::context::named::{Before, Findings, Named};
use crate::detect::context::names::{self, BEFORE_SIGN, Key, Names};
use crate::detect::context::password::key_start;
use crate::detect::context::value;
use crate::detect::literals::Action;

const TABLE: &str = include_str!("../patterns/code.toml");

/// Spaces and quotes between two words.
const BETWEEN: usize = 64;
/// No argument is longer.
const NAME: usize = 512;
/// What programs put around a text.
const WRAPPERS: [&[u8]; 12] = [
    b"aws.String(",
    b"jsii.String(",
    b"pulumi.String(",
    b"ptr.String(",
    b"ptr.To(",
    b"to.Ptr(",
    b"aws.StringPtr(",
    b"awsString(",
    b"strPtr(",
    b"stringPtr(",
    b"String::from(",
    b"Some(",
];
/// Parts of the names of variables that nobody but users of AWS has.
const AWS: [&[u8]; 12] = [
    b"AWS",
    b"ECR",
    b"S3",
    b"DYNAMODB",
    b"DDB",
    b"SQS",
    b"SNS",
    b"ECS",
    b"EKS",
    b"LAMBDA",
    b"KINESIS",
    b"SECRETSMANAGER",
];

/// And parts that speak of something else.
const OTHERS: [&[u8]; 34] = [
    b"KAFKA",
    b"RABBITMQ",
    b"CELERY",
    b"GCS",
    b"BIGQUERY",
    b"AZURE",
    b"GKE",
    b"AKS",
    b"KIND",
    b"K8S",
    b"MONGO",
    b"CASSANDRA",
    b"REDIS",
    b"PG",
    b"POSTGRES",
    b"MYSQL",
    b"SNOWFLAKE",
    b"ROUTE",
    b"LOOKUP",
    b"SYMBOL",
    b"STRING",
    b"JUMP",
    b"HASH",
    b"HTTP",
    b"EVENT",
    b"MIME",
    b"OUT",
    b"VIDEO",
    b"AUDIO",
    b"LOSS",
    b"COST",
    b"ACTIVATION",
    b"HELP",
    b"BUILD",
];

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    calls: BTreeMap<String, String>,
    imports: BTreeMap<String, String>,
    scoped: BTreeMap<String, String>,
    variables: BTreeMap<String, String>,
    operations: BTreeMap<String, String>,
    constructs: BTreeMap<String, String>,
}

/// Where the name stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// Behind so many other arguments.
    Argument(usize),
    Variable,
}

/// How a program begins to name something.
#[derive(Debug)]
pub(crate) struct Beginning {
    literal: Box<str>,
    kind: Kind,
    place: Place,
}

/// All of them, and calls whose arguments have names.
pub(super) fn beginnings(kinds: &mut Kinds) -> Result<(Vec<Beginning>, Vec<Call>), CatalogError> {
    let file: File = parse("code", TABLE)?;
    let calls = calls::calls(&file.operations, &file.constructs, kinds);
    let groups = [
        (Place::Argument(0), file.calls),
        (Place::Argument(2), file.imports),
        (Place::Argument(1), file.scoped),
        (Place::Variable, file.variables),
    ];
    let mut all = Vec::new();
    for (place, group) in groups {
        for (kind, literals) in group {
            let kind = kinds.make(&kind);
            let literals = literals.split_ascii_whitespace();
            all.extend(literals.map(|literal| Beginning { literal: literal.into(), kind, place }));
        }
    }
    Ok((all, calls))
}

impl Names {
    /// What is looked for.
    pub(crate) fn literals(&self) -> impl Iterator<Item = (String, Action)> {
        let all = self.beginnings.iter().enumerate();
        let all = all.map(|(index, own)| (own.literal.to_string(), Action::Called(index)));
        all.chain(self.calls())
    }

    /// What stands behind the beginning number `index`, found at `span`.
    pub(crate) fn in_code(
        &self,
        index: usize,
        text: &[u8],
        span: Range<usize>,
        out: &mut Findings,
    ) {
        let Some(Beginning { kind, place, .. }) = self.beginnings.get(index) else { return };
        // Nobody else imports by name into a scope.
        let alone = *place == Place::Argument(2) && is_scope(text, span.end);
        let key = Key { kind: *kind, alone, spaced: false, list: false };
        match place {
            Place::Argument(before) => {
                // Tables of other libraries have further arguments.
                let only = text.get(span.start) == Some(&b'.');
                out.all.extend(argument(text, span.end, *before, key).filter(|own| {
                    let close = over(text, own.span.end, 4, b"\\\"'`");
                    !only || text.get(spaces(text, close)) == Some(&b')')
                }));
            }
            Place::Variable => variable(text, span, key, out),
        }
    }
}

/// Does an argument begin here that a construct of the CDK is made in?
fn is_scope(text: &[u8], at: usize) -> bool {
    let name = text.get(word(text, spaces(text, at))).unwrap_or_default();
    [b"this".as_slice(), b"self", b"scope", b"stack", b"construct", b"parent"].contains(&name)
}

/// The name in a call, whose arguments begin at `at`.
fn argument(text: &[u8], at: usize, before: usize, key: Key) -> Option<Named> {
    let mut at = spaces(text, at);
    for _ in 0..before {
        at = spaces(text, other(text, at)?);
    }
    // `Name=` or `Name: `
    let word = word(text, at);
    let sign = over(text, word.end, BETWEEN, b" ");
    if !word.is_empty() && matches!(text.get(sign..), Some([b'=' | b':', b, ..]) if *b != b':') {
        at = spaces(text, sign + 1);
    }
    let (span, _) = quoted(text, unwrapped(text, at), key)?;
    let span = value::name(text, span, b"")?;
    let Key { kind, alone, .. } = key;
    Some(Named { span, kind, alone })
}

/// Behind an argument and its comma.
fn other(text: &[u8], at: usize) -> Option<usize> {
    let open = over(text, at, BETWEEN, b"\\");
    let end = match text.get(open)? {
        quote @ (b'"' | b'\'' | b'`') => {
            let inner = text.get(open + 1..)?;
            let len = inner.iter().take(NAME).position(|b| b == quote || *b == b'\n')?;
            (inner.get(len) == Some(quote)).then_some(open + len + 2)?
        }
        _ => word(text, at).end,
    };
    let comma = over(text, end, BETWEEN, b" ");
    (end > at && text.get(comma) == Some(&b',')).then_some(comma + 1)
}

fn spaces(text: &[u8], at: usize) -> usize {
    over(text, at, BETWEEN, b" \t\r\n")
}

fn word(text: &[u8], from: usize) -> Range<usize> {
    let rest = text.get(from..).unwrap_or_default();
    let of_word = |b: &&u8| b.is_ascii_alphanumeric() || b"_.-".contains(b);
    from..from + rest.iter().take(NAME).take_while(of_word).count()
}

/// Behind what a program puts around a text: `aws.String("NAME")`.
pub(super) fn unwrapped(text: &[u8], at: usize) -> usize {
    let rest = text.get(at..).unwrap_or_default();
    if !rest.first().is_some_and(u8::is_ascii_alphabetic) {
        return at;
    }
    let quote = |from: usize| rest.get(from).is_some_and(|b| b"\"'`\\".contains(b));
    let wrapper = WRAPPERS.iter().find(|own| rest.starts_with(own) && quote(own.len()));
    wrapper.map_or(at, |wrapper| at + wrapper.len())
}

/// `ORDERS_TABLE=NAME`, `"ORDERS_TABLE_NAME": "NAME"`, `getenv("ORDERS_TABLE", "NAME")`
fn variable(text: &[u8], span: Range<usize>, key: Key, out: &mut Findings) {
    let rest = text.get(span.end..).unwrap_or_default();
    let own = if rest.starts_with(b"_NAME") { span.end + 5 } else { span.end };
    let start = key_start(text, own);
    let word = text.get(start..own).unwrap_or_default();
    let name = word.rsplit(|b| b".:-".contains(b)).next().unwrap_or_default();
    let ends = text.get(own).is_none_or(|b| !b.is_ascii_alphanumeric() && *b != b'_');
    let other = is_of_others(name);
    // What stands where an address was is no part of the name: `10.0.0.1_TABLE`.
    if !ends || other || holds_masked(name) || name.iter().any(u8::is_ascii_lowercase) {
        return;
    }
    let sure = name.split(|b| *b == b'_').any(|part| AWS.contains(&part));
    let key = Key { alone: sure, ..key };
    out.aws |= sure;
    let first = out.all.len();
    value_of(text, own, &Before { word: name, key, start, quoted: false }, out);
    // `TABLE: table` names nothing.
    let letters = names::plain(name);
    let says = |span: &Range<usize>| {
        let value = text.get(span.clone()).unwrap_or_default();
        let same = memmem::find(&letters, &names::plain(value)).is_some();
        !same && is_name(name, value, sure)
    };
    let kept = out.all.split_off(first).into_iter().filter(|named| says(&named.span));
    out.all.extend(kept);
}

/// Does the name of a variable speak of something that is not AWS's?
pub(super) fn is_of_others(name: &[u8]) -> bool {
    name.split(|b| *b == b'_').any(|part| OTHERS.contains(&part))
}

/// May a variable of this name be set to the name of something? Without a sign of AWS in it, a
/// word is none: `QUEUE: in-progress`, `TABLE=OK`.
fn is_name(key: &[u8], value: &[u8], sure: bool) -> bool {
    let has = |of: fn(&u8) -> bool| value.iter().any(of);
    let secret = memmem::find(key, b"SECRET").is_some();
    let begins = value.first().is_some_and(u8::is_ascii_alphabetic);
    let words = begins && has(u8::is_ascii_lowercase) && !value.contains(&b'=');
    let path = value.contains(&b'/');
    if !words || (path && !secret) {
        return false;
    }
    let small = value.to_ascii_lowercase();
    let parts = || key.split(|b| *b == b'_').filter(|part| part.len() > 3);
    let shared = parts().any(|part| memmem::find(&small, &part.to_ascii_lowercase()).is_some());
    let bucket = key.ends_with(b"BUCKET") && value.contains(&b'-');
    let shape = has(u8::is_ascii_digit) || bucket || (secret && path);
    sure || (!value.contains(&b'.') && (shape || shared))
}

/// What the variable is set to whose name ends at `own`.
fn value_of(text: &[u8], own: usize, before: &Before<'_>, out: &mut Findings) {
    let Before { word: name, key, start, .. } = *before;
    let sign = over(text, own, BETWEEN, BEFORE_SIGN);
    let from = match text.get(sign..) {
        Some([b':', b':', ..] | [b'=', b'=' | b'~', ..]) | None => return,
        Some([b':', b'=', ..] | [b'|', b'|', ..] | [b'?', b'?', ..]) => sign + 2,
        Some([b'=' | b':' | b',', ..]) => sign + 1,
        Some(_) => return,
    };
    let quote = text.get(own).is_some_and(|b| b"\"\\'".contains(b)) && own < sign;
    if matches!(text.get(sign), Some(b'=' | b':')) {
        return assigned(text, from, &Before { word: name, key, start, quoted: quote }, out);
    }
    // A default behind a comma is an argument of the call that asks for the name.
    let head = text.get(..start).unwrap_or_default();
    let head = head.strip_suffix(b"\"").or(head.strip_suffix(b"'")).unwrap_or_default();
    let asks = [b"get(".as_slice(), b"env(", b"fetch(", b"Default(", b"Variable("];
    if text.get(sign) == Some(&b',') && !(quote && asks.iter().any(|call| head.ends_with(call))) {
        return;
    }
    let Some((span, _)) = quoted(text, over(text, from, BETWEEN, b" \t"), key) else { return };
    let span = value::name(text, span, name);
    out.all.extend(span.map(|span| Named { span, kind: key.kind, alone: key.alone }));
}
