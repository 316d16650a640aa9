//! Schemas that would forbid placeholders: their constraints are widened, so that the model
//! may write one where a value stood.
//!
//! It is a function of the schema alone: the prefix of a conversation never changes. What is
//! not a constraint stays byte for byte, and so does one that admits placeholders already:
//!
//! - `pattern` and the keys of `patternProperties` get another alternative: a placeholder;
//!   of a pattern that begins with the head of an ARN or a URI, such text with one in it, too.
//!   Patterns are unanchored, and `|` binds least: a pattern `P` becomes `P|^…$`. No group is
//!   added, so that none is counted anew, and nothing is used that strict modes do not know.
//!   A pattern that nothing matches which masker masks (`^wf_[a-z]+$`) stays.
//! - `format` is replaced by a pattern where no placeholder has that format: ids, addresses
//!   and hosts. Dates are never masked, and URIs may hold placeholders.
//! - `maxLength` gets room for the longest placeholder, and `minLength` for the shortest;
//!   not where a value would be too short to be masked, or is rather prose than an id.
//! - `enum` and `const` are values, masked as any other. Where one is a number of twelve
//!   digits, an account, a placeholder is a string: a `type` of numbers becomes two.
//!
//! Below `not` and `if` nothing is widened: it would forbid more.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::{LazyLock, Mutex, PoisonError};

use regex::bytes::{Regex, RegexBuilder};

use crate::body::escape;
use crate::body::json::{Node, Shape, Tape};
use crate::body::select::{self, Format};
use crate::body::splice::{Swap, splice};
use crate::mask::contents::Contents;
use crate::mask::placeholder::{LONGEST, NUMBER_PREFIX, SHORTEST};

/// A constraint that is widened.
#[derive(Debug)]
pub struct Rewrite {
    /// The keyword.
    pub what: &'static str,
    pub swap: Swap<String>,
}

/// Matches every placeholder, and little else.
const ANY: &str = "(AWS|SECRET)_[A-Z0-9_]+";
/// The shortest kind, and the longest placeholder that may be.
const SAMPLES: [&str; 2] = ["AWS_EC2_BF3K9Q2MX4TB", "SECRET_ABCDEFGHIJKLMNOPQRST_BF3K9Q2MX4TB"];

/// What is masked looks like one of these.
const VALUES: [&str; 44] = [
    "i-0123456789abcdef0",
    "i-0a1b2c3d",
    "vpc-0123456789abcdef0",
    "subnet-0123456789abcdef0",
    "sg-0123456789abcdef0",
    "eni-0123456789abcdef0",
    "ami-0123456789abcdef0",
    "vol-0123456789abcdef0",
    "snap-0123456789abcdef0",
    "eipalloc-0123456789abcdef0",
    "tgw-attach-0123456789abcdef0",
    "fs-0123456789abcdef0",
    "123456789012",
    "1234-5678-9012",
    "AKIAIOSFODNN7EXAMPLE",
    "AROAIOSFODNN7EXAMPLE",
    "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
    "01234567-89ab-cdef-0123-456789abcdef",
    "mrk-0123456789abcdef0123456789abcdef",
    "eu-west-1:01234567-89ab-cdef-0123-456789abcdef",
    "eu-west-1_AbCdEf123",
    "E1ABCDEF2GHIJK",
    "Z0123456789ABCDEFGHIJ",
    "d-0123456789",
    "o-a1b2c3d4e5",
    "ou-ab12-c3d4e5f6",
    "r-ab12",
    "j-0123456789ABC",
    "abcdef1234",
    "10.0.1.2",
    "10.0.0.0/16",
    "fd12:3456:789a::1",
    "ip-10-0-1-2.eu-west-1.compute.internal",
    "db.abcdefghijkl.eu-west-1.rds.amazonaws.com",
    "https://sqs.eu-west-1.amazonaws.com/123456789012/orders",
    "s3://acme-data/key",
    "/aws/lambda/orders",
    "acme-data",
    "acme.data",
    "prod_db_1",
    "OrdersRole7",
    "production",
    "Pa55-word!",
    "ghp_0123456789abcdefghijABCDEFGHIJ012345",
];

/// Formats that no placeholder has, and what each is as a pattern.
const FORMATS: [(&str, &str); 5] = [
    ("uuid", "^[0-9A-Fa-f]{8}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{12}$"),
    ("ipv4", "^[0-9]{1,3}[.][0-9]{1,3}[.][0-9]{1,3}[.][0-9]{1,3}$"),
    ("ipv6", "^[0-9A-Fa-f:.]+$"),
    ("hostname", "^[0-9A-Za-z_.-]+$"),
    ("idn-hostname", "^[^ ]+$"),
];

