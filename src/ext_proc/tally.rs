//! What one exchange counts: numbers and names of closed sets, never a value.

use std::collections::BTreeMap;

use crate::body::select::Guarded;
use crate::detect::Kind;
use crate::ext_proc::answer::Answer;
use crate::ext_proc::request::opaque_name;
use crate::mask::masker::Report;
use crate::mask::restore::Counts;

#[derive(Debug)]
pub struct Tally {
    pub outcome: &'static str,
    /// Why it was refused.
    pub code: Option<&'static str>,
    pub request_bytes: usize,
    pub findings: BTreeMap<Kind, u64>,
    /// Findings where nothing may change, by place.
    pub unmaskable: BTreeMap<&'static str, u64>,
    pub opaque: BTreeMap<&'static str, u64>,
    pub counts: Counts,
    pub held_events: u64,
    pub malformed: bool,
    pub degraded: bool,
}

impl Default for Tally {
    fn default() -> Self {
        Self {
            // Until something else is known.
            outcome: "aborted",
            code: None,
            request_bytes: 0,
            findings: BTreeMap::new(),
            unmaskable: BTreeMap::new(),
            opaque: BTreeMap::new(),
            counts: Counts::default(),
            held_events: 0,
            malformed: false,
            degraded: false,
        }
    }
}

impl Tally {
    pub(crate) fn report(
        &mut self,
        report: &Report,
        outside: &BTreeMap<(&'static str, Kind), u64>,
    ) {
        for (&kind, &count) in &report.findings {
            *self.findings.entry(kind).or_default() += count;
        }
        for (&(place, _), &count) in outside {
            *self.unmaskable.entry(place).or_default() += count;
        }
        for (&(place, _), &count) in &report.guarded {
            *self.unmaskable.entry(label(place)).or_default() += count;
        }
        for (&opaque, &count) in &report.opaque {
            *self.opaque.entry(opaque_name(opaque)).or_default() += count;
        }
        self.malformed |= report.malformed;
    }

    pub(crate) fn answer(&mut self, answer: &Answer) {
        self.counts = answer.counts;
        self.held_events = answer.held_events();
    }
}

fn label(place: Guarded) -> &'static str {
    match place {
        Guarded::Url => "url",
        Guarded::Metadata => "metadata",
        Guarded::Name => "name",
        Guarded::Credential => "credential",
    }
}
