//! Shapes that are identifiers if what stands around them says so.

use std::ops::Range;

use crate::detect::Finding;
use crate::detect::context::accounts::{self, Seen};
use crate::detect::context::bytes::part;
use crate::detect::context::lead::Lead;
use crate::detect::context::named::Findings;
use crate::detect::context::runs::Run;
use crate::detect::context::shape::Shape;
use crate::detect::context::{Context, Name, finding};
use crate::detect::scan::Pass;

/// How far away an access key id makes a secret of a random text.
const KEY_NEAR: usize = 400;

impl Context {
    pub(super) fn shaped(
        &self,
        pass: &Pass<'_>,
        label: &Name,
        found: &[Finding],
        out: &mut Vec<Finding>,
    ) {
        let text = pass.text;
        let secret = pass.runs.iter().any(|run| run.shape == Shape::SecretKey);
        let keys = if secret { self.access_keys(found) } else { Vec::new() };
        let ends = ends(found);
        let of_aws = found.iter().any(|own| self.signs.contains(&own.kind));
        let Findings { aws, linked, .. } = pass.named;
        let seen = Seen { aws, linked, signs: aws || of_aws };
        let mut last: Option<Range<usize>> = None;
        for Run { shape, span } in &pass.runs {
            let near = match shape {
                Shape::SecretKey => beside(&keys, span.start),
                Shape::Account => accounts::is_told(text, span, &seen, last.as_ref()),
                _ => false,
            };
            let near = near || (self.strict && *shape != Shape::Uuid);
            let lead = Lead::new(text, last_before(&ends, span.start)..span.start);
            for rule in self.rules.iter().filter(|rule| rule.value == *shape) {
                if near || rule.applies(part(text, span), label, &lead) {
                    out.push(finding(span.clone(), rule.kind));
                    last = Some(span.clone()).filter(|_| *shape == Shape::Account).or(last);
                }
            }
        }
    }

    /// Where access key ids stand, in order.
    fn access_keys(&self, found: &[Finding]) -> Vec<Range<usize>> {
        let keys = found.iter().filter(|finding| finding.kind == self.access_key);
        let mut keys: Vec<_> = keys.map(|finding| finding.span.clone()).collect();
        keys.sort_unstable_by_key(|span| span.start);
        keys
    }
}

/// Does an access key id stand near `at`? They do not overlap, so that the last
/// one that begins early enough also ends last.
fn beside(keys: &[Range<usize>], at: usize) -> bool {
    let early = keys.partition_point(|key| key.start.saturating_sub(KEY_NEAR) <= at);
    let last = early.checked_sub(1).and_then(|last| keys.get(last));
    last.is_some_and(|key| at < key.end + KEY_NEAR)
}

/// Where findings end, in order.
fn ends(found: &[Finding]) -> Vec<usize> {
    let mut ends: Vec<_> = found.iter().map(|finding| finding.span.end).collect();
    ends.sort_unstable();
    ends
}

/// The last of them that is not behind `at`.
fn last_before(ends: &[usize], at: usize) -> usize {
    let early = ends.partition_point(|&end| end <= at);
    early.checked_sub(1).and_then(|last| ends.get(last)).copied().unwrap_or_default()
}
