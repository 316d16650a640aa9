//! What one exchange counts: numbers and names of closed sets, never a value.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::body::select::{Guarded, Hosted, Opaque};
use crate::detect::Kind;
use crate::ext_proc::answer::Answer;
use crate::ext_proc::messages::Input;
use crate::ext_proc::talk::Talk;
use crate::mask::Tenant;
use crate::mask::masker::Report;
use crate::mask::restore::Counts;
use crate::telemetry::labels::{self, Cause, Outcome, Place, Unread};
use crate::telemetry::trace::Trace;

#[derive(Debug)]
pub struct Tally {
    pub outcome: Outcome,
    /// Whose it is, once that is known.
    pub tenant: Option<Tenant>,
    /// Why it was refused.
    pub code: Option<&'static str>,
    /// Of Envoy, so that the logs can be joined.
    pub request_id: Option<Box<str>>,
    pub trace: Option<Trace>,
    pub request_bytes: usize,
    pub answer_bytes: u64,
    pub findings: BTreeMap<Kind, u64>,
    /// Those of them that stand in what was sent before.
    pub again: BTreeMap<Kind, u64>,
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
    /// From the begin of the exchange until its request's body was read, and until its end.
    pub read: Duration,
    pub lasted: Duration,
    /// Why its answer was not looked into.
    pub unread: Option<Unread>,
    pub malformed: bool,
    pub degraded: bool,
    /// The conversation runs, and nothing was remembered of it.
    pub lost: bool,
    pub fault: Option<Cause>,
    /// Blocks of the answer that are kept as the model wrote them.
    pub originals: usize,
}

impl Default for Tally {
    fn default() -> Self {
        Self {
            // Until something else is known.
            outcome: Outcome::Aborted,
            tenant: None,
            code: None,
            request_id: None,
            trace: None,
            request_bytes: 0,
            answer_bytes: 0,
            findings: BTreeMap::new(),
            again: BTreeMap::new(),
            unmaskable: BTreeMap::new(),
            opaque: BTreeMap::new(),
            hosted: BTreeMap::new(),
            blocks: 0,
            counts: Counts::default(),
            held_events: 0,
            took: None,
            read: Duration::ZERO,
            lasted: Duration::ZERO,
            unread: None,
            malformed: false,
            degraded: false,
            lost: false,
            fault: None,
            originals: 0,
        }
    }
}

impl Tally {
    pub(crate) fn report(&mut self, report: &Report, outside: &BTreeMap<(Place, Kind), u64>) {
        for (&kind, &count) in &report.findings {
            *self.findings.entry(kind).or_default() += count;
        }
        for (&kind, &count) in &report.again {
            *self.again.entry(kind).or_default() += count;
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

    pub(crate) fn talk(&mut self, talk: &Talk) {
        self.lost = talk.has_lost();
        self.fault = talk.fault;
    }

    /// A body of a type that is not looked into, on a route that allows it.
    pub(crate) fn let_through(&mut self) {
        *self.opaque.entry(labels::Opaque::Binary).or_default() += 1;
    }

    /// Reads what joins the logs, and counts the bytes of an answer, restored or not.
    pub(crate) fn input(&mut self, input: &Input) {
        match input {
            Input::RequestHeaders { headers, .. } => {
                self.request_id = headers.text("x-request-id").and_then(uuid);
                self.trace = headers.text("traceparent").and_then(Trace::parse);
            }
            Input::ResponseBody { bytes, .. } => {
                self.answer_bytes += u64::try_from(bytes.len()).unwrap_or_default();
            }
            _ => {}
        }
    }

    pub(crate) fn answer(&mut self, answer: &Answer) {
        self.counts = answer.counts;
        self.held_events = answer.held_events();
        if answer.is_unread() {
            self.unread = Some(Unread::Content);
        }
        if answer.is_damaged() {
            self.code = Some("answer_damaged");
        }
    }
}

/// Envoy's request id. Another text of a client may hold anything: it is not logged.
fn uuid(text: &str) -> Option<Box<str>> {
    let hyphens = [8, 13, 18, 23];
    let right = |(at, byte): (usize, u8)| {
        if hyphens.contains(&at) { byte == b'-' } else { byte.is_ascii_hexdigit() }
    };
    (text.len() == 36 && text.bytes().enumerate().all(right)).then(|| text.into())
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_ids_of_the_right_shape_are_logged() {
        let id = "7c1f2a9e-0d4b-4f7a-9a55-3e1b8c2d6f00";
        assert_eq!(uuid(id).as_deref(), Some(id));
        for wrong in ["", "AKIAQ3EGRYZ7T2LM5XWB", &id.replace('-', "_"), &format!("{id}0")] {
            assert_eq!(uuid(wrong), None, "{wrong}");
        }
    }
}