/// Nothing shorter is masked: fields of fewer characters hold codes.
const SHORTEST_VALUE: usize = 5;
/// The digits of an account.
const ACCOUNT: usize = 12;
/// What must be longer than this is prose.
const PROSE: usize = 64;
/// An ARN or a URI with three placeholders.
const STRUCTURED: usize = 160;
/// Patterns above this, and those after so many, are widened without a look at what they
/// admit.
const PATTERN: usize = 1_000;
const PATTERNS: usize = 1_000;
/// So many patterns are remembered, of at most [`PATTERN`] bytes each.
const REMEMBERED: usize = 1_000;

/// What is to be widened in a document whose schemas stand at `schemas`. It is masked
/// already: parts of patterns are written again.
#[must_use]
pub fn rewrites(source: &str, schemas: &[Range<usize>], depth: usize) -> Vec<Rewrite> {
    let (mut found, mut patterns) = (Vec::new(), 0);
    for span in schemas {
        let Some(Ok(tape)) = source.get(span.clone()).map(|text| Tape::parse(text, depth)) else {
            continue;
        };
        let own = match tape.shape(tape.root()) {
            Shape::String => in_string(&tape, depth, &mut patterns),
            _ => Schemas::read(&tape, &mut patterns),
        };
        found.extend(own.into_iter().map(|Rewrite { what, swap }| {
            let Swap { span: Range { start, end }, with } = swap;
            Rewrite { what, swap: Swap { span: span.start + start..span.start + end, with } }
        }));
    }
    found
}

/// Where the schemas of a request stand, quotes and all.
#[must_use]
pub fn places(tape: &Tape<'_>, format: Format) -> Vec<Range<usize>> {
    let schemas = select::schemas(tape, format).into_iter();
    let span = |node| match (tape.shape(node), tape.span(node)) {
        (Shape::String, span) => span.start - 1..span.end + 1,
        (_, span) => span,
    };
    schemas.map(span).collect()
}

/// A document with its schemas widened, which are not masked further.
#[must_use]
pub fn widen(source: &str, schemas: &[Range<usize>], depth: usize) -> Option<String> {
    let mut swaps: Vec<_> =
        rewrites(source, schemas, depth).into_iter().map(|rewrite| rewrite.swap).collect();
    if swaps.is_empty() { None } else { splice(source, &mut swaps).ok() }
}

/// The schema that a string holds as JSON source.
fn in_string(tape: &Tape<'_>, depth: usize, patterns: &mut usize) -> Vec<Rewrite> {
    let contents = Contents::json(tape.raw(tape.root()));
    let Ok(inner) = Tape::parse(contents.text(), depth) else { return Vec::new() };
    let mut found = Schemas::read(&inner, patterns);
    found.sort_by_key(|rewrite| rewrite.swap.span.start);
    let mut way_back = contents.way_back();
    let outer = |Rewrite { what, swap }| {
        let Range { start, end } = way_back.source(&swap.span);
        Rewrite { what, swap: Swap { span: start + 1..end + 1, with: escape::encode(&swap.with) } }
    };
    found.into_iter().map(outer).collect()
}

struct Schemas<'t, 's> {
    tape: &'t Tape<'s>,
    /// Patterns that were looked at.
    patterns: usize,
    found: Vec<Rewrite>,
}

impl<'t, 's> Schemas<'t, 's> {
    fn read(tape: &'t Tape<'s>, patterns: &mut usize) -> Vec<Rewrite> {
        let mut schemas = Schemas { tape, patterns: *patterns, found: Vec::new() };
        schemas.schema(tape.root());
        *patterns = schemas.patterns;
        schemas.found
    }
}

