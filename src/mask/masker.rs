//! Masking a whole document: a pure function of the scope, the catalog and the
//! document.
//!
//! Units are read in the order in which the model reads them. Of each unit all
//! leaves are scanned first; what they teach (an account in an ARN, a bucket in
//! a URI) is then masked wherever it stands alone in the unit and in later
//! ones. Neither the order of bytes nor that of JSON keys plays a role.

mod again;
mod answered;
mod around;
mod behind;
mod constants;
mod leaves;
mod report;
mod together;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use thiserror::Error;

use crate::body::escape;
use crate::body::json::{JsonError, Node, Shape, Tape};
use crate::body::select::{self, Format, Leaf, Opaque, Place, Units};
use crate::body::splice::{Swap, splice};
use crate::detect::{Beside, Catalog, Finding, Kind, Known, Part, Printed, Rank, Tool};
use crate::mask::contents::Contents;
use crate::mask::conversation::Calls;
use crate::mask::decoded::{Decoded, source_at};
use crate::mask::masker::again::{Ahead, Digest, Fresh, Log};
use crate::mask::note;
use crate::mask::placeholder::{self, NUMBER_KIND, Placeholder};
use crate::mask::resent::Resent;
use crate::mask::table::Table;
use crate::mask::{Mapping, Scope};

pub use around::Around;
pub use report::Report;

/// What masking needs beside the document.
#[derive(Clone, Debug)]
pub struct Masker {
    pub catalog: Arc<Catalog>,
    pub limits: Limits,
    pub around: Around,
    /// What was masked before: None to mask it again.
    pub resent: Option<Arc<Resent>>,
}

#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Distinct values in one document.
    pub findings: usize,
    /// Levels of JSON.
    pub depth: usize,
}

/// Why a document cannot be masked. No text of it is in here.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum Refusal {
    #[error("the body nests deeper than {0} levels")]
    Depth(usize),
    #[error("the body holds more than {0} different identifiers")]
    Findings(usize),
    #[error("two values share one placeholder")]
    Collision,
    #[error("findings do not fit the body")]
    Misfit,
}

/// The state of masking one request; several documents (lines, parts) may share it.
#[derive(Debug)]
pub struct Session<'a> {
    masker: &'a Masker,
    scope: &'a Scope,
    pub table: Table,
    /// What is done around the texts.
    pub around: Around,
    /// Calls that the document does not hold.
    pub calls: Calls,
    known: Known,
    pub report: Report,
    decoded: Decoded,
    /// The mappings of the request, if this is its answer.
    base: Option<Arc<Table>>,
    /// Of the names known.
    digest: Digest,
    ahead: Ahead,
    log: Option<Log>,
    /// What was found in which unit of the document that had not come before.
    fresh: Fresh,
    /// What the commands print in the input of the tool whose result was read last.
    printed: Option<(Node, Printed)>,
    /// The name of a tool that was read last, and what it says.
    named: Option<(Node, Option<Tool>)>,
    /// The tool whose input is read that stands in a string.
    tool: Option<Tool>,
}

/// One leaf while its unit is worked on.
struct Text<'s> {
    /// Where the leaf's contents begin in the document.
    at: usize,
    text: &'s str,
    /// Behind each escape: the place in the text, and in the document from `at` on.
    steps: &'s [(usize, usize)],
    place: Place,
    findings: Vec<Finding>,
    beside: Beside,
}

impl<'s> Text<'s> {
    fn new(text: &'s str, steps: &'s [(usize, usize)], at: usize, place: Place) -> Self {
        let (findings, beside) = Default::default();
        Self { at, text, steps, place, findings, beside }
    }
}

impl<'a> Session<'a> {
    #[must_use]
    pub fn new(masker: &'a Masker, scope: &'a Scope) -> Self {
        let (table, known, report, decoded, base) = Default::default();
        let (calls, digest, ahead, log, fresh, printed, named, tool) = Default::default();
        let around = masker.around;
        Self {
            masker,
            scope,
            table,
            around,
            calls,
            known,
            report,
            decoded,
            base,
            digest,
            ahead,
            log,
            fresh,
            printed,
            named,
            tool,
        }
    }

