//! The state machine of one HTTP exchange: no I/O, no clock.
//!
//! ```text
//! Idle ─headers─► Collecting ─end─► Masking ─job done─► Saving ─store─► Forwarded ─headers─► Answering ─► Done
//!   └─ no body: Forwarded          └────────────── any failure ─────────► Refused
//! ```
//!
//! Nothing of a request leaves before the whole body is masked: until then no
//! output is given, so that any failure can still be answered with an error.
//! An answer that comes while nothing was released is Envoy's own (a limit, a
//! missing route) and passes as it is.

mod answering;

use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;

use crate::ext_proc::budget::Share;
use crate::ext_proc::endpoint::{Endpoint, Errors};
use crate::ext_proc::exchange::answering::Answering;
use crate::ext_proc::headers::Headers;
pub use crate::ext_proc::messages::{Input, Needs, Output, Provided, Violation};
use crate::ext_proc::pieces::Pieces;
use crate::ext_proc::refuse::Reason;
use crate::ext_proc::request::{Asking, Head, Job, Masked, Spoken, Worked};
use crate::ext_proc::settings::Settings;
use crate::ext_proc::talk::Found;
use crate::ext_proc::tally::Tally;
use crate::mask::Scope;
use crate::mask::masker::Report;
use crate::mask::table::Table;
use crate::telemetry::labels::Outcome;

#[derive(Debug)]
enum Phase {
    Idle,
    Collecting(Box<Collecting>),
    /// The job is handed out.
    Masking {
        trailers: Option<Vec<String>>,
    },
    /// The store is asked what is remembered of the conversation.
    Recalling {
        asking: Box<Asking>,
        trailers: Option<Vec<String>>,
    },
    Saving {
        masked: Box<Masked>,
        trailers: Option<Vec<String>>,
    },
    Forwarded(Forwarded),
    Answering(Box<Answering>),
    /// The store is asked for what the provider kept; then comes the end, if it was there.
    Revealing(Box<Answering>, Option<Output>),
    /// Everything of the answer passes.
    Passing,
    Refused,
    Done,
}

/// What the answer's restoring needs.
#[derive(Debug)]
struct Forwarded {
    table: Arc<Table>,
    endpoint: Endpoint,
    scope: Scope,
    talk: Option<Box<Spoken>>,
}

struct Collecting {
    head: Head,
    body: Vec<u8>,
    /// How long the body says that it is, within the limit.
    length: usize,
    share: Share,
}

impl fmt::Debug for Collecting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Collecting({} bytes)", self.body.len())
    }
}

/// A body that says that it is long gets so much at first, and the rest once that has come:
/// nobody who sends little takes much.
const FIRST: usize = 1 << 20;

/// Makes room for more of a body, and for as much as it says that it is: one that doubles is
/// copied again and again, and what it leaves behind is memory too.
fn make_room(body: &mut Vec<u8>, more: usize, length: usize) {
    let need = body.len() + more;
    if need <= body.capacity() {
        return;
    }
    let room = if need > FIRST { length } else { length.min(FIRST) };
    // Without a length, as vectors do.
    if room > need { body.reserve_exact(room - body.len()) } else { body.reserve(more) }
}

/// What is to be answered.
#[derive(Debug)]
enum Next {
    One(Output),
    /// The request's body; its last piece ends the request, unless there are trailers.
    Body {
        pieces: Pieces,
        ends: bool,
    },
}

/// One exchange.
#[derive(Debug)]
pub struct Exchange {
    settings: Arc<Settings>,
    phase: Phase,
    outputs: VecDeque<Next>,
    job: Option<Job>,
    needs: Option<Needs>,
    errors: Errors,
    /// The memory of a body that is on its way out.
    share: Option<Share>,
    pub tally: Tally,
}

impl Exchange {
    #[must_use]
    pub fn new(settings: Arc<Settings>) -> Self {
        Self {
            settings,
            phase: Phase::Idle,
            outputs: VecDeque::new(),
            job: None,
            needs: None,
            errors: Errors::default(),
            share: None,
            tally: Tally::default(),
        }
    }

