//! One scan of one text: all ranks in their order, at all levels of escapes.

use std::borrow::Cow;
use std::ops::Range;

use crate::detect::boundary::left;
use crate::detect::catalog::Catalog;
use crate::detect::context::named;
use crate::detect::context::names::{flag_end, key_end};
use crate::detect::context::password::near::Word;
use crate::detect::context::runs::{self, Run};
use crate::detect::context::secret::{self, variable};
use crate::detect::deep;
use crate::detect::gaps::Gaps;
use crate::detect::literals;
use crate::detect::marks::{self, Row, Rows};
use crate::detect::prefixed;
use crate::detect::typeset;
use crate::detect::{Beside, Finding, Known, Rank};

mod lines;
mod literal;

/// As many texts are looked at together at most: what is found in each takes memory meanwhile.
const TOGETHER: usize = 32;

/// A text among others.
#[derive(Debug)]
pub struct Part<'t> {
    /// Where it stands among them.
    pub span: Range<usize>,
    /// The nearest JSON key.
    pub label: Cow<'t, str>,
}

/// What one pass over one level of escapes finds.
#[derive(Default)]
pub(crate) struct Pass<'t> {
    pub text: &'t [u8],
    /// By shape and by structure.
    pub found: Vec<Finding>,
    /// What is an identifier if its context says so.
    pub runs: Vec<Run>,
    /// Where names of passwords end.
    pub passwords: Vec<usize>,
    /// Where keys end that may announce other secrets.
    pub secrets: Vec<usize>,
    /// What may be the head of a column of secrets, or of values.
    pub heads: Vec<usize>,
    /// Passwords on command lines.
    pub typed: Vec<Range<usize>>,
    /// What looks like a secret behind a word that announces one.
    pub near: Vec<(Range<usize>, Word)>,
    /// What was read near the last words that announce keys, and passwords.
    near_read: (Range<usize>, Range<usize>),
    /// Secrets that are secrets here, and may be words elsewhere.
    pub held: Vec<Range<usize>>,
    /// Up to here, commands are read already whose options may hold passwords.
    login: usize,
    /// Up to here, calls are read that are given secrets.
    call: usize,
    /// Up to here, private keys are read.
    pem: usize,
    /// Up to here, ARNs are found.
    arn: usize,
    /// As much was read for manifests.
    manifest: usize,
    /// Classes, and up to where each is read.
    read: Vec<(usize, usize)>,
    /// Up to here, hosts and addresses are read already.
    pub host: usize,
    pub v4: usize,
    pub v6: usize,
    /// An escape may hide a character.
    escapes: bool,
    /// Where signs of prompts may end.
    prompts: Vec<usize>,
    /// A literal stands here.
    literal: bool,
    /// A placeholder may stand here.
    masked: bool,
    /// Names by their keys.
    pub named: named::Findings,
    /// Where a name may stand that is known already.
    words: Vec<usize>,
    /// Names that need a sign of AWS, where the text holds none.
    pub unsure: Vec<Finding>,
}

impl Catalog {
    /// Adds what is found in `text`, sorted and without overlaps.
    ///
    /// `text` is a decoded leaf, `label` the nearest JSON key, `taken` the
    /// sorted spans that are never touched.
    pub fn scan(&self, text: &str, label: &str, taken: &[Range<usize>], out: &mut Vec<Finding>) {
        let mut pass = self.pass(text);
        self.settle(text, label, &mut pass, taken, out);
    }

