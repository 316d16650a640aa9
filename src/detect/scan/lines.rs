//! Lines without what tools put before them, and what is found there in the whole text.

use std::borrow::Cow;
use std::ops::Range;

use crate::detect::catalog::Catalog;
use crate::detect::gaps::Gaps;
use crate::detect::scan::{Part, Pass, Passes};
use crate::detect::{Beside, Finding, Known, Rank, boundary, deep, prefixed, typeset};

impl Catalog {
    /// Lines behind numbers, without them.
    pub(super) fn scan_numbered(
        &self,
        text: &str,
        cut: &deep::Decoded,
        label: &str,
        placeholders: fn(&str) -> Vec<Range<usize>>,
        known: &Known,
        found: &mut impl FnMut(Vec<Finding>, Beside),
    ) {
        let inner = cut.text.as_str();
        let parts = [Part { span: 0..inner.len(), label: Cow::default() }];
        let mut passes = Passes::new(inner, &parts);
        self.look(inner, &mut passes, known);
        let pass = passes.take(0).unwrap_or_else(|| Pass::new(inner.as_bytes()));
        let (mut out, mut beside) = self.settle_beside(inner, label, pass, placeholders);
        for finding in out.iter_mut().chain(&mut beside.unsure) {
            finding.span = cut.outer(&finding.span);
        }
        let fits = |finding: &Finding| boundary::fits(text.as_bytes(), &finding.span);
        out.retain(fits);
        beside.unsure.retain(fits);
        beside.taken.iter_mut().for_each(|span| *span = cut.outer(span));
        beside.words.iter_mut().for_each(|word| *word = cut.outer(&(*word..*word + 1)).start);
        found(out, beside);
    }

    /// Looks at lines without what each begins with, and at what is typeset as if it were plain.
    pub(super) fn behind_prefixes(
        &self,
        text: &str,
        label: &str,
        outer: &mut Pass<'_>,
        gaps: &mut Gaps,
        out: &mut Vec<Finding>,
    ) {
        let mut levels: Vec<deep::Decoded> = Vec::new();
        while levels.len() < prefixed::LEVELS {
            let inner = levels.last().map_or(text, |level| level.text.as_str());
            let Some(level) = prefixed::cut(inner, outer.is_told()) else { break };
            levels.push(level);
        }
        if !levels.is_empty() {
            self.inside((text, label), &levels, outer, gaps, out);
        }
        let inner = levels.last().map_or(text, |level| level.text.as_str());
        if let Some(level) = typeset::plain(inner, outer.is_told()) {
            levels.push(level);
            self.inside((text, label), &levels, outer, gaps, out);
        }
    }

    /// Adds what stands in the last of these levels, of which each is read from the one before.
    fn inside(
        &self,
        (text, label): (&str, &str),
        levels: &[deep::Decoded],
        outer: &mut Pass<'_>,
        gaps: &mut Gaps,
        out: &mut Vec<Finding>,
    ) {
        let Some(inner) = levels.last() else { return };
        let mut pass = self.pass(&inner.text);
        let (mut found, mut own) = (Vec::new(), Gaps::default());
        self.fill(&mut pass, label, &mut own, &mut found);
        if pass.escapes {
            self.deeper(&inner.text, label, &mut own, &mut found);
        }
        let mut unsure = std::mem::take(&mut pass.unsure);
        outer.named.aws |= pass.named.aws;
        for finding in found.iter_mut().chain(&mut unsure) {
            let span = finding.span.clone();
            finding.span = levels.iter().rev().fold(span, |span, level| level.outer(&span));
        }
        let fits = |finding: &Finding| boundary::fits(text.as_bytes(), &finding.span);
        outer.unsure.extend(unsure.into_iter().filter(fits));
        for rank in [Rank::Shape, Rank::Structure, Rank::Context] {
            let of_rank = found.iter().filter(|f| f.rank == rank && fits(f)).cloned();
            gaps.fill_around(text.as_bytes(), &mut of_rank.collect(), out);
        }
    }
}
