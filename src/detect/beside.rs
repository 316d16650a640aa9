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
    /// Takes from the findings behind the first `keep`, which are sorted, what is nobody's: by the
    /// operator's list, and what AWS publishes.
    pub(super) fn retain(&self, text: &str, keep: usize, found: &mut Vec<Finding>) {
        if let Some(allowed) = &self.allowed {
            allowed.retain(text, keep, found);
        }
        self.published.retain(text, keep, found);
    }

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
        self.retain(text, first, out);
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
        found.sort_by_key(|finding| finding.span.start);
        let secrets = found.iter().filter(|finding| self.info(finding.kind).is_credential());
        let mut secrets = secrets.map(|finding| finding.span.clone()).peekable();
        let mut end = 0;
        let (within, apart): (Vec<_>, Vec<_>) = out.drain(..).partition(|finding| {
            while let Some(secret) = secrets.next_if(|s| s.start <= finding.span.start) {
                end = end.max(secret.end);
            }
            finding.span.end <= end
        });
        *out = apart;
        self.add_unsure(text, taken, found, out);
        // What no secret covers after all is masked as before.
        let mut covered = out.iter().map(|finding| finding.span.clone()).peekable();
        let left: Vec<_> = within
            .into_iter()
            .filter(|finding| {
                while covered.next_if(|span| span.end <= finding.span.start).is_some() {}
                covered.peek().is_none_or(|span| finding.span.end <= span.start)
            })
            .collect();
        out.extend(left);
        out.sort_unstable_by_key(|finding| finding.span.start);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::detect::Settings;

    #[test]
    fn a_secret_covers_what_stands_in_it_or_nothing_changes() {
        let catalog = Catalog::builtin(&Settings::default()).unwrap();
        let text = "Tr0ub4dor-i-0abc123def4567890-horse and more";
        let found = |span: Range<usize>, kind: &str| {
            let kind = catalog.kind(kind).unwrap();
            Finding { span, kind, rank: Rank::Context, teach: false }
        };
        let secret = || vec![found(0..35, "DB_PASSWORD")];
        let id = found(10..29, "EC2");
        for (taken, expected) in [(None, 0..35), (Some(30..35), 10..29)] {
            let taken: Vec<_> = taken.into_iter().collect();
            let mut out = vec![id.clone()];
            catalog.add_printed(text, &taken, &mut secret(), &mut out);
            let spans: Vec<_> = out.iter().map(|finding| finding.span.clone()).collect();
            assert_eq!(spans, [expected], "{taken:?}");
        }
        // Names do not take the place of what was found by its shape.
        let mut out = vec![id.clone()];
        catalog.add_printed(text, &[], &mut vec![found(0..35, "LAMBDA")], &mut out);
        assert_eq!(out, [id]);
    }
}
