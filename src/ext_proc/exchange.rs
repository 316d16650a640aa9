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

use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;

use bytes::Bytes;

use crate::ext_proc::answer::Answer;
use crate::ext_proc::budget::Share;
use crate::ext_proc::endpoint::{Endpoint, Errors};
use crate::ext_proc::headers::Headers;
pub use crate::ext_proc::messages::{Input, Needs, Output, Provided, Violation};
use crate::ext_proc::refuse::Reason;
use crate::ext_proc::request::{Head, Job, Masked};
use crate::ext_proc::settings::Settings;
use crate::ext_proc::tally::Tally;
use crate::mask::Scope;
use crate::mask::masker::Report;
use crate::mask::table::Table;
use crate::telemetry::labels::Outcome;

/// No answer to Envoy is larger; `envoy-types` copies each.
const CHUNK: usize = 64 * 1024;

#[derive(Debug)]
enum Phase {
    Idle,
    Collecting(Box<Collecting>),
    /// The job is handed out.
    Masking {
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
}

#[derive(Debug)]
struct Answering {
    answer: Answer,
    /// Held until the answer is whole: so long it can be replaced by an error.
    headers: Option<Vec<&'static str>>,
    share: Share,
    scope: Scope,
    /// What its end decided.
    rest: Vec<u8>,
}

struct Collecting {
    head: Head,
    body: Vec<u8>,
    share: Share,
}

impl fmt::Debug for Collecting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Collecting({} bytes)", self.body.len())
    }
}

/// One exchange.
#[derive(Debug)]
pub struct Exchange {
    settings: Arc<Settings>,
    phase: Phase,
    outputs: VecDeque<Output>,
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

    /// Is the exchange waiting for the rest of the request?
    #[must_use]
    pub fn is_collecting(&self) -> bool {
        matches!(self.phase, Phase::Collecting(_))
    }

