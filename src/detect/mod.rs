//! Finds AWS identifiers and secrets in a text.
//!
//! Patterns are data (`patterns/*.toml`); the scanner finds candidates with a
//! few fast passes and verifies each with one bounded, anchored expression, so
//! that its cost is linear in the text.

pub mod arn;
pub mod beside;
pub mod boundary;
pub mod catalog;
mod classes;
mod context;
pub mod custom;
mod deep;
pub mod edition;
mod encoded;
pub mod explain;
mod gaps;
mod hosts;
mod hyphens;
mod known;
pub(crate) mod lanes;
mod literals;
mod marks;
mod network;
mod pem;
mod prefixed;
mod published;
mod scan;
mod strict;
mod template;
mod typeset;

use std::ops::Range;
use std::sync::Arc;

pub use crate::detect::beside::Beside;
pub use crate::detect::catalog::{Catalog, CatalogError};
pub use crate::detect::context::printed::Printed;
pub(crate) use crate::detect::context::printed::{INPUT, OUTPUT};
pub(crate) use crate::detect::context::sibling::{NAMES, VALUE};
pub use crate::detect::context::tool::Tool;
pub use crate::detect::known::Known;
pub use crate::detect::scan::Part;

use crate::detect::custom::Own;

/// What an identifier is: an index into the catalog's kinds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Kind(pub(crate) u16);

/// What the catalog says of a kind.
#[derive(Clone, Debug)]
pub struct KindInfo {
    pub name: Box<str>,
    /// The first family of patterns that has it.
    pub family: &'static str,
    /// Not AWS's own: its placeholders begin with `SECRET_`.
    pub secret: bool,
    /// An unusual number of these is an alert, and they are restored with more care.
    pub critical: bool,
    /// Only the operator's own patterns have it.
    pub own: bool,
}

impl KindInfo {
    /// Is a value as bad to lose as a key? Of a kind of the operator's own, if they say so.
    #[must_use]
    pub fn is_credential(&self) -> bool {
        self.critical || (self.secret && !self.own)
    }
}

/// How sure a finding is. Each rank fills only the gaps left by those before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Rank {
    /// The shape alone is certain.
    Shape,
    /// A field of an ARN, a URI or a host.
    Structure,
    /// The key or the words before it say so.
    Context,
    /// Taught by one of those before.
    Known,
}

/// A value in a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// In bytes.
    pub span: Range<usize>,
    pub kind: Kind,
    pub rank: Rank,
    /// The value is masked from now on wherever it stands alone.
    pub teach: bool,
}

impl Finding {
    /// Makes one of those from the place `first` on that touch, as escapes can make them, and names
    /// that begin with signs: of two placeholders without anything between them neither could be
    /// read. They are sorted.
    pub(crate) fn join(all: &mut Vec<Self>, first: usize) {
        let touch = |pair: &[Self]| matches!(pair, [one, next] if one.span.end == next.span.start);
        if !all.get(first..).unwrap_or_default().windows(2).any(touch) {
            return;
        }
        let mut joined = all.split_off(first);
        joined.dedup_by(|next, one| {
            let touching = one.span.end == next.span.start;
            if touching {
                (one.span.end, one.teach) = (next.span.end, false);
            }
            touching
        });
        all.append(&mut joined);
    }
}

/// What an operator may choose.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    pub private_ip: bool,
    /// Off by default, since versions have the same shape: then only beside a key or a word.
    pub public_ip: bool,
    /// Names of families that are not looked for, such as `secrets`.
    pub families_off: Vec<String>,
    pub arn_style: ArnStyle,
    pub profile: Profile,
    /// Patterns and an allow-list of the operator's own, which have been checked.
    pub own: Arc<Own>,
}

impl Settings {
    /// Is this family looked for?
    pub(crate) fn is_on(&self, family: &str) -> bool {
        !self.families_off.iter().any(|off| off == family)
    }
}

/// What becomes of an ARN.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ArnStyle {
    /// It keeps its shape: account and names are masked.
    Fields,
    /// It is masked as one, unless it is a pattern.
    Whole,
}

/// How sure masker must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Profile {
    Default,
    /// Bare shapes too: noise rather than risk.
    Strict,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            private_ip: true,
            public_ip: false,
            families_off: Vec::new(),
            arn_style: ArnStyle::Fields,
            profile: Profile::Default,
            own: Arc::default(),
        }
    }
}

#[cfg(test)]
mod tests;
