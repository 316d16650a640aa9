//! Names that are found by their end: hosts by their domain, buckets by a suffix.

use crate::detect::Finding;
use crate::detect::boundary::{ends_escape, holds_placeholder, in_escape, is_masked, left_of};
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
/// What hosts begin with whose first label has hyphens.
const APART: [&[u8]; 6] = [b"ec2-", b"vpc-", b"search-", b"fs-", b"b-", b"oidc.eks."];
/// The shortest id that a host begins with.
const ID: usize = 8;
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
        // `dump-HOST.json`, `_HOST_`: what stands before it looks like a part of its first label.
        let word = |at: &usize| *at > start && begins_apart(text, *at);
        let places = |is: &dyn Fn(&usize) -> bool| {
            let places = (start..domain).filter(|at| is(at) && !in_escape(text, *at));
            places.take(STARTS).collect::<Vec<_>>()
        };
        let masked = |at: usize| {
            let before = text.get(start..at).unwrap_or_default();
            before.split(|&b| b == b'.' || b == b'-').any(is_masked) || in_masked(text, at)
        };
        for at in places(&label).into_iter().chain(places(&word)) {
            // What follows a masked label is what masking left of this host.
            if masked(at) {
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

/// Does an id begin here behind a hyphen, or any host behind `_`? Of `aws-logs-1.s3…`, `logs-1` is
/// no bucket.
fn begins_apart(text: &[u8], at: usize) -> bool {
    let rest = text.get(at..).unwrap_or_default();
    let label = rest.iter().take(HOST).take_while(|b| b.is_ascii_alphanumeric()).count();
    let id = rest.get(..label).unwrap_or_default();
    let made = rest.get(label) == Some(&b'.') && label >= ID && id.iter().any(u8::is_ascii_digit);
    match text.get(at - 1) {
        Some(b'_') => true,
        Some(b'-') => made || APART.iter().any(|own| rest.starts_with(own)),
        _ => false,
    }
}

/// Is `at` in the middle of a placeholder?
fn in_masked(text: &[u8], at: usize) -> bool {
    let of_word = |b: &&u8| b.is_ascii_alphanumeric() || **b == b'_';
    let head = text.get(..at).unwrap_or_default().iter().rev().take(HOST);
    let from = at - head.take_while(of_word).count();
    let rest = text.get(at..).unwrap_or_default().iter().take(HOST);
    let end = at + rest.take_while(of_word).count();
    from < at && text.get(from..end).is_some_and(holds_placeholder)
}
