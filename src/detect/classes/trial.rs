//! What one class says of a text, slowly: for people who ask why.

use std::ops::Range;

use regex_automata::Input;

use crate::detect::Finding;
use crate::detect::classes::Class;
use crate::detect::explain::Why;

/// More candidates of one class tell nothing new.
const MOST: usize = 16;

/// What an expression matches, with its findings or what else is missing.
pub(crate) type Candidate = (Range<usize>, Result<Vec<Finding>, Why>);

impl Class {
    /// Whatever the expression matches, anywhere.
    pub(crate) fn trial(&self, text: &[u8]) -> Vec<Candidate> {
        let mut all = Vec::new();
        let mut from = 0;
        while all.len() < MOST
            && let Some(found) =
                self.regex().and_then(|regex| regex.search(&Input::new(text).range(from..)))
        {
            let mut span = found.range();
            let mut findings = Vec::new();
            let verdict = match self.verify(text, span.start, &mut findings) {
                Some(whole) => {
                    span = whole;
                    Ok(findings)
                }
                None => Err(self.why_not(text, &span)),
            };
            from = if verdict.is_ok() { span.end.max(from + 1) } else { span.start + 1 };
            all.push((span, verdict));
        }
        all
    }

    fn why_not(&self, text: &[u8], span: &Range<usize>) -> Why {
        if !self.edge.left(text, span.start) {
            Why::Left
        } else if !self.edge.right(text, span.clone()) {
            Why::Right
        } else if !self.is_near(text) {
            Why::Near
        } else {
            Why::Requirement
        }
    }

    /// May the class begin here?
    pub(crate) fn may_begin(&self, text: &[u8], at: usize) -> bool {
        self.edge.left(text, at)
    }
}