    /// What stands in one text.
    fn pass<'t>(&self, text: &'t str) -> Pass<'t> {
        let parts = [Part { span: 0..text.len(), label: Cow::default() }];
        let mut passes = Passes::new(text, &parts);
        self.look(text, &mut passes, &Known::default());
        passes.take(0).unwrap_or_else(|| Pass::new(text.as_bytes()))
    }

    /// [`Catalog::scan`] of texts that stand one behind the other in `all`, each behind a byte
    /// that is in none, beside names that are known already. `found` is called for each in
    /// turn, with what matters to the others of the unit too. `placeholders` tells where
    /// placeholders are: it is asked where one may begin.
    ///
    /// Most texts are short: together they cost less than one by one.
    pub fn scan_beside(
        &self,
        all: &str,
        parts: &[Part<'_>],
        placeholders: fn(&str) -> Vec<Range<usize>>,
        known: &Known,
        mut found: impl FnMut(Vec<Finding>, Beside),
    ) {
        let mut rest = parts;
        while let Some((first, more)) = rest.split_first() {
            let text = all.get(first.span.clone()).unwrap_or_default();
            if let Some(cut) = prefixed::cut_numbers(text) {
                self.scan_numbered(text, &cut, &first.label, placeholders, known, &mut found);
                rest = more;
                continue;
            }
            let plain = |part: &&Part<'_>| {
                !prefixed::is_numbered(all.get(part.span.clone()).unwrap_or_default())
            };
            let count = 1 + more.iter().take(TOGETHER - 1).take_while(plain).count();
            let (parts, behind) = rest.split_at_checked(count).unwrap_or((rest, &[]));
            self.scan_together(all, parts, placeholders, known, &mut found);
            rest = behind;
        }
    }

    fn scan_together(
        &self,
        all: &str,
        parts: &[Part<'_>],
        placeholders: fn(&str) -> Vec<Range<usize>>,
        known: &Known,
        found: &mut impl FnMut(Vec<Finding>, Beside),
    ) {
        let first = parts.first().map(|part| part.span.start).unwrap_or_default();
        let last = parts.last().map(|part| part.span.end).unwrap_or_default();
        let mut passes = Passes::new(all, parts);
        self.look(all.get(first..last).unwrap_or_default(), &mut passes, known);
        for (at, part) in parts.iter().enumerate() {
            let text = all.get(part.span.clone()).unwrap_or_default();
            let pass = match passes.take(at) {
                None if self.is_plain(text, &part.label)
                    && typeset::plain(text, false).is_none() =>
                {
                    found(Vec::new(), Beside::default());
                    continue;
                }
                pass => pass.unwrap_or_else(|| Pass::new(text.as_bytes())),
            };
            let (out, beside) = self.settle_beside(text, &part.label, pass, placeholders);
            found(out, beside);
        }
    }

    fn settle_beside(
        &self,
        text: &str,
        label: &str,
        mut pass: Pass<'_>,
        placeholders: fn(&str) -> Vec<Range<usize>>,
    ) -> (Vec<Finding>, Beside) {
        let taken = if pass.masked { placeholders(text) } else { Vec::new() };
        let words = std::mem::take(&mut pass.words);
        let mut out = Vec::new();
        self.settle(text, label, &mut pass, &taken, &mut out);
        let unsure = std::mem::take(&mut pass.unsure);
        (out, Beside { words, taken, unsure, aws: pass.named.aws })
    }

    /// Is nothing found in a text in which no candidate stands?
    fn is_plain(&self, text: &str, label: &str) -> bool {
        self.strict.is_none() && self.context.is_plain(text, label)
    }

    /// What a pass has seen becomes findings.
    fn settle(
        &self,
        text: &str,
        label: &str,
        pass: &mut Pass<'_>,
        taken: &[Range<usize>],
        out: &mut Vec<Finding>,
    ) {
        let first = out.len();
        let mut gaps = Gaps::new(taken);
        self.behind_prefixes(text, label, pass, &mut gaps, out);
        self.fill(pass, label, &mut gaps, out);
        if pass.escapes {
            self.deeper(text, label, &mut gaps, out);
        }
        if let Some(added) = out.get_mut(first..) {
            added.sort_by_key(|finding| finding.span.start);
        }
        self.retain(text, first, out);
        Finding::join(out, first);
    }

    /// Decodes level by level, as long as there are escapes.
    fn deeper(&self, text: &str, label: &str, gaps: &mut Gaps, out: &mut Vec<Finding>) {
        let mut decoded: Vec<deep::Decoded> = Vec::new();
        while decoded.len() < deep::LEVELS {
            let inner = decoded.last().map_or(text, |level| level.text.as_str());
            let Some(level) = deep::decode(inner) else { break };
            let mut found = Vec::new();
            let mut pass = self.pass(&level.text);
            self.fill(&mut pass, label, &mut Gaps::default(), &mut found);
            decoded.push(level);
            for finding in &mut found {
                finding.span = decoded
                    .iter()
                    .rev()
                    .fold(finding.span.clone(), |span, level| level.outer(&span));
                // An escape that freed it may itself be escaped: `\u00252Fi-…` is `%2Fi-…`. Its
                // letters go with the value, so that the placeholder is free in the outer text.
                while finding.span.start > 0 && !left(text, finding.span.start) {
                    finding.span.start -= 1;
                }
            }
            for rank in [Rank::Shape, Rank::Structure, Rank::Context] {
                let mut of_rank = found.iter().filter(|f| f.rank == rank).cloned().collect();
                gaps.fill_around(text.as_bytes(), &mut of_rank, out);
            }
        }
    }

    /// Looks at all candidates of one level of escapes.
    fn look(&self, text: &str, passes: &mut Passes<'_, '_>, known: &Known) {
        if let Some(custom) = &self.custom {
            // First, so that they win where a class finds the same.
            passes.all().for_each(|pass| custom.find(pass.text, Rank::Shape, &mut pass.found));
        }
        marks::each(text.as_bytes(), known.heads(self), |chunk| {
            passes.each(chunk.words(), |at, pass| self.word(at, known, pass));
            let names = &self.context.names;
            passes.each(chunk.keys(), |at, pass| {
                let end = key_end(pass.text, at);
                names.at_sign(pass.text, at, end, &mut pass.named);
                secret::at_sign(pass.text, end, &mut pass.secrets);
                variable::at_sign(pass.text, end, at, |found| pass.near.push(found));
            });
            if let Some((from, marks)) = chunk.signs() {
                self.signs(from, marks, passes);
            }
        });
    }

    /// Fills the gaps, rank by rank.
    fn fill(&self, pass: &mut Pass<'_>, label: &str, gaps: &mut Gaps, out: &mut Vec<Finding>) {
        let text = pass.text;
        if !pass.found.is_empty() {
            let (mut shapes, mut fields): (Vec<_>, Vec<_>) =
                pass.found.drain(..).partition(|finding| finding.rank == Rank::Shape);
            gaps.fill(text, &mut shapes, out);
            gaps.fill(text, &mut fields, out);
        }
        // Words, signs and types found them, some of them twice.
        pass.passwords.sort_unstable();
        pass.passwords.dedup();
        let mut hinted = self.context.scan(pass, label, out);
        if let Some(strict) = &self.strict {
            strict.find(text, Rank::Context, &mut hinted);
        }
        hinted.extend(self.context.transcripts(text, &pass.prompts));
        gaps.fill(text, &mut hinted, out);
    }

    /// Looks at a word with which a literal or a name may begin: almost none does.
    fn word(&self, word: usize, known: &Known, pass: &mut Pass<'_>) {
        let head = literals::eight(pass.text, word);
        if known.may_begin(head) {
            pass.words.push(word);
        }
        if self.literals.may_hold(head) {
            self.literals.at(pass.text, word, head, |hit| self.literal(&hit, pass));
        }
    }

    /// Looks at the candidates among a few hundred bytes that are not words.
    fn signs(&self, from: usize, marks: &Rows, passes: &mut Passes<'_, '_>) {
        passes.row(from, &marks.ids, &|at, pass| self.hyphen_id(pass.text, at, &mut pass.found));
        passes.row(from, &marks.uuids, &|at, pass| self.uuid_id(pass.text, at, &mut pass.found));
        passes
            .row(from, &marks.regions, &|at, pass| self.region_id(pass.text, at, &mut pass.found));
        passes.row(from, &marks.dots, &|at, pass| self.v4(at, pass));
        passes.row(from, &marks.colons, &|at, pass| self.v6(at, pass));
        passes.row(from, &marks.schemes, &|at, pass| {
            for class in self.finders.authority.iter().filter_map(|&at| self.classes.get(at)) {
                class.verify(pass.text, at, &mut pass.found);
            }
        });
        let names = &self.context.names;
        passes.row(from, &marks.flags, &|at, pass| {
            let Some(end) = flag_end(pass.text, at) else { return };
            names.at_flag(pass.text, at, end, &mut pass.named);
            secret::at_flag(pass.text, end, &mut pass.secrets);
        });
        passes.row(from, &marks.numbers, &|at, pass| Run::number(pass.text, at, &mut pass.runs));
        passes.row(from, &marks.grouped, &|at, pass| Run::grouped(pass.text, at, &mut pass.runs));
        passes.row(from, &marks.secrets, &|at, pass| {
            let run = runs::base64(pass.text, at);
            Run::secret(pass.text, run.clone(), &mut pass.runs);
            self.encoded(run, pass);
        });
        passes.row(from, &marks.passwords, &|at, pass| {
            let tail = pass.text.get(at..).unwrap_or_default();
            let rest = ["word", "WORD", "wd", "WD", "wort"].into_iter();
            let name =
                rest.filter(|rest| tail.starts_with(rest.as_bytes())).max_by_key(|r| r.len());
            pass.passwords.extend(name.map(|name| at + name.len()));
        });
        passes.row(from, &marks.escapes, &|at, pass| {
            let hides = matches!(pass.text.get(at + 1), Some(b'u' | b'/'));
            pass.escapes |= hides || pass.text.get(at) == Some(&deep::ESCAPE);
        });
        passes.row(from, &marks.prompts, &|at, pass| {
            // Of arrows and comparisons there are many.
            let before = at.checked_sub(1).and_then(|at| pass.text.get(at));
            let folder = |b: &u8| b.is_ascii_alphanumeric() || br"\/~:)]_-".contains(b);
            if pass.text.get(at) != Some(&b'>') || before.is_some_and(folder) {
                pass.prompts.push(at);
            }
        });
    }
}

