//! Names that are found by their end: hosts by their domain, buckets by a suffix.

use crate::detect::Finding;
use crate::detect::boundary::{ends_escape, in_escape, is_masked, left_of};
use crate::detect::catalog::Catalog;
use crate::detect::classes::Class;
use crate::detect::literals::{Action, Hit};
use crate::detect::scan::Pass;

/// No host name is longer (RFC 1035).
const HOST: usize = 255;
/// How many labels of a host are tried as its beginning.
const STARTS: usize = 6;
/// No name with a known end is longer.
const NAME: usize = 96;
/// How much may follow a host: a path.
const PATH: usize = 64;

impl Catalog {
    /// The host whose domain was hit.
    pub(super) fn host(&self, hit: &Hit<'_>, pass: &mut Pass<'_>) {
        let (text, domain) = (pass.text, hit.start);
        let from = pass.host.max(domain.saturating_sub(HOST)).min(domain);
        pass.host = hit.end;
        let head = text.get(from..domain).unwrap_or_default();
        let of_host = |b: &&u8| b.is_ascii_alphanumeric() || b"-_.".contains(b);
        let start = domain - head.iter().rev().take_while(of_host).count();
        let around = text.get(start..text.len().min(domain + PATH)).unwrap_or_default();
        let classes = hit.actions.iter().filter_map(|action| match action {
            Action::Host(class) => self.classes.get(*class),
            _ => None,
        });
        let classes: Vec<&Class> = classes.filter(|class| class.is_near(around)).collect();
        let label =
            |at: &usize| *at == start || text.get(*at - 1) == Some(&b'.') || ends_escape(text, *at);
        for at in (start..domain).filter(|at| label(at) && !in_escape(text, *at)).take(STARTS) {
            // What follows a masked label is what masking left of this host.
            let before = text.get(start..at).unwrap_or_default();
            if before.split(|&b| b == b'.' || b == b'-').any(is_masked) {
                return;
            }
            if classes.iter().any(|class| class.verify(text, at, &mut pass.found).is_some()) {
                return;
            }
        }
    }

    /// A name that ends with a literal which begins at `end`.
    pub(super) fn named_end(&self, text: &[u8], end: usize, class: usize, out: &mut Vec<Finding>) {
        let head = text.get(end.saturating_sub(NAME)..end).unwrap_or_default();
        let of_name = |b: &&u8| b.is_ascii_lowercase() || b.is_ascii_digit() || **b == b'-';
        let start = end - head.iter().rev().take_while(of_name).count();
        let Some(class) = self.classes.get(class) else { return };
        // The letter of an escape may stand before it.
        let skip = usize::from(!left_of(text, start) || in_escape(text, start));
        class.verify(text, start + skip, out);
    }
}
