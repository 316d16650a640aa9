//! `arn_style = "whole"`: an ARN becomes one placeholder.
//!
//! AWS's own ARNs stay, as they do field by field, and so do the shapes of those with a
//! wildcard or a variable: a policy would mean something else without it.

use std::collections::HashMap;
use std::ops::Range;

use crate::detect::arn::read::{self, Arn};
use crate::detect::boundary::right_of;
use crate::detect::catalog::Kinds;
use crate::detect::{Finding, Kind, Rank};

/// A kind has at most so many characters.
const LONGEST: usize = 20;

/// The kinds of whole ARNs.
#[derive(Debug)]
pub(super) struct Whole {
    /// By the kind of the last field, the resource: `S3_BUCKET_ARN`.
    kinds: HashMap<Kind, Kind>,
    /// What has no kind of its own.
    any: Kind,
}

impl Whole {
    /// One kind for each that a field may have.
    pub(super) fn new(fields: &[Kind], kinds: &mut Kinds) -> Self {
        let any = kinds.make("ARN");
        let mut of = HashMap::new();
        for &field in fields {
            let name = format!("{}_ARN", kinds.name(field));
            if name.len() <= LONGEST {
                of.insert(field, kinds.make(&name));
            }
        }
        Self { kinds: of, any }
    }

    /// The kinds with the kinds of the resources.
    pub(super) fn kinds(&self) -> impl Iterator<Item = (Kind, Kind)> {
        self.kinds.iter().map(|(&field, &whole)| (field, whole))
    }

    pub(super) fn holds(&self, kind: Kind) -> bool {
        kind == self.any || self.kinds.values().any(|&whole| whole == kind)
    }

    /// The ARN as one finding, if it has fields to mask and may be masked whole.
    pub(super) fn finding(&self, text: &[u8], arn: &Arn, fields: &[Finding]) -> Option<Finding> {
        let last = fields.iter().max_by_key(|field| field.span.end)?;
        let span = arn.start..arn.tokens.last()?.span.end;
        let opaque = arn.tokens.iter().any(|token| !read::opaque(text, &token.span).is_empty());
        let cut = span.end <= last.span.start || !right_of(text, span.end);
        let kind = self.kinds.get(&last.kind).copied().unwrap_or(self.any);
        (!opaque && !cut && !has_wildcard(text, &arn.fields)).then_some(Finding {
            span,
            kind,
            rank: Rank::Shape,
            teach: true,
        })
    }
}

/// Is a field before the resource a pattern, as in `arn:aws:ec2:*:${AWS::AccountId}:…`?
fn has_wildcard(text: &[u8], fields: &Range<usize>) -> bool {
    let part = text.get(fields.clone()).unwrap_or_default();
    part.iter().any(|b| b"*?$([\\".contains(b))
}
