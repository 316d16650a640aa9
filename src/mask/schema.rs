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

mod patterns;

use std::ops::Range;

use crate::body::escape;
use crate::body::json::{Node, Shape, Tape};
use crate::body::select::{self, Format};
use crate::body::splice::{Misfit, Swap, splice};
use crate::mask::contents::Contents;
use crate::mask::placeholder::{LONGEST, NUMBER_PREFIX, SHORTEST};
use crate::mask::schema::patterns::{PATTERN, head, more, remembered};

/// A constraint that is widened.
#[derive(Debug)]
pub struct Rewrite {
    /// The keyword.
    pub what: &'static str,
    pub swap: Swap<String>,
}

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
/// So many patterns are looked at; those behind them are widened without.
const PATTERNS: usize = 1_000;

/// What is to be widened in a document that is masked already.
#[must_use]
pub fn rewrites(tape: &Tape<'_>, format: Format, depth: usize) -> Vec<Rewrite> {
    let (mut found, mut patterns) = (Vec::new(), 0);
    for place in places(tape, format) {
        let schema = tape.source().get(place.clone()).unwrap_or_default();
        found.extend(own(schema, depth, &mut patterns).into_iter().map(
            |Rewrite { what, swap }| Rewrite {
                what,
                swap: Swap { span: from(&swap.span, place.start), ..swap },
            },
        ));
    }
    found
}

/// Widens the schemas of a document that is masked by `swaps`: parts of a pattern are written
/// again as they are masked, so one swap takes the place of those in a schema.
pub fn widen(
    tape: &Tape<'_>,
    format: Format,
    swaps: &mut Vec<Swap<String>>,
    depth: usize,
) -> Result<(), Misfit> {
    swaps.sort_by_key(|swap| swap.span.start);
    let (mut widened, mut taken, mut patterns) = (Vec::new(), Vec::new(), 0);
    for node in select::schemas(tape, format) {
        let place = place(tape, node);
        let first = swaps.partition_point(|swap| swap.span.start < place.start);
        let last = swaps.partition_point(|swap| swap.span.start < place.end);
        if first == last && tape.shape(node) != Shape::String {
            // Nothing in it is masked: it needs not be read again.
            let own = Schemas::read(tape, node, &mut patterns).into_iter();
            widened.extend(own.map(|rewrite| rewrite.swap));
            continue;
        }
        let inside = swaps.get(first..last).unwrap_or_default().iter();
        let back = |Swap { span: Range { start, end }, with }: &Swap<String>| Swap {
            span: start - place.start..end - place.start,
            with: with.clone(),
        };
        let source = tape.source().get(place.clone()).ok_or(Misfit)?;
        let masked = splice(source, &mut inside.map(back).collect::<Vec<_>>())?;
        let mut own: Vec<_> =
            own(&masked, depth, &mut patterns).into_iter().map(|rewrite| rewrite.swap).collect();
        if !own.is_empty() {
            widened.push(Swap { span: place, with: splice(&masked, &mut own)? });
            taken.push(first..last);
        }
    }
    let mut at = 0..;
    taken.sort_by_key(|range: &Range<usize>| range.start);
    let mut taken = taken.into_iter().flatten().peekable();
    swaps.retain(|_| taken.next_if_eq(&at.next().unwrap_or_default()).is_none());
    swaps.append(&mut widened);
    Ok(())
}

/// Where the schemas of a request stand, quotes and all, in the order in which they are read.
fn places(tape: &Tape<'_>, format: Format) -> Vec<Range<usize>> {
    select::schemas(tape, format).into_iter().map(|node| place(tape, node)).collect()
}

fn place(tape: &Tape<'_>, schema: Node) -> Range<usize> {
    match (tape.shape(schema), tape.span(schema)) {
        (Shape::String, span) => span.start - 1..span.end + 1,
        (_, span) => span,
    }
}

/// What is to be widened in one schema.
fn own(schema: &str, depth: usize, patterns: &mut usize) -> Vec<Rewrite> {
    let Ok(tape) = Tape::parse(schema, depth) else { return Vec::new() };
    match tape.shape(tape.root()) {
        Shape::String => in_string(&tape, depth, patterns),
        _ => Schemas::read(&tape, tape.root(), patterns),
    }
}

fn from(span: &Range<usize>, start: usize) -> Range<usize> {
    start + span.start..start + span.end
}

/// The schema that a string holds as JSON source.
fn in_string(tape: &Tape<'_>, depth: usize, patterns: &mut usize) -> Vec<Rewrite> {
    let contents = Contents::json(tape.raw(tape.root()));
    let Ok(inner) = Tape::parse(contents.text(), depth) else { return Vec::new() };
    let mut found = Schemas::read(&inner, inner.root(), patterns);
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
    fn read(tape: &'t Tape<'s>, schema: Node, patterns: &mut usize) -> Vec<Rewrite> {
        let mut schemas = Schemas { tape, patterns: *patterns, found: Vec::new() };
        schemas.schema(schema);
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

#[cfg(test)]
mod tests;