    /// Masks a JSON document. What is not JSON is masked as text and counted:
    /// the provider will say what is wrong with it.
    pub fn json(&mut self, source: &str, format: Format) -> Result<String, Refusal> {
        let tape = match Tape::parse(source, self.masker.limits.depth) {
            Ok(tape) => tape,
            Err(JsonError::Depth(depth)) => return Err(Refusal::Depth(depth)),
            Err(JsonError::Syntax(_) | JsonError::Size) => {
                self.report.malformed = true;
                return self.text(source);
            }
        };
        self.document(&tape, format)
    }

    /// Masks a JSON document that was read.
    fn document(&mut self, tape: &Tape<'_>, format: Format) -> Result<String, Refusal> {
        let mut swaps = self.swaps(tape, format, |_, _, _| {})?;
        splice(tape.source(), &mut swaps).map_err(|_| Refusal::Misfit)
    }

    /// What a JSON document that was read is masked with: in order, and fitting. `before` may
    /// change it.
    pub fn swaps(
        &mut self,
        tape: &Tape<'_>,
        format: Format,
        before: impl FnOnce(&mut Self, &Units, &mut Vec<Swap<String>>),
    ) -> Result<Vec<Swap<String>>, Refusal> {
        self.hosted(tape, format);
        (self.printed, self.named) = (None, None);
        self.fresh.clear();
        let mut swaps = Vec::new();
        let units = select::units(tape, format);
        self.report.unknown += units.unknown();
        let thought = |leaf: &Leaf| leaf.place == Place::Thought;
        self.report.thoughts |= units.iter().flatten().any(thought);
        self.units(tape, &units.iter().collect::<Vec<_>>(), &mut swaps)?;
        if self.around.note {
            swaps.extend(note::swaps(tape, format));
        }
        before(self, &units, &mut swaps);
        self.widened(tape, format, &mut swaps).map_err(|_| Refusal::Misfit)?;
        Ok(swaps)
    }

    /// Masks a text as one leaf.
    pub fn text(&mut self, source: &str) -> Result<String, Refusal> {
        self.known.begin_units();
        self.part(source)
    }

    /// Masks a text of the unit.
    fn part(&mut self, source: &str) -> Result<String, Refusal> {
        let mut swaps = Vec::new();
        let mut texts = [Text::new(source, &[], 0, Place::Text)];
        let part = Part { span: 0..source.len(), label: Cow::default() };
        self.scan(source, &[part], &mut texts);
        self.settle(&mut texts, &mut swaps)?;
        splice(source, &mut swaps).map_err(|_| Refusal::Misfit)
    }

    /// Finds what stands in leaves by themselves, which are parts of `all`.
    fn scan(&self, all: &str, parts: &[Part<'_>], texts: &mut [Text<'_>]) {
        let mut texts = texts.iter_mut();
        let catalog = &self.masker.catalog;
        catalog.scan_beside(all, parts, placeholder::spans, &self.known, |findings, beside| {
            if let Some(text) = texts.next() {
                (text.findings, text.beside) = (findings, beside);
            }
        });
    }

