//! One scan of one text: all ranks in their order, at all levels of escapes.

use std::ops::Range;

use crate::detect::boundary::{before, left};
use crate::detect::catalog::Catalog;
use crate::detect::context::named;
use crate::detect::context::runs::Run;
use crate::detect::deep;
use crate::detect::gaps::Gaps;
use crate::detect::literals::{self, Action, Hit};
use crate::detect::marks::{self, Marks, bits};
use crate::detect::{Beside, Finding, Known, Rank, known};

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
    /// Classes, and up to where each is read.
    read: Vec<(usize, usize)>,
    /// Up to here, hosts and addresses are read already.
    pub host: usize,
    pub v4: usize,
    pub v6: usize,
    /// An escape may hide a character.
    escapes: bool,
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
        let mut pass = Pass { text: text.as_bytes(), ..Pass::default() };
        self.look(&mut pass, &Known::default());
        self.settle(text, label, &mut pass, taken, out);
    }

    /// [`Catalog::scan`] beside names that are known already, which also tells what matters to
    /// the other leaves of the unit. `placeholders` tells where placeholders are: it is asked
    /// where one may begin.
    pub fn scan_beside(
        &self,
        text: &str,
        label: &str,
        placeholders: fn(&str) -> Vec<Range<usize>>,
        known: &Known,
        out: &mut Vec<Finding>,
    ) -> Beside {
        let mut pass = Pass { text: text.as_bytes(), ..Pass::default() };
        self.look(&mut pass, known);
        let taken = if pass.masked { placeholders(text) } else { Vec::new() };
        let words = std::mem::take(&mut pass.words);
        self.settle(text, label, &mut pass, &taken, out);
        Beside { words, taken, unsure: pass.unsure, aws: pass.named.aws }
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
        self.fill(pass, label, &mut gaps, out);
        if pass.escapes {
            self.deeper(text, label, &mut gaps, out);
        }
        if let Some(allowed) = &self.allowed {
            allowed.retain(text, first, out);
        }
        if let Some(added) = out.get_mut(first..) {
            added.sort_by_key(|finding| finding.span.start);
            if added.windows(2).any(touch) {
                let mut added = out.split_off(first);
                added.dedup_by(|next, one| {
                    let touching = one.span.end == next.span.start;
                    if touching {
                        (one.span.end, one.teach) = (next.span.end, false);
                    }
                    touching
                });
                out.append(&mut added);
            }
        }
    }

    /// Decodes level by level, as long as there are escapes.
    fn deeper(&self, text: &str, label: &str, gaps: &mut Gaps, out: &mut Vec<Finding>) {
        let mut decoded: Vec<deep::Decoded> = Vec::new();
        let none = Known::default();
        while decoded.len() < deep::LEVELS {
            let inner = decoded.last().map_or(text, |level| level.text.as_str());
            let Some(level) = deep::decode(inner) else { break };
            let mut found = Vec::new();
            let mut pass = Pass { text: level.text.as_bytes(), ..Pass::default() };
            self.look(&mut pass, &none);
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
    fn look(&self, pass: &mut Pass<'_>, known: &Known) {
        let text = pass.text;
        if let Some(custom) = &self.custom {
            // First, so that they win where a class finds the same.
            custom.find(text, Rank::Shape, &mut pass.found);
        }
        marks::each(text, known.heads(self), |chunk| {
            chunk.words().for_each(|word| self.word(word, known, pass));
            let names = &self.context.names;
            chunk.keys().for_each(|at| names.at_sign(text, at, &mut pass.named));
            chunk.signs().for_each(|(from, marks)| self.signs(from, marks, pass));
        });
    }

    /// Fills the gaps, rank by rank.
    fn fill(&self, pass: &mut Pass<'_>, label: &str, gaps: &mut Gaps, out: &mut Vec<Finding>) {
        let text = pass.text;
        let (mut shapes, mut fields): (Vec<_>, Vec<_>) =
            pass.found.drain(..).partition(|finding| finding.rank == Rank::Shape);
        gaps.fill(text, &mut shapes, out);
        gaps.fill(text, &mut fields, out);
        let mut hinted = self.context.scan(pass, label, out);
        if let Some(strict) = &self.strict {
            strict.find(text, Rank::Context, &mut hinted);
        }
        gaps.fill(text, &mut hinted, out);
    }

    /// Looks at a word with which a literal or a name may begin: almost none does.
    fn word(&self, word: usize, known: &Known, pass: &mut Pass<'_>) {
        if known.may_begin(known::head(pass.text, word)) {
            pass.words.push(word);
        }
        let head = literals::four(pass.text, word);
        self.literals.at(pass.text, word, head, |hit| self.literal(&hit, pass));
    }

    /// Looks at the candidates among 64 bytes that are not words.
    fn signs(&self, from: usize, marks: &Marks, pass: &mut Pass<'_>) {
        let text = pass.text;
        bits(from, marks.ids).for_each(|at| self.hyphen_id(text, at, &mut pass.found));
        bits(from, marks.uuids).for_each(|at| self.uuid_id(text, at, &mut pass.found));
        bits(from, marks.regions).for_each(|at| self.region_id(text, at, &mut pass.found));
        bits(from, marks.dots).for_each(|at| self.v4(at, pass));
        bits(from, marks.colons).for_each(|at| self.v6(at, pass));
        for at in bits(from, marks.schemes) {
            for class in self.finders.authority.iter().filter_map(|&at| self.classes.get(at)) {
                class.verify(text, at, &mut pass.found);
            }
        }
        let names = &self.context.names;
        bits(from, marks.flags).for_each(|at| names.at_flag(text, at, &mut pass.named));
        bits(from, marks.numbers).for_each(|at| Run::number(text, at, &mut pass.runs));
        bits(from, marks.grouped).for_each(|at| Run::grouped(text, at, &mut pass.runs));
        for at in bits(from, marks.secrets) {
            Run::secret(text, at, &mut pass.runs);
            self.encoded(at, pass);
        }
        for at in bits(from, marks.passwords) {
            let tail = text.get(at..).unwrap_or_default();
            let rest = ["word", "WORD", "wd", "WD"].into_iter();
            let name =
                rest.filter(|rest| tail.starts_with(rest.as_bytes())).max_by_key(|r| r.len());
            pass.passwords.extend(name.map(|name| at + name.len()));
        }
        pass.escapes |=
            bits(from, marks.escapes).any(|at| matches!(text.get(at + 1), Some(b'u' | b'/')));
    }

    /// A class that may begin here. Inside what it was found in already it is not looked
    /// for again, so that repeated beginnings cost no more than others.
    fn here(&self, index: usize, start: usize, pass: &mut Pass<'_>) {
        let Some(class) = self.classes.get(index) else { return };
        let known = pass.read.iter().position(|&(other, _)| other == index);
        if known.and_then(|at| pass.read.get(at)).is_some_and(|&(_, end)| start < end) {
            return;
        }
        let found = class.verify(pass.text, start, &mut pass.found).map(|span| span.end);
        let Some(end) = found.or_else(|| class.run_end(pass.text, start)) else { return };
        match known.and_then(|at| pass.read.get_mut(at)) {
            Some(read) => read.1 = end,
            None => pass.read.push((index, end)),
        }
    }

    fn literal(&self, hit: &Hit<'_>, pass: &mut Pass<'_>) {
        let mut host = false;
        for action in hit.actions {
            match *action {
                Action::Here(class) => self.here(class, hit.start, pass),
                Action::Host(_) => host = true,
                Action::Ends(class) => self.named_end(pass.text, hit.start, class, &mut pass.found),
                Action::Arn => {
                    pass.named.aws = true;
                    self.arns.scan(pass.text, hit.start, &mut pass.found);
                }
                Action::Aws => pass.named.aws = true,
                Action::Command => self.context.names.command(pass.text, hit.end, &mut pass.named),
                // `{{resolve:secretsmanager:NAME:SecretString:KEY}}` names a key.
                Action::Password if before(pass.text, hit.start) == Some(b':') => {}
                Action::Password => pass.passwords.push(hit.end),
                Action::Masked => pass.masked = true,
            }
        }
        if host {
            self.host(hit, pass);
        }
    }
}

/// Do two findings touch, as escapes can make them? They become one: of two placeholders
/// without anything between them neither could be read.
fn touch(pair: &[Finding]) -> bool {
    matches!(pair, [one, next] if one.span.end == next.span.start)
}
