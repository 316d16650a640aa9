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
    mode: Option<Ordered>,
    end: End,
}

/// The mode that an operator set.
struct Ordered {
    mode: &'static str,
    seconds: u64,
    reason: String,
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
            mode: None,
            end: End::default(),
        }
    }

    pub(super) fn tenant(&mut self, tenant: &Tenant) {
        self.tenant = Some(tenant.clone());
    }

    pub(super) fn mode(&mut self, mode: &'static str, seconds: u64, reason: &str) {
        self.mode = Some(Ordered { mode, seconds, reason: reason.to_owned() });
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
        let mode = self.mode.as_ref();
        let detail = mode.map(|own| format!("{} for {} s (0: no end)", own.mode, own.seconds));
        let detail = detail.unwrap_or_else(|| format!("{restored} restored"));
        self.journal.write(&Entry {
            action: self.call,
            who: &self.peer,
            outcome,
            reason: mode.map_or("", |own| own.reason.as_str()),
            detail: &detail,
            tenant: self.tenant.as_ref().map(Tenant::as_str),
        });
        tracing::info!(
            target: "masker::audit",
            call = self.call,
            peer = self.peer,
            tenant = self.tenant.as_ref().map(Tenant::as_str),
            mode = self.mode.as_ref().map(|ordered| ordered.mode),
            seconds = self.mode.as_ref().map(|ordered| ordered.seconds),
            reason = self.mode.as_ref().map(|ordered| ordered.reason.as_str()),
            request_bytes = self.request_bytes,
            response_bytes,
            findings,
            restored,
            unknown,
            outcome,
        );
    }
}