impl Schemas<'_, '_> {
    fn schema(&mut self, node: Node) {
        if self.tape.shape(node) != Shape::Object || self.tape.repeats(node) {
            return;
        }
        self.pattern(node);
        self.lengths(node);
        self.numbers(node);
        for (key, value) in self.tape.fields(node).collect::<Vec<_>>() {
            match self.tape.text(key).as_ref() {
                "properties" | "$defs" | "definitions" | "dependentSchemas" | "defs" => {
                    self.below(value, Shape::Object);
                }
                "patternProperties" => {
                    for (key, _) in self.tape.fields(value).collect::<Vec<_>>() {
                        self.widen(key, "patternProperties");
                    }
                    self.below(value, Shape::Object);
                }
                "anyOf" | "oneOf" | "allOf" | "prefixItems" | "any_of" | "prefix_items" => {
                    self.below(value, Shape::Array);
                }
                "items" if self.tape.shape(value) == Shape::Array => {
                    self.below(value, Shape::Array);
                }
                "items"
                | "additionalProperties"
                | "additional_properties"
                | "additionalItems"
                | "unevaluatedItems"
                | "unevaluatedProperties"
                | "propertyNames"
                | "contains"
                | "then"
                | "else" => self.schema(value),
                _ => {}
            }
        }
    }

    /// All schemas of an object or list of them.
    fn below(&mut self, node: Node, shape: Shape) {
        let inner: Vec<_> = match shape {
            Shape::Object => self.tape.fields(node).map(|(_, value)| value).collect(),
            _ => self.tape.items(node).collect(),
        };
        inner.into_iter().for_each(|node| self.schema(node));
    }

    /// `pattern` and `format`.
    fn pattern(&mut self, node: Node) {
        let pattern = self.string(node, "pattern");
        if let Some(pattern) = pattern {
            self.widen(pattern, "pattern");
        }
        let mut fields = self.tape.fields(node);
        let Some((key, format)) = fields.find(|&(key, _)| self.tape.text(key) == "format") else {
            return;
        };
        let name = self.tape.text(format);
        let Some((_, shape)) = FORMATS.iter().find(|(known, _)| *known == name) else { return };
        let span = self.tape.span(key).start - 1..self.tape.span(format).end + 1;
        let swap = if pattern.is_some() {
            // The pattern says what the format did.
            self.without(node, span)
        } else {
            let more = more(shape, true).unwrap_or_default();
            let with = format!("\"pattern\":\"{}\"", escape::encode(&format!("{shape}{more}")));
            Some(Swap { span, with })
        };
        drop(fields);
        self.found.extend(swap.map(|swap| Rewrite { what: "format", swap }));
    }

    /// Lets a pattern, a string or a key, match placeholders too.
    fn widen(&mut self, pattern: Node, what: &'static str) {
        self.patterns += 1;
        let text = self.tape.text(pattern);
        let look = self.patterns <= PATTERNS && text.len() <= PATTERN;
        if let Some(more) = remembered(&text, look) {
            let end = self.tape.span(pattern).end;
            let swap = Swap { span: end..end, with: escape::encode(&more) };
            self.found.push(Rewrite { what, swap });
        }
    }

    fn lengths(&mut self, node: Node) {
        let pattern = self.string(node, "pattern").map(|pattern| self.tape.text(pattern));
        let room = match pattern.as_deref().and_then(head) {
            Some(_) => STRUCTURED,
            None => LONGEST,
        };
        for name in ["maxLength", "max_length"] {
            let most = |given: usize| (SHORTEST_VALUE..room).contains(&given).then_some(room);
            self.length(node, name, "maxLength", most);
        }
        for name in ["minLength", "min_length"] {
            let least = |given: usize| (SHORTEST + 1..=PROSE).contains(&given).then_some(SHORTEST);
            self.length(node, name, "minLength", least);
        }
    }

    /// Lets numbers that may be accounts be strings.
    fn numbers(&mut self, node: Node) {
        let Some(kind) = self.string(node, "type") else { return };
        let name = self.tape.raw(kind);
        let given = ["const", "enum"].into_iter().filter_map(|name| self.tape.field(node, name));
        let items = |given| match self.tape.shape(given) {
            Shape::Array => self.tape.items(given).collect(),
            _ => vec![given],
        };
        // Masked already, if it was one.
        let account = |&value: &Node| match self.tape.shape(value) {
            Shape::Number => self.tape.raw(value).len() == ACCOUNT,
            Shape::String => self.tape.raw(value).starts_with(NUMBER_PREFIX),
            _ => false,
        };
        if matches!(name, "integer" | "number") && given.flat_map(items).any(|v| account(&v)) {
            let Range { start, end } = self.tape.span(kind);
            let with = format!("[\"{name}\",\"string\"]");
            let swap = Swap { span: start - 1..end + 1, with };
            self.found.push(Rewrite { what: "type", swap });
        }
    }

