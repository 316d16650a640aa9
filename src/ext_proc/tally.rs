//! What one exchange counts: numbers and names of closed sets, never a value.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::body::select::{Guarded, Hosted, Opaque};
use crate::detect::Kind;
use crate::ext_proc::answer::Answer;
use crate::ext_proc::messages::Input;
use crate::mask::masker::Report;
use crate::mask::restore::Counts;
use crate::telemetry::labels::{self, Outcome, Place};

#[derive(Debug)]
pub struct Tally {
    pub outcome: Outcome,
    /// Why it was refused.
    pub code: Option<&'static str>,
    pub request_bytes: usize,
    pub answer_bytes: u64,
    pub findings: BTreeMap<Kind, u64>,
    /// Findings where nothing may change, by place.
    pub unmaskable: BTreeMap<Place, u64>,
    pub opaque: BTreeMap<labels::Opaque, u64>,
    /// Tools that the provider runs.
    pub hosted: BTreeMap<labels::Tool, u64>,
    /// Blocks of types that are not known, in the request.
    pub blocks: u64,
    pub counts: Counts,
    pub held_events: u64,
    /// From the end of the request's body until Envoy had all that was masked.
    pub took: Option<Duration>,
    pub malformed: bool,
    pub degraded: bool,
}

impl Default for Tally {
    fn default() -> Self {
        Self {
            // Until something else is known.
            outcome: Outcome::Aborted,
            code: None,
            request_bytes: 0,
            answer_bytes: 0,
            findings: BTreeMap::new(),
            unmaskable: BTreeMap::new(),
            opaque: BTreeMap::new(),
            hosted: BTreeMap::new(),
            blocks: 0,
            counts: Counts::default(),
            held_events: 0,
            took: None,
            malformed: false,
            degraded: false,
        }
    }
}

impl Tally {
    pub(crate) fn report(&mut self, report: &Report, outside: &BTreeMap<(Place, Kind), u64>) {
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
            *self.opaque.entry(opaque_label(opaque)).or_default() += count;
        }
        for (&tool, &count) in &report.hosted {
            *self.hosted.entry(tool_label(tool)).or_default() += count;
        }
        self.blocks += report.unknown;
        self.malformed |= report.malformed;
    }

    /// A body of a type that is not looked into, on a route that allows it.
    pub(crate) fn let_through(&mut self) {
        *self.opaque.entry(labels::Opaque::Binary).or_default() += 1;
    }

    /// Counts the bytes of an answer, restored or not.
    pub(crate) fn input(&mut self, input: &Input) {
        if let Input::ResponseBody { bytes, .. } = input {
            self.answer_bytes += u64::try_from(bytes.len()).unwrap_or_default();
        }
    }

    pub(crate) fn answer(&mut self, answer: &Answer) {
        self.counts = answer.counts;
        self.held_events = answer.held_events();
        if answer.is_damaged() {
            self.code = Some("answer_damaged");
        }
    }
}

fn label(place: Guarded) -> Place {
    match place {
        Guarded::Url => Place::Url,
        Guarded::Metadata => Place::Metadata,
        Guarded::Name => Place::Name,
        Guarded::Id => Place::Id,
        Guarded::Credential => Place::Credential,
    }
}

fn tool_label(tool: Hosted) -> labels::Tool {
    match tool {
        Hosted::WebSearch => labels::Tool::WebSearch,
        Hosted::WebFetch => labels::Tool::WebFetch,
        Hosted::Code => labels::Tool::Code,
        Hosted::Mcp => labels::Tool::Mcp,
        Hosted::FileSearch => labels::Tool::FileSearch,
        Hosted::Other => labels::Tool::Other,
    }
}

fn opaque_label(opaque: Opaque) -> labels::Opaque {
    match opaque {
        Opaque::Image => labels::Opaque::Image,
        Opaque::Audio => labels::Opaque::Audio,
        Opaque::Video => labels::Opaque::Video,
        Opaque::Document => labels::Opaque::Document,
        Opaque::File => labels::Opaque::File,
    }
}