    /// The next answer to Envoy.
    pub fn output(&mut self) -> Option<Output> {
        let output = self.outputs.pop_front();
        if output.is_none() {
            self.share = None;
        }
        output
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
                self.outputs.push_back(Output::ResponseHeaders { remove: Vec::new() });
                Phase::Passing
            }
            (Phase::Passing, Input::ResponseBody { bytes, end }) => {
                self.outputs.push_back(Output::ResponseBody { bytes, end });
                if end { Phase::Done } else { Phase::Passing }
            }
            (Phase::Passing, Input::ResponseTrailers) => {
                self.outputs.push_back(Output::ResponseTrailers);
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
    pub fn masked(&mut self, result: Result<Masked, Reason>) {
        let Phase::Masking { trailers } = std::mem::replace(&mut self.phase, Phase::Refused) else {
            return;
        };
        let masked = match result {
            Ok(masked) => masked,
            Err(reason) => {
                self.phase = self.refuse(&reason);
                return;
            }
        };
        self.tally.report(&masked.report, &masked.head.outside);
        if masked.unmasked {
            self.tally.let_through();
        }
        let save: Vec<_> = masked.table.made().cloned().collect();
        let reveal = masked.foreign();
        if save.is_empty() && reveal.is_empty() {
            self.phase = self.release(masked, trailers);
            return;
        }
        self.needs = Some(Needs { scope: masked.head.scope.clone(), save, reveal });
        self.phase = Phase::Saving { masked: Box::new(masked), trailers };
    }

    /// The store's answer, or that it refused.
    pub fn provide(&mut self, provided: Result<Provided, Reason>) {
        let (mut masked, trailers) = match std::mem::replace(&mut self.phase, Phase::Refused) {
            Phase::Saving { masked, trailers } => (masked, trailers),
            Phase::Revealing(answering, last) => {
                self.phase = self.revealed(answering, last, provided);
                return;
            }
            _ => return,
        };
        self.phase = match provided {
            Err(reason) => self.refuse(&reason),
            Ok(provided) if provided.degraded && masked.head.endpoint.state => {
                self.refuse(&Reason::StoreDown)
            }
            Ok(provided) => {
                self.tally.degraded = provided.degraded;
                for (placeholder, value) in provided.revealed {
                    if let Some(value) = value {
                        masked.table.reveal(placeholder, value);
                    }
                }
                self.release(*masked, trailers)
            }
        };
    }

    fn begin(&mut self, headers: &Headers, end: bool) -> Phase {
        self.errors = Endpoint::of(headers.path()).errors;
        let head = match Head::read(headers, &self.settings) {
            Ok(head) => head,
            Err(reason) => return self.refuse(&reason),
        };
        if end {
            // There is no body: no body message will come.
            self.tally.outcome = Outcome::Empty;
            self.tally.report(&Report::default(), &head.outside);
            let remove = vec!["x-masker-tenant"];
            self.outputs.push_back(Output::RequestHeaders { remove, findings: 0 });
            let mut table = Table::default();
            table.set_care(self.settings.care());
            let Head { endpoint, scope, .. } = head;
            return Phase::Forwarded(Forwarded { table: Arc::new(table), endpoint, scope });
        }
        if let Err(reason) = head.check(headers, self.settings.limits.body) {
            return self.refuse(&reason);
        }
        let share = self.settings.budget.share(head.scope.tenant());
        Phase::Collecting(Box::new(Collecting { head, body: Vec::new(), share }))
    }

    fn collect(&mut self, mut collecting: Box<Collecting>, bytes: &[u8], end: bool) -> Phase {
        let limit = self.settings.limits.body;
        if collecting.body.len() + bytes.len() > limit {
            return self.refuse(&Reason::TooLarge(limit));
        }
        if collecting.share.grow(bytes.len()).is_err() {
            return self.refuse(&Reason::Overloaded);
        }
        collecting.body.extend_from_slice(bytes);
        if end { self.work(*collecting, None) } else { Phase::Collecting(collecting) }
    }

    fn work(&mut self, collecting: Collecting, trailers: Option<Vec<String>>) -> Phase {
        let Collecting { head, body, share } = collecting;
        self.tally.request_bytes = body.len();
        self.job = Some(Job { head, body, share, settings: Arc::clone(&self.settings) });
        Phase::Masking { trailers }
    }

    /// Lets the masked request go: the headers with the proof, then the body.
    fn release(&mut self, masked: Masked, trailers: Option<Vec<String>>) -> Phase {
        self.tally.outcome = if masked.unmasked { Outcome::Unmasked } else { Outcome::Masked };
        let findings = masked.report.findings.values().sum();
        let remove = vec!["x-masker-tenant", "content-encoding"];
        self.outputs.push_back(Output::RequestHeaders { remove, findings });
        let mut body = masked.body;
        self.share = Some(masked.share);
        loop {
            let bytes = body.split_to(body.len().min(CHUNK));
            let end = body.is_empty() && trailers.is_none();
            self.outputs.push_back(Output::RequestBody { bytes, end });
            if body.is_empty() {
                break;
            }
        }
        if let Some(remove) = trailers {
            self.outputs.push_back(Output::RequestTrailers { remove });
        }
        Phase::Forwarded(Forwarded {
            table: Arc::new(masked.table),
            endpoint: masked.head.endpoint,
            scope: masked.head.scope,
        })
    }

    fn answer(&mut self, headers: &Headers, end: bool, forwarded: Forwarded) -> Phase {
        let limits = self.settings.limits;
        let Forwarded { table, endpoint, scope } = forwarded;
        let answer = Answer::new(headers, endpoint, table, limits.answer, limits.depth);
        let Some(answer) = answer.filter(|_| !end) else {
            self.outputs.push_back(Output::ResponseHeaders { remove: Vec::new() });
            return if end { Phase::Done } else { Phase::Passing };
        };
        let remove = if answer.is_inflated() { vec!["content-encoding"] } else { Vec::new() };
        let headers = if answer.is_whole() {
            Some(remove)
        } else {
            self.outputs.push_back(Output::ResponseHeaders { remove });
            None
        };
        let share = self.settings.budget.share(scope.tenant());
        Phase::Answering(Box::new(Answering { answer, headers, share, scope, rest: Vec::new() }))
    }

    fn restore(
        &mut self,
        mut answering: Box<Answering>,
        bytes: &[u8],
        end: bool,
    ) -> Result<Phase, Violation> {
        let whole = answering.headers.is_some();
        if whole && answering.share.grow(bytes.len()).is_err() {
            return self.broken(true, &Reason::Overloaded);
        }
        match answering.answer.push(bytes) {
            Ok(bytes) => self.write(bytes),
            Err(reason) => return self.broken(whole, &reason),
        }
        if end {
            let last = Output::ResponseBody { bytes: Bytes::new(), end: true };
            return self.restored(answering, last);
        }
        Ok(self.ask(answering, None))
    }

    /// Asks the store for what the answer holds of earlier exchanges, if there is any.
    fn ask(&mut self, answering: Box<Answering>, last: Option<Output>) -> Phase {
        let reveal = answering.answer.unknown();
        if reveal.is_empty() {
            return self.known(answering, last);
        }
        self.needs = Some(Needs { scope: answering.scope.clone(), save: Vec::new(), reveal });
        Phase::Revealing(answering, last)
    }

    /// The store's answer. Without it, placeholders stay, unless the answer can be replaced.
    fn revealed(
        &mut self,
        mut answering: Box<Answering>,
        last: Option<Output>,
        provided: Result<Provided, Reason>,
    ) -> Phase {
        let provided = provided.unwrap_or(Provided { revealed: Vec::new(), degraded: true });
        self.tally.degraded |= provided.degraded;
        if provided.degraded && answering.headers.is_some() {
            return self.refuse(&Reason::StoreDown);
        }
        answering.answer.reveal(provided.revealed);
        self.known(answering, last)
    }

    /// Writes what is decided now; after the last part, the end.
    fn known(&mut self, mut answering: Box<Answering>, last: Option<Output>) -> Phase {
        let mut bytes = std::mem::take(&mut answering.rest);
        bytes.extend(answering.answer.decide());
        let Some(last) = last else {
            self.write(bytes);
            return Phase::Answering(answering);
        };
        let Answering { answer, headers, share, .. } = *answering;
        self.tally.answer(&answer);
        self.share = Some(share);
        if let Some(remove) = headers {
            self.outputs.push_back(Output::ResponseHeaders { remove });
        }
        self.write(bytes);
        self.outputs.push_back(last);
        Phase::Done
    }

    fn write(&mut self, bytes: Vec<u8>) {
        let mut rest = Bytes::from(bytes);
        while !rest.is_empty() {
            let bytes = rest.split_to(rest.len().min(CHUNK));
            self.outputs.push_back(Output::ResponseBody { bytes, end: false });
        }
    }

    /// The end of the answer: what is held, then the end as Envoy gave it.
    fn restored(
        &mut self,
        mut answering: Box<Answering>,
        last: Output,
    ) -> Result<Phase, Violation> {
        match answering.answer.finish() {
            Ok(rest) => answering.rest = rest,
            Err(reason) => return self.broken(answering.headers.is_some(), &reason),
        }
        Ok(self.ask(answering, Some(last)))
    }

    /// The answer cannot be restored. While its headers are held it can be replaced.
    fn broken(&mut self, replaceable: bool, reason: &Reason) -> Result<Phase, Violation> {
        if replaceable {
            return Ok(self.refuse(reason));
        }
        Err(Violation::Answer(reason.reply(self.errors).code))
    }

    fn refuse(&mut self, reason: &Reason) -> Phase {
        let reply = reason.reply(self.errors);
        let failed = reply.status >= 500 && reply.code != "blocked";
        self.tally.outcome = if failed { Outcome::Failed } else { Outcome::Refused };
        self.tally.code = Some(reply.code);
        self.outputs = VecDeque::from([Output::Refuse(reply)]);
        Phase::Refused
    }
}