    /// Decides the placeholders of a unit and writes down what is replaced.
    fn settle(
        &mut self,
        texts: &mut [Text<'_>],
        swaps: &mut Vec<Swap<String>>,
    ) -> Result<(), Refusal> {
        self.decide(texts);
        self.assign(texts)?;
        for text in texts.iter_mut() {
            if matches!(text.place, Place::Guarded(_)) || self.known.is_empty() {
                continue;
            }
            let Text { text: leaf, findings, beside, .. } = text;
            let taken = &mut beside.taken;
            taken.extend(findings.iter().map(|finding| finding.span.clone()));
            taken.sort_by_key(|span| span.start);
            self.known.find(leaf, std::mem::take(&mut beside.words), taken, findings);
            findings.sort_unstable_by_key(|finding| finding.span.start);
        }
        for text in texts.iter_mut() {
            Finding::join(&mut text.findings, 0);
            self.swap(text, swaps)?;
        }
        Ok(())
    }

    /// Keys that others use too name what is AWS's, if anything in the unit is.
    fn decide(&self, texts: &mut [Text<'_>]) {
        let catalog = &self.masker.catalog;
        let sign = |text: &Text<'_>| {
            text.beside.aws || text.findings.iter().any(|finding| catalog.is_sign(finding))
        };
        let unsure = texts.iter().any(|text| !text.beside.unsure.is_empty());
        if unsure && texts.iter().any(sign) {
            for Text { text, findings, beside, .. } in texts {
                if !beside.unsure.is_empty() {
                    let unsure = &mut beside.unsure;
                    catalog.add_unsure(text, &beside.taken, unsure, findings);
                }
            }
        }
    }

    /// Gives each value that the unit brings its placeholder, by the surest
    /// class that found it, and learns the names.
    fn assign(&mut self, texts: &[Text<'_>]) -> Result<(), Refusal> {
        let mut first: BTreeMap<&str, (Rank, Kind, bool)> = BTreeMap::new();
        let masked = texts.iter().filter(|text| !matches!(text.place, Place::Guarded(_)));
        for text in masked {
            for finding in &text.findings {
                let value = text.text.get(finding.span.clone()).ok_or(Refusal::Misfit)?;
                let new = (finding.rank, finding.kind, finding.teach);
                let old = first.entry(value).or_insert(new);
                let teach = old.2 || new.2;
                *old = (*old).min(new);
                old.2 = teach;
            }
        }
        for (value, (_, kind, teach)) in first {
            self.placeholder(kind, value, true)?;
            let catalog = &self.masker.catalog;
            for (name, kind) in catalog.teaches(teach, value, kind) {
                self.learn(name, kind);
            }
        }
        Ok(())
    }

    /// The placeholder of a value: of this kind, unless it has one. `first`: what the unit
    /// itself makes of it.
    fn placeholder(
        &mut self,
        kind: Kind,
        value: &str,
        first: bool,
    ) -> Result<Arc<Mapping>, Refusal> {
        let info = self.masker.catalog.info(kind);
        let base = || self.base.as_ref()?.text(value);
        if let Some(mapping) = self.table.text(value).or_else(base) {
            if let Some(log) = &mut self.log {
                let same = !first || mapping.placeholder.is_of(info.secret, &info.name);
                log.mapping(mapping, same);
            }
            return Ok(Arc::clone(mapping));
        }
        self.assigned(info.secret, &info.name, value)
    }

    /// The placeholder of a value, of this kind.
    fn assigned(&mut self, secret: bool, kind: &str, value: &str) -> Result<Arc<Mapping>, Refusal> {
        let mapping = self.table.assign(self.scope, secret, kind, value);
        let mapping = mapping.map_err(|_| Refusal::Collision)?;
        if let Some(log) = &mut self.log {
            log.mapping(&mapping, true);
        }
        self.within_limit()?;
        Ok(mapping)
    }

    fn within_limit(&self) -> Result<(), Refusal> {
        let limit = self.masker.limits.findings;
        if self.table.len() > limit { Err(Refusal::Findings(limit)) } else { Ok(()) }
    }

    fn swap(&mut self, text: &Text<'_>, swaps: &mut Vec<Swap<String>>) -> Result<(), Refusal> {
        for finding in &text.findings {
            if let Place::Guarded(guarded) = text.place {
                *self.report.guarded.entry((guarded, finding.kind)).or_default() += 1;
                continue;
            }
            let value = text.text.get(finding.span.clone()).ok_or(Refusal::Misfit)?;
            let first = finding.rank == Rank::Known;
            let mapping = self.placeholder(finding.kind, value, first)?;
            *self.report.findings.entry(finding.kind).or_default() += 1;
            let with = mapping.placeholder.as_str().to_owned();
            let place = |at| text.at + source_at(text.steps, at);
            swaps.push(Swap { span: place(finding.span.start)..place(finding.span.end), with });
        }
        Ok(())
    }

    fn present(&mut self, text: &str) {
        for span in placeholder::spans(text) {
            self.report.present.extend(text.get(span).and_then(Placeholder::parse));
        }
    }

    /// A document of a text type in base64: decoded, masked and encoded again.
    fn base64(
        &mut self,
        tape: &Tape<'_>,
        leaf: &Leaf,
        swaps: &mut Vec<Swap<String>>,
    ) -> Result<(), Refusal> {
        let contents = tape.text(leaf.node);
        // The head of a `data:` URL stays.
        let head = contents.find(";base64,").filter(|_| contents.starts_with("data:"));
        let (head, body) =
            contents.split_at_checked(head.map_or(0, |at| at + 8)).unwrap_or_default();
        let decoded = STANDARD.decode(body.as_bytes()).ok();
        let Some(text) = decoded.and_then(|bytes| String::from_utf8(bytes).ok()) else {
            *self.report.opaque.entry(Opaque::Document).or_default() += 1;
            return Ok(());
        };
        let masked = self.part(&text)?;
        if masked != text {
            let with = format!("{}{}", escape::encode(head), STANDARD.encode(masked));
            swaps.push(Swap { span: tape.span(leaf.node), with });
        }
        Ok(())
    }

    /// JSON source in a string: its own strings are masked, as they will be restored. False:
    /// it is none, but text.
    fn source(
        &mut self,
        tape: &Tape<'_>,
        leaf: &Leaf,
        swaps: &mut Vec<Swap<String>>,
    ) -> Result<bool, Refusal> {
        let contents = Contents::json(tape.raw(leaf.node));
        let Ok(inner) = Tape::parse(contents.text(), self.masker.limits.depth) else {
            return Ok(false);
        };
        let mut found = Vec::new();
        self.tool = leaf.by.and_then(|by| self.tool_named(tape, by));
        for unit in select::units(&inner, Format::Free).iter() {
            self.leaves(&inner, unit, None, &mut found)?;
        }
        self.tool = None;
        found.sort_by_key(|swap| swap.span.start);
        let (at, mut way_back) = (tape.span(leaf.node).start, contents.way_back());
        swaps.extend(found.into_iter().map(|Swap { span, with }| {
            let span = way_back.source(&span);
            Swap { span: at + span.start..at + span.end, with: escape::encode(&with) }
        }));
        Ok(true)
    }

    /// An account id as a number, named by its key, is known from here on.
    fn learn_number(&mut self, tape: &Tape<'_>, leaf: &Leaf) -> Result<(), Refusal> {
        let label = self.label(tape, leaf);
        let digits = tape.raw(leaf.node);
        if tape.shape(leaf.node) == Shape::Number
            && self.masker.catalog.account_number(&label, digits)
            && let Some(kind) = self.masker.catalog.kind("ACCOUNT")
        {
            self.placeholder(kind, digits, true)?;
            self.learn(digits, kind);
        }
        Ok(())
    }

    /// A number that is a known account becomes a string.
    fn number(
        &mut self,
        tape: &Tape<'_>,
        leaf: &Leaf,
        swaps: &mut Vec<Swap<String>>,
    ) -> Result<(), Refusal> {
        let digits = tape.raw(leaf.node);
        let account = digits.len() == 12 && self.known.contains(digits).is_some();
        let Some(kind) = account.then(|| self.masker.catalog.kind(NUMBER_KIND)).flatten() else {
            return Ok(());
        };
        let mapping = self.assigned(false, NUMBER_KIND, digits)?;
        *self.report.findings.entry(kind).or_default() += 1;
        let with = format!("\"{}\"", mapping.placeholder);
        swaps.push(Swap { span: tape.span(leaf.node), with });
        Ok(())
    }
}
