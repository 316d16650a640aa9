//! Values that AWS publishes of its own: the accounts of its registries and images, the zones of
//! its load balancers. They are the same for everybody.

use std::collections::HashSet;

use serde::Deserialize;

use crate::detect::catalog::{CatalogError, Kinds, parse};
use crate::detect::{Finding, Kind, Rank};

const VALUES: &str = include_str!("patterns/published.toml");
/// What stands behind an account in its ARN or registry begins so near to it.
const NEAR: usize = 96;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    group: Vec<Group>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Group {
    kind: String,
    values: String,
    /// Where it is published.
    #[serde(rename = "source")]
    _source: String,
}

#[derive(Debug)]
pub(crate) struct Published {
    kinds: Vec<Kind>,
    values: HashSet<Box<[u8]>>,
}

impl Published {
    pub(super) fn builtin(kinds: &mut Kinds) -> Result<Self, CatalogError> {
        let file: File = parse("published", VALUES)?;
        let values = file.group.iter().flat_map(|group| group.values.split_ascii_whitespace());
        let values = values.map(|value| value.as_bytes().into()).collect();
        let mut of: Vec<_> = file.group.iter().map(|group| kinds.make(&group.kind)).collect();
        of.dedup();
        Ok(Self { kinds: of, values })
    }

    pub(super) fn holds(&self, value: &[u8]) -> bool {
        self.values.contains(value)
    }

    /// Takes from the findings behind the first `keep`, which are sorted, those that are published,
    /// and what names something in such an account.
    pub(super) fn retain(&self, text: &str, keep: usize, found: &mut Vec<Finding>) {
        let text = text.as_bytes();
        let part = |from: usize, to: usize| text.get(from..to).unwrap_or_default();
        let published = |own: &Finding| {
            self.kinds.contains(&own.kind) && self.holds(part(own.span.start, own.span.end))
        };
        // Almost no text holds any.
        if !found.get(keep..).unwrap_or_default().iter().any(published) {
            return;
        }
        let (mut at, mut behind) = (0, None);
        found.retain(|finding| {
            at += 1;
            if at <= keep {
                return true;
            }
            let own = finding.rank == Rank::Structure
                && behind.is_some_and(|end| {
                    let between = part(end, finding.span.start);
                    let joins = |b: &u8| b.is_ascii_alphanumeric() || b"-_.:/%".contains(b);
                    between.len() < NEAR && !between.is_empty() && between.iter().all(joins)
                });
            let gone = own || published(finding);
            behind = gone.then_some(finding.span.end);
            !gone
        });
    }
}