impl<'t> Pass<'t> {
    fn new(text: &'t [u8]) -> Self {
        Self { text, ..Self::default() }
    }

    /// Does anything here say what another line may hold?
    fn is_told(&self) -> bool {
        let keys = self.passwords.is_empty() && self.secrets.is_empty() && !self.named.told;
        self.literal || !keys || !self.prompts.is_empty() || !self.runs.is_empty()
    }
}

/// The passes over texts that are looked at together: of those in which a candidate stands.
struct Passes<'p, 't> {
    all: &'t str,
    parts: &'p [Part<'p>],
    /// Where the first begins.
    start: usize,
    /// The part in which a candidate stood last, and where it stands from `start` on: what
    /// stands next to each other is mostly in one.
    last: (usize, Range<usize>),
    made: Vec<Pass<'t>>,
    /// For each part, which of them is its own.
    own: [u8; TOGETHER],
}

/// It has none.
const NONE: u8 = u8::MAX;

impl<'p, 't> Passes<'p, 't> {
    fn new(all: &'t str, parts: &'p [Part<'p>]) -> Self {
        let start = parts.first().map(|part| part.span.start).unwrap_or_default();
        let (made, own) = (Vec::with_capacity(parts.len()), [NONE; TOGETHER]);
        Self { all, parts, start, last: (0, 0..0), made, own }
    }

    /// The same for the places of a row, which mostly has none.
    #[inline(always)]
    fn row(&mut self, from: usize, row: &Row, look: &dyn Fn(usize, &mut Pass<'t>)) {
        if row.any() {
            self.each(row.places(from), look);
        }
    }

    /// Calls `look` for each place, counted from the beginning of its text.
    #[inline]
    fn each(&mut self, places: impl Iterator<Item = usize>, look: impl Fn(usize, &mut Pass<'t>)) {
        for place in places {
            if !self.last.1.contains(&place) && !self.find(place) {
                continue;
            }
            let (part, Range { start, .. }) = self.last;
            if let Some(pass) = self.pass(part) {
                look(place - start, pass);
            }
        }
    }

    /// Finds the part that holds a place.
    fn find(&mut self, place: usize) -> bool {
        let from = place + self.start;
        let part = self.parts.partition_point(|part| part.span.start <= from).max(1) - 1;
        let span = self.parts.get(part).map(|part| part.span.clone()).unwrap_or_default();
        let holds = span.contains(&from);
        if holds {
            self.last = (part, span.start - self.start..span.end - self.start);
        }
        holds
    }

    /// The pass of a part, made if it has none.
    #[inline]
    fn pass(&mut self, part: usize) -> Option<&mut Pass<'t>> {
        let own = self.own.get_mut(part)?;
        if *own == NONE {
            let text = self.all.get(self.parts.get(part)?.span.clone())?;
            *own = u8::try_from(self.made.len()).ok()?;
            self.made.push(Pass::new(text.as_bytes()));
        }
        self.made.get_mut(usize::from(*own))
    }

    /// The passes of all parts.
    fn all(&mut self) -> impl Iterator<Item = &mut Pass<'t>> {
        for part in 0..self.parts.len() {
            self.pass(part);
        }
        self.made.iter_mut()
    }

    fn take(&mut self, part: usize) -> Option<Pass<'t>> {
        let own = self.own.get(part).filter(|own| **own != NONE)?;
        self.made.get_mut(usize::from(*own)).map(std::mem::take)
    }
}