    fn length(
        &mut self,
        schema: Node,
        name: &str,
        what: &'static str,
        other: impl Fn(usize) -> Option<usize>,
    ) {
        let Some(node) = self.tape.field(schema, name) else { return };
        // Protocol buffers write 64 bits as a string.
        let given = self.tape.raw(node).parse().ok();
        if let Some(length) = given.and_then(other) {
            let swap = Swap { span: self.tape.span(node), with: length.to_string() };
            self.found.push(Rewrite { what, swap });
        }
    }

    fn string(&self, object: Node, name: &str) -> Option<Node> {
        self.tape.field(object, name).filter(|&node| self.tape.shape(node) == Shape::String)
    }

    /// Takes a field out of its object, with the comma behind it or before it.
    fn without(&self, object: Node, span: Range<usize>) -> Option<Swap<String>> {
        let source = self.tape.source();
        let behind = source.get(span.end..)?;
        let trimmed = behind.trim_start();
        let span = if trimmed.starts_with(',') {
            span.start..span.end + (behind.len() - trimmed.len()) + 1
        } else {
            let before = source.get(self.tape.span(object).start..span.start)?;
            span.start - (before.len() - before.rfind(',')?)..span.end
        };
        Some(Swap { span, with: String::new() })
    }
}

/// [`more`] of a pattern. The tools of a conversation come again with each turn, and to read
/// an expression takes longer than to mask a kilobyte.
fn remembered(pattern: &str, look: bool) -> Option<String> {
    static SEEN: LazyLock<Mutex<HashMap<Box<str>, Option<String>>>> = LazyLock::new(Mutex::default);
    if !look {
        return more(pattern, look);
    }
    // Nothing panics while it holds the lock.
    let seen = || SEEN.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(known) = seen().get(pattern) {
        return known.clone();
    }
    let found = more(pattern, look);
    let mut seen = seen();
    if seen.len() >= REMEMBERED {
        seen.clear();
    }
    seen.insert(pattern.into(), found.clone());
    found
}

/// What a pattern lacks to match placeholders; `None`: nothing.
fn more(pattern: &str, look: bool) -> Option<String> {
    let regex = if look { read(pattern) } else { None };
    let admits = |text: &str| match &regex {
        Some(regex) => regex.is_match(text.as_bytes()),
        None => false,
    };
    // Nothing that is masked has this form: the model writes it as it is.
    let none = |regex: &Regex| !VALUES.iter().any(|value| regex.is_match(value.as_bytes()));
    if head(pattern).is_none() && regex.as_ref().is_some_and(none) {
        return None;
    }
    let mut more = String::new();
    let bare = format!("|^{ANY}$");
    if !SAMPLES.into_iter().all(admits) && !pattern.contains(&bare) {
        more += &bare;
    }
    if let Some(head) = head(pattern) {
        let inside = format!("|^{head}[!-~]*{ANY}[!-~]*$");
        let plain = head.replace(['\\', '?'], "");
        if !admits(&format!("{plain}{}/x", SAMPLES[0])) && !pattern.contains(&inside) {
            more += &inside;
        }
    }
    (!more.is_empty()).then_some(more)
}

/// An expression as far as this crate knows what it means; the others are widened.
fn read(pattern: &str) -> Option<Regex> {
    RegexBuilder::new(pattern).unicode(false).size_limit(1 << 15).build().ok()
}

/// With what every match of an ARN's or a URI's pattern begins, up to the last `:` or `/`:
/// no value is masked across them.
fn head(pattern: &str) -> Option<&str> {
    let rest = pattern.strip_prefix('^')?;
    let rest = rest.strip_prefix("(?:").or(rest.strip_prefix('(')).unwrap_or(rest);
    let bytes = rest.as_bytes();
    let (mut at, mut end) = (0, 0);
    while let Some(&byte) = bytes.get(at) {
        let (symbol, mut next) = match byte {
            b'\\' => (*bytes.get(at + 1)?, at + 2),
            byte => (byte, at + 1),
        };
        let literal = match byte {
            b'\\' => b":/.-@_".contains(&symbol),
            byte => byte.is_ascii_alphanumeric() || b":/-@_%=,".contains(&byte),
        };
        match bytes.get(next) {
            Some(b'*' | b'+' | b'{') => break,
            Some(b'?') => next += 1,
            _ => {}
        }
        if !literal {
            break;
        }
        if matches!(symbol, b':' | b'/') {
            end = next;
        }
        at = next;
    }
    rest.get(..end).filter(|head| !head.is_empty())
}

#[cfg(test)]
mod tests;
