//! The answer's half of an exchange.

use bytes::Bytes;

use crate::ext_proc::answer::Answer;
use crate::ext_proc::budget::Share;
use crate::ext_proc::exchange::{Exchange, Forwarded, Phase};
use crate::ext_proc::headers::Headers;
use crate::ext_proc::messages::{Needs, Output, Provided, Violation, parts};
use crate::ext_proc::refuse::Reason;
use crate::ext_proc::talk::Talk;
use crate::mask::Scope;
use crate::telemetry::labels::Outcome;

#[derive(Debug)]
pub(super) struct Answering {
    answer: Answer,
    /// Held until the answer is whole: so long it can be replaced by an error.
    headers: Option<Vec<&'static str>>,
    share: Share,
    scope: Scope,
    talk: Option<Box<Talk>>,
    /// What its end decided.
    rest: Vec<u8>,
}

impl Exchange {
    pub(super) fn answer(&mut self, headers: &Headers, end: bool, forwarded: Forwarded) -> Phase {
        let limits = self.settings.limits;
        let Forwarded { table, endpoint, scope, talk } = forwarded;
        let (verify, talk) = match talk {
            // Nothing that the model wrote comes again.
            Some(spoken) if endpoint.state => (None, Some(spoken.talk)),
            Some(spoken) => {
                let (verify, talk) = spoken.verify(&scope, &table);
                (Some(verify), Some(talk))
            }
            None => (None, None),
        };
        let talk = talk.map(Box::new);
        let answer = Answer::new(headers, endpoint, table, verify, limits.answer, limits.depth);
        let answer = answer.unwrap_or_else(|unread| {
            self.tally.unread = (!end).then_some(unread);
            None
        });
        let Some(answer) = answer.filter(|_| !end) else {
            self.put(Output::ResponseHeaders { remove: Vec::new() });
            return if end { Phase::Done } else { Phase::Passing };
        };
        let remove = if answer.is_inflated() { vec!["content-encoding"] } else { Vec::new() };
        let headers = if answer.is_whole() {
            Some(remove)
        } else {
            self.put(Output::ResponseHeaders { remove });
            None
        };
        let share = self.settings.budget.share(scope.tenant());
        Phase::Answering(Box::new(Answering {
            answer,
            headers,
            share,
            scope,
            talk,
            rest: Vec::new(),
        }))
    }

    pub(super) fn restore(
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
            Ok(bytes) => {
                // Its first bytes may tell that it is a stream.
                if !answering.answer.is_whole()
                    && let Some(remove) = answering.headers.take()
                {
                    self.put(Output::ResponseHeaders { remove });
                }
                self.write(bytes);
            }
            Err(reason) => return self.broken(whole, &reason),
        }
        if end {
            let last = Output::ResponseBody { bytes: Bytes::new(), end: true };
            return self.restored(answering, last);
        }
        Ok(self.ask(answering, None))
    }

    /// Asks the store for what the answer holds of earlier exchanges, if there is any.
    fn ask(&mut self, mut answering: Box<Answering>, last: Option<Output>) -> Phase {
        let reveal = answering.answer.unknown();
        let Answering { answer, talk, scope, .. } = &mut *answering;
        let said = answer.said();
        self.tally.originals += said.found.len();
        let name = answer.name();
        let records = talk.as_mut().map(|talk| talk.answered(said, name, scope));
        let records = records.unwrap_or_default();
        if reveal.is_empty() && records.write.is_empty() {
            return self.known(answering, last);
        }
        let scope = scope.clone();
        self.needs = Some(Needs { reveal, records, ..Needs::new(scope) });
        Phase::Revealing(answering, last)
    }

    /// The store's answer. Without it, placeholders stay, unless the answer can be replaced.
    pub(super) fn revealed(
        &mut self,
        mut answering: Box<Answering>,
        last: Option<Output>,
        provided: Result<Provided, Reason>,
    ) -> Phase {
        let failed = Provided { degraded: true, ..Provided::default() };
        let provided = provided.unwrap_or(failed);
        self.tally.degraded |= provided.degraded;
        let Answering { answer, headers, .. } = &*answering;
        let lacks = answer.is_kept() && !answer.unknown().is_empty();
        if provided.degraded && headers.is_some() && lacks {
            return self.refuse(&Reason::StoreDown(self.settings.retry));
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
            self.put(Output::ResponseHeaders { remove });
        }
        self.write(bytes);
        self.put(last);
        Phase::Done
    }

    fn write(&mut self, bytes: Vec<u8>) {
        if bytes.is_empty() {
            return;
        }
        for (bytes, _) in parts(bytes.into()) {
            self.put(Output::ResponseBody { bytes, end: false });
        }
    }

    /// The end of the answer: what is held, then the end as Envoy gave it.
    pub(super) fn restored(
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

    /// Envoy ended the exchange. What was sent and had no whole answer was cut off: Envoy does
    /// not say by whom.
    pub fn end(&mut self) {
        match &self.phase {
            Phase::Answering(answering) | Phase::Revealing(answering, _) => {
                self.tally.answer(&answering.answer);
            }
            Phase::Forwarded(_) => {}
            // Envoy's own answer.
            Phase::Passing if self.tally.outcome != Outcome::Passed => {}
            _ => return,
        }
        self.tally.outcome = Outcome::Cut;
    }
}