    /// Those of its tenant, once that is known.
    #[must_use]
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Is the exchange waiting for the rest of the request?
    #[must_use]
    pub fn is_collecting(&self) -> bool {
        matches!(self.phase, Phase::Collecting(_))
    }

    /// The next answer to Envoy.
    pub fn output(&mut self) -> Option<Output> {
        match self.outputs.pop_front() {
            None => {
                self.share = None;
                None
            }
            Some(Next::One(output)) => Some(output),
            Some(Next::Body { mut pieces, ends }) => {
                let (bytes, last) = pieces.next()?;
                if !last {
                    self.outputs.push_front(Next::Body { pieces, ends });
                }
                Some(Output::RequestBody { bytes, end: last && ends })
            }
        }
    }

    fn put(&mut self, output: Output) {
        self.outputs.push_back(Next::One(output));
    }

    /// Work to do before anything else; its result goes to [`Exchange::masked`].
    pub fn job(&mut self) -> Option<Job> {
        self.job.take()
    }

    /// What the store is asked; its answer goes to [`Exchange::provide`].
    pub fn needs(&mut self) -> Option<Needs> {
        self.needs.take()
    }

    /// Takes one message of Envoy.
    pub fn input(&mut self, input: Input) -> Result<(), Violation> {
        let phase = std::mem::replace(&mut self.phase, Phase::Refused);
        self.phase = match (phase, input) {
            (Phase::Idle, Input::RequestHeaders { fully_streamed: false, .. }) => {
                return Err(Violation::BodyMode);
            }
            (Phase::Idle, Input::RequestHeaders { headers, end, .. }) => self.begin(&headers, end),
            (Phase::Collecting(collecting), Input::RequestBody { bytes, end }) => {
                self.collect(collecting, &bytes, end)
            }
            // Trailers are the end of the body.
            (Phase::Collecting(collecting), Input::RequestTrailers { names }) => {
                self.work(*collecting, Some(names))
            }
            (Phase::Forwarded(forwarded), Input::ResponseHeaders { headers, end }) => {
                self.answer(&headers, end, forwarded)
            }
            (Phase::Answering(answering), Input::ResponseBody { bytes, end }) => {
                self.restore(answering, &bytes, end)?
            }
            (Phase::Answering(answering), Input::ResponseTrailers) => {
                self.restored(answering, Output::ResponseTrailers)?
            }
            // Envoy's own answer: nothing was released, nothing is to be restored.
            (Phase::Idle | Phase::Collecting(_), Input::ResponseHeaders { .. }) => {
                self.tally.outcome = Outcome::Passed;
                self.put(Output::ResponseHeaders { remove: Vec::new() });
                Phase::Passing
            }
            (Phase::Passing, Input::ResponseBody { bytes, end }) => {
                self.put(Output::ResponseBody { bytes, end });
                if end { Phase::Done } else { Phase::Passing }
            }
            (Phase::Passing, Input::ResponseTrailers) => {
                self.put(Output::ResponseTrailers);
                Phase::Done
            }
            // Messages that were under way when the exchange was decided, and a
            // second end of the request, which some versions of Envoy send.
            (
                phase @ (Phase::Refused
                | Phase::Passing
                | Phase::Forwarded(_)
                | Phase::Answering(_)),
                Input::RequestBody { .. },
            ) => phase,
            (phase @ (Phase::Refused | Phase::Passing), Input::RequestTrailers { .. }) => phase,
            (Phase::Refused, _) => Phase::Refused,
            (_, input) => return Err(Violation::Order(input.name())),
        };
        Ok(())
    }

    /// The rest of the request did not come in time.
    pub fn expire(&mut self) {
        let time = self.settings.limits.body_time;
        self.phase = self.refuse(&Reason::Slow(time));
    }

