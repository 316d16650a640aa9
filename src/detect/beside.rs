//! What a leaf says of the other leaves of its unit.

use std::ops::Range;

use crate::detect::gaps::Gaps;
use crate::detect::{Catalog, Finding, Rank};

/// What a scan tells beside its findings.
#[derive(Debug, Default)]
pub struct Beside {
    /// The beginnings of words at which a known name may stand, for [`Known::find`].
    ///
    /// [`Known::find`]: crate::detect::Known::find
    pub words: Vec<usize>,
    /// The placeholders in it, which nothing touches.
    pub taken: Vec<Range<usize>>,
    /// Names under keys that others use too: findings, if the unit holds a sign of AWS.
    pub unsure: Vec<Finding>,
    /// A sign of AWS that is no finding.
    pub aws: bool,
}

impl Catalog {
    /// Is this a sign that the names beside it are AWS's? Addresses and the tokens of
    /// others are none.
    #[must_use]
    pub fn is_sign(&self, finding: &Finding) -> bool {
        finding.rank <= Rank::Structure && self.context.signs.contains(&finding.kind)
    }

    /// Adds what `unsure` holds in the gaps between `taken`, which is sorted, and the
    /// findings of the same text.
    pub fn add_unsure(
        &self,
        text: &str,
        taken: &[Range<usize>],
        unsure: &mut Vec<Finding>,
        out: &mut Vec<Finding>,
    ) {
        let mut used = taken.to_vec();
        used.extend(out.iter().map(|finding| finding.span.clone()));
        used.sort_unstable_by_key(|span| span.start);
        let first = out.len();
        Gaps::new(&used).fill(text.as_bytes(), unsure, out);
        if let Some(allowed) = &self.allowed {
            allowed.retain(text, first, out);
        }
        out.sort_unstable_by_key(|finding| finding.span.start);
    }

    /// Adds what a command printed. A secret that is all of an answer is masked whole, whatever
    /// stands in it.
    pub fn add_printed(
        &self,
        text: &str,
        taken: &[Range<usize>],
        found: &mut Vec<Finding>,
        out: &mut Vec<Finding>,
    ) {
        let free = |span: &Range<usize>| {
            taken.iter().all(|taken| taken.end <= span.start || span.end <= taken.start)
        };
        for finding in found.iter().filter(|f| self.info(f.kind).is_credential() && free(&f.span)) {
            let within = |span: &Range<usize>| {
                finding.span.start <= span.start && span.end <= finding.span.end
            };
            out.retain(|other| !within(&other.span));
        }
        self.add_unsure(text, taken, found, out);
    }
}
