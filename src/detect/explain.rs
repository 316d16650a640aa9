//! The catalog for people: what there is, and why a text is found or not.
//!
//! Nothing here runs while bodies are masked; it may be slow, within limits.

mod keys;
mod patterns;
mod trial;

use std::fmt;
use std::ops::Range;

pub use crate::detect::explain::patterns::Pattern;

use crate::detect::Finding;

/// Texts that are tried are no longer.
pub const LONGEST: usize = 64 << 10;

/// What a text holds, and what it nearly holds.
#[derive(Debug)]
pub struct Trial {
    /// With the name of what found it.
    pub found: Vec<(Finding, String)>,
    pub missed: Vec<Missed>,
}

/// A candidate that is no finding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Missed {
    pub span: Range<usize>,
    pub class: String,
    pub why: Why,
}

/// Why a candidate is no finding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Why {
    Left,
    Right,
    Near,
    Requirement,
    /// It begins as the class does, and goes on otherwise.
    Expression,
    /// Another finding stands there.
    Taken,
    /// The scanner does not try the class here.
    Untried,
    /// The shape needs a key or words beside it, such as these.
    Context(String),
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Left => {
                "left boundary: what stands before it makes it a part of something longer"
            }
            Self::Right => {
                "right boundary: what stands behind it makes it a part of something longer"
            }
            Self::Near => "requirement: what must stand near it is missing",
            Self::Requirement => "requirement: the expression matches, but the value is not one",
            Self::Expression => "expression: it begins like one and goes on otherwise",
            Self::Taken => "a longer or surer finding stands there",
            Self::Untried => "not looked for here: off in the settings, or not at its beginning",
            Self::Context(such) => {
                return write!(f, "context: only beside a key or words such as {such}");
            }
        })
    }
}

#[cfg(test)]
mod tests;