    /// The result of the job.
    pub fn masked(&mut self, result: Result<Worked, Reason>) {
        let Phase::Masking { trailers } = std::mem::replace(&mut self.phase, Phase::Refused) else {
            return;
        };
        let masked = match result {
            Ok(Worked::Masked(masked)) => masked,
            Ok(Worked::Asks(asking)) => {
                self.needs = Some(asking.needs());
                self.phase = Phase::Recalling { asking, trailers };
                return;
            }
            Err(reason) => {
                self.phase = self.refuse(&reason);
                return;
            }
        };
        let save: Vec<_> = masked.table.made().cloned().collect();
        let reveal = masked.foreign();
        let records = masked.talk.as_ref().map(|spoken| spoken.talk.writes()).unwrap_or_default();
        if save.is_empty() && reveal.is_empty() && records.write.is_empty() {
            self.phase = self.release(*masked, trailers);
            return;
        }
        let scope = masked.head.scope.clone();
        let lasting = masked.head.endpoint.state || records.lasting;
        self.needs = Some(Needs { scope, save, reveal, records, lasting });
        self.phase = Phase::Saving { masked, trailers };
    }

    /// The store's answer, or that it refused.
    pub fn provide(&mut self, provided: Result<Provided, Reason>) {
        let (mut masked, trailers) = match std::mem::replace(&mut self.phase, Phase::Refused) {
            Phase::Saving { masked, trailers } => (masked, trailers),
            Phase::Recalling { asking, trailers } => {
                self.phase = self.recalled(*asking, trailers, provided);
                return;
            }
            Phase::Revealing(answering, last) => {
                self.phase = self.revealed(answering, last, provided);
                return;
            }
            _ => return,
        };
        self.phase = match provided {
            Err(reason) => self.refuse(&reason),
            Ok(provided) if provided.degraded && masked.head.endpoint.state => {
                self.refuse(&Reason::StoreDown(self.settings.retry))
            }
            Ok(mut provided) => {
                self.tally.degraded |= provided.degraded;
                let found = std::mem::take(&mut provided.records.found);
                let talk = masked.talk.as_mut().map(|spoken| &mut spoken.talk);
                match talk.map_or(Found::Good, |talk| talk.found(found)) {
                    Found::Good => {}
                    Found::Write => self.rewrite(&masked),
                    Found::Mask => {
                        self.job = masked.again();
                        self.phase = Phase::Masking { trailers };
                        return;
                    }
                }
                for (placeholder, value) in provided.revealed {
                    if let Some(value) = value {
                        masked.table.reveal(placeholder, value);
                    }
                }
                if self.needs.is_some() {
                    Phase::Saving { masked, trailers }
                } else {
                    self.release(*masked, trailers)
                }
            }
        };
    }

    /// What is remembered of the conversation. Without the store it is masked as a new one.
    fn recalled(
        &mut self,
        asking: Asking,
        trailers: Option<Vec<String>>,
        provided: Result<Provided, Reason>,
    ) -> Phase {
        match provided {
            Err(reason) => self.refuse(&reason),
            Ok(provided) => {
                self.tally.degraded |= provided.degraded;
                self.job = Some(asking.answered(provided.records.read));
                Phase::Masking { trailers }
            }
        }
    }

    /// Another replica wrote meanwhile: both are written.
    fn rewrite(&mut self, masked: &Masked) {
        let records = masked.talk.as_ref().map(|spoken| spoken.talk.writes()).unwrap_or_default();
        let scope = masked.head.scope.clone();
        self.needs = Some(Needs { records, ..Needs::new(scope) });
    }

    fn begin(&mut self, headers: &Headers, end: bool) -> Phase {
        self.errors = Endpoint::of(headers.path()).errors;
        if headers.text(":method") == Some("CONNECT") {
            return self.refuse(&Reason::Connect);
        }
        let scope = match self.settings.scope(headers) {
            Ok(scope) => scope,
            Err(reason) => return self.refuse(&reason),
        };
        self.tally.tenant = Some(scope.tenant().clone());
        self.settings = Arc::clone(self.settings.of(scope.tenant()));
        let head = match Head::read(headers, scope, &self.settings) {
            Ok(head) => head,
            Err(reason) => return self.refuse(&reason),
        };
        if end {
            // There is no body: no body message will come.
            self.tally.outcome = Outcome::Empty;
            self.tally.report(&Report::default(), &head.outside);
            let remove = vec!["x-masker-tenant"];
            self.put(Output::RequestHeaders { remove, findings: 0 });
            let mut table = Table::default();
            table.set_care(self.settings.care());
            let Head { endpoint, scope, .. } = head;
            let table = Arc::new(table);
            return Phase::Forwarded(Forwarded { table, endpoint, scope, talk: None });
        }
        if head.endpoint.state && !head.goes_unmasked() && !self.settings.lasting {
            return self.refuse(&Reason::StoreForgets);
        }
        if let Err(reason) = head.check(headers, self.settings.limits.body) {
            return self.refuse(&reason);
        }
        let share = self.settings.budget.share(head.scope.tenant());
        let length = headers.length().and_then(|length| usize::try_from(length).ok());
        let length = length.unwrap_or_default();
        Phase::Collecting(Box::new(Collecting { head, body: Vec::new(), length, share }))
    }

