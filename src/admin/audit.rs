//! One line of the audit log per call: who asked what, how much, and how it
//! ended; never contents. Written when the call ends, in whichever way.

use tonic::Status;

use crate::listen::Peer;
use crate::mask::Tenant;
use crate::telemetry::Journal;
use crate::telemetry::journal::Entry;

/// A call under way.
pub(super) struct Audit {
    journal: Journal,
    call: &'static str,
    pub(super) peer: String,
    tenant: Option<Tenant>,
    request_bytes: usize,
    ordered: Option<Ordered>,
    end: End,
}

/// What an operator set, and why.
struct Ordered {
    what: What,
    reason: String,
}

#[derive(Clone, Copy)]
enum What {
    Mode { mode: &'static str, seconds: u64 },
    Level(&'static str),
}

/// What a call came to.
#[derive(Clone, Copy, Default)]
pub(super) struct End {
    /// Empty: the client went or the time was up before there was an answer.
    pub(super) outcome: &'static str,
    pub(super) response_bytes: usize,
    pub(super) findings: u64,
    pub(super) restored: u64,
    pub(super) unknown: u64,
}

impl Audit {
    /// What changes something or gives originals back: kept in the journal, too.
    pub(super) fn kept(
        journal: &Journal,
        call: &'static str,
        peer: Option<&Peer>,
        request_bytes: usize,
    ) -> Self {
        let mut audit = Self::begin(call, peer, request_bytes);
        audit.journal = journal.clone();
        audit
    }

    /// In the log only.
    pub(super) fn begin(call: &'static str, peer: Option<&Peer>, request_bytes: usize) -> Self {
        let peer = peer.map_or_else(|| "unknown".to_owned(), ToString::to_string);
        Self {
            journal: Journal::default(),
            call,
            peer,
            tenant: None,
            request_bytes,
            ordered: None,
            end: End::default(),
        }
    }

    pub(super) fn tenant(&mut self, tenant: &Tenant) {
        self.tenant = Some(tenant.clone());
    }

    pub(super) fn mode(&mut self, mode: &'static str, seconds: u64, reason: &str) {
        self.ordered(What::Mode { mode, seconds }, reason);
    }

    pub(super) fn level(&mut self, level: &'static str, reason: &str) {
        self.ordered(What::Level(level), reason);
    }

    fn ordered(&mut self, what: What, reason: &str) {
        self.ordered = Some(Ordered { what, reason: reason.to_owned() });
    }

    pub(super) fn answered(mut self, end: End) {
        self.end = End { outcome: "ok", ..end };
    }

    /// Without an answer, for this reason.
    pub(super) fn refused(mut self, outcome: &'static str) {
        self.end.outcome = outcome;
    }

    pub(super) fn failed(mut self, status: &Status) {
        self.end.outcome = outcome(status);
    }
}

fn outcome(status: &Status) -> &'static str {
    use tonic::Code;
    match status.code() {
        Code::Unauthenticated => "unauthenticated",
        Code::InvalidArgument => "invalid",
        Code::ResourceExhausted => "limited",
        Code::FailedPrecondition => "refused",
        Code::Unavailable => "unavailable",
        _ => "failed",
    }
}

impl Drop for Audit {
    fn drop(&mut self) {
        let End { outcome, response_bytes, findings, restored, unknown } = self.end;
        let outcome = if outcome.is_empty() { "aborted" } else { outcome };
        let ordered = self.ordered.as_ref();
        let what = ordered.map(|own| own.what);
        let (mode, level, detail) = match what {
            None => (None, None, format!("{restored} restored")),
            Some(What::Level(level)) => (None, Some(level), format!("log level {level}")),
            Some(What::Mode { mode, seconds }) => {
                let detail = format!("{mode} for {seconds} s (0: no end)");
                (Some((mode, seconds)), None, detail)
            }
        };
        let reason = ordered.map(|own| own.reason.as_str());
        self.journal.write(&Entry {
            action: self.call,
            who: &self.peer,
            outcome,
            reason: reason.unwrap_or_default(),
            detail: &detail,
            tenant: self.tenant.as_ref().map(Tenant::as_str),
        });
        tracing::info!(
            target: "masker::audit",
            call = self.call,
            peer = self.peer,
            tenant = self.tenant.as_ref().map(Tenant::as_str),
            mode = mode.map(|(mode, _)| mode),
            seconds = mode.map(|(_, seconds)| seconds),
            log_level = level,
            reason,
            request_bytes = self.request_bytes,
            response_bytes,
            findings,
            restored,
            unknown,
            outcome,
        );
    }
}
