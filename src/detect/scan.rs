//! One scan of one text: all ranks in their order, at all levels of escapes.

use std::ops::Range;

use crate::detect::boundary::{ends_escape, in_escape, is_masked, left, left_of};
use crate::detect::catalog::Catalog;
use crate::detect::deep;
use crate::detect::gaps::Gaps;
use crate::detect::literals::Action;
use crate::detect::{Finding, Rank};

/// No host name is longer (RFC 1035).
const HOST: usize = 255;
/// How many labels of a host are tried as its beginning.
const STARTS: usize = 6;
/// No name with a known end is longer.
const NAME: usize = 96;
/// How much may follow a host: a path.
const PATH: usize = 64;

impl Catalog {
    /// Adds what is found in `text`, sorted and without overlaps.
    ///
    /// `text` is a decoded leaf, `label` the nearest JSON key, `taken` the
    /// sorted spans that are never touched.
    pub fn scan(&self, text: &str, label: &str, taken: &[Range<usize>], out: &mut Vec<Finding>) {
        let first = out.len();
        let mut gaps = Gaps::new(taken);
        self.level(text, label, &mut gaps, out);
        let mut decoded: Vec<deep::Decoded> = Vec::new();
        while decoded.len() < deep::LEVELS {
            let inner = decoded.last().map_or(text, |level| level.text.as_str());
            let Some(level) = deep::decode(inner) else { break };
            let mut found = Vec::new();
            self.level(&level.text, label, &mut Gaps::default(), &mut found);
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
                gaps.fill(text.as_bytes(), &mut of_rank, out);
            }
        }
        if let Some(added) = out.get_mut(first..) {
            added.sort_by_key(|finding| finding.span.start);
        }
    }

    /// One level of escapes.
    fn level(&self, text: &str, label: &str, gaps: &mut Gaps, out: &mut Vec<Finding>) {
        let bytes = text.as_bytes();
        let mut found = Vec::new();
        let mut passwords = Vec::new();
        self.scan_literals(bytes, &mut found, &mut passwords);
        self.scan_hyphens(bytes, &mut found);
        self.scan_v4(bytes, &mut found);
        self.scan_v6(bytes, &mut found);
        let (mut shapes, mut fields): (Vec<_>, Vec<_>) =
            found.into_iter().partition(|finding| finding.rank == Rank::Shape);
        gaps.fill(bytes, &mut shapes, out);
        gaps.fill(bytes, &mut fields, out);
        let mut hinted = self.context.scan(bytes, label, &passwords, out);
        gaps.fill(bytes, &mut hinted, out);
    }

    pub(crate) fn scan_literals(
        &self,
        text: &[u8],
        out: &mut Vec<Finding>,
        passwords: &mut Vec<usize>,
    ) {
        let mut host_from = 0;
        self.literals.scan(text, |actions, start, end| {
            let mut host = false;
            for action in actions {
                match *action {
                    Action::Here(class) => {
                        let class = self.classes.get(class);
                        class.and_then(|class| class.verify(text, start, out));
                    }
                    Action::Host(_) => host = true,
                    Action::Ends(class) => self.named_end(text, start, class, out),
                    Action::Arn => self.arns.scan(text, start, out),
                    Action::Password => passwords.push(end),
                }
            }
            if host {
                self.host(
                    text,
                    actions,
                    (if host_from <= start { host_from } else { 0 }).max(start.saturating_sub(HOST))
                        ..start,
                    out,
                );
                host_from = end;
            }
        });
    }

    /// A host whose domain begins at the end of `window`.
    fn host(&self, text: &[u8], actions: &[Action], window: Range<usize>, out: &mut Vec<Finding>) {
        let domain = window.end;
        let head = text.get(window).unwrap_or_default();
        let of_host = |b: &&u8| b.is_ascii_alphanumeric() || b"-_.".contains(b);
        let len = head.iter().rev().take_while(of_host).count();
        let start = domain - len;
        let around = text.get(start..text.len().min(domain + PATH)).unwrap_or_default();
        let classes = actions.iter().filter_map(|action| match action {
            Action::Host(class) => self.classes.get(*class),
            _ => None,
        });
        let classes: Vec<_> = classes
            .filter(|class| {
                let near = class.near.as_deref();
                near.is_none_or(|near| memchr::memmem::find(around, near.as_bytes()).is_some())
            })
            .collect();
        let label =
            |at: &usize| *at == start || text.get(*at - 1) == Some(&b'.') || ends_escape(text, *at);
        for at in (start..domain).filter(|at| label(at) && !in_escape(text, *at)).take(STARTS) {
            // What follows a masked label is what masking left of this host.
            let before = text.get(start..at).unwrap_or_default();
            if before.split(|&b| b == b'.').any(is_masked) {
                return;
            }
            if classes.iter().any(|class| class.verify(text, at, out).is_some()) {
                return;
            }
        }
    }

    /// A name that ends with a literal which begins at `end`.
    fn named_end(&self, text: &[u8], end: usize, class: usize, out: &mut Vec<Finding>) {
        let head = text.get(end.saturating_sub(NAME)..end).unwrap_or_default();
        let of_name = |b: &&u8| b.is_ascii_lowercase() || b.is_ascii_digit() || **b == b'-';
        let start = end - head.iter().rev().take_while(of_name).count();
        let Some(class) = self.classes.get(class) else { return };
        // The letter of an escape may stand before it.
        let skip = usize::from(!left_of(text, start) || in_escape(text, start));
        class.verify(text, start + skip, out);
    }
}