    fn collect(&mut self, mut collecting: Box<Collecting>, bytes: &[u8], end: bool) -> Phase {
        let limit = self.settings.limits.body;
        if collecting.body.len() + bytes.len() > limit {
            return self.refuse(&Reason::TooLarge(limit));
        }
        if collecting.share.grow(bytes.len()).is_err() {
            return self.refuse(&Reason::Overloaded);
        }
        make_room(&mut collecting.body, bytes.len(), collecting.length);
        collecting.body.extend_from_slice(bytes);
        if end { self.work(*collecting, None) } else { Phase::Collecting(collecting) }
    }

    fn work(&mut self, collecting: Collecting, trailers: Option<Vec<String>>) -> Phase {
        let Collecting { head, body, share, .. } = collecting;
        self.tally.request_bytes = body.len();
        self.job = Some(Job::new(head, body, share, Arc::clone(&self.settings)));
        Phase::Masking { trailers }
    }

    /// Lets the masked request go: the headers with the proof, then the body.
    fn release(&mut self, masked: Masked, trailers: Option<Vec<String>>) -> Phase {
        self.tally.report(&masked.report, &masked.head.outside);
        if masked.unmasked {
            self.tally.let_through();
        }
        if let Some(spoken) = &masked.talk {
            self.tally.talk(&spoken.talk);
        }
        self.tally.outcome = if masked.unmasked { Outcome::Unmasked } else { Outcome::Masked };
        let findings = masked.report.findings.values().sum();
        let remove = vec!["x-masker-tenant", "content-encoding"];
        self.put(Output::RequestHeaders { remove, findings });
        self.share = Some(masked.share);
        self.outputs.push_back(Next::Body { pieces: masked.body, ends: trailers.is_none() });
        if let Some(remove) = trailers {
            self.put(Output::RequestTrailers { remove });
        }
        Phase::Forwarded(Forwarded {
            table: Arc::new(masked.table),
            endpoint: masked.head.endpoint,
            scope: masked.head.scope,
            // The answer may take minutes.
            talk: masked.talk.map(Spoken::released),
        })
    }

    fn refuse(&mut self, reason: &Reason) -> Phase {
        let reply = reason.reply(self.errors);
        self.tally.outcome = match reason {
            Reason::StoreDown(_) => Outcome::Unavailable,
            Reason::Blocked(_) => Outcome::Refused,
            _ if reply.status >= 500 => Outcome::Failed,
            _ => Outcome::Refused,
        };
        self.tally.code = Some(reply.code);
        self.outputs = VecDeque::from([Next::One(Output::Refuse(reply))]);
        Phase::Refused
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_gets_the_room_that_it_says_it_needs() {
        let grown = |pieces: &[usize], length: usize| {
            let mut body = Vec::new();
            for &piece in pieces {
                make_room(&mut body, piece, length);
                body.resize(body.len() + piece, b'x');
            }
            body.capacity()
        };
        assert_eq!(grown(&[1000], 10_000), 10_000);
        assert_eq!(grown(&[1000], 30 << 20), FIRST, "it has sent little");
        assert_eq!(grown(&[FIRST, FIRST], 30 << 20), 30 << 20);
        assert!(grown(&[1000, 1000], 500) >= 2000, "it said less than it sends");
        assert!(grown(&[1000, 1000], 0) >= 2000);
    }
}
