//! The last requests, for the person at the keyboard: what was masked of which
//! kind, and where it stood; never a value.

use std::collections::BTreeMap;
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::Duration;
use std::time::SystemTime;

use serde::Serialize;
use tokio::sync::broadcast;

use crate::telemetry::labels::Outcome;
use crate::telemetry::trace::Trace;

/// So many are remembered.
const KEPT: usize = 100;
/// Listeners that are slower than this miss what is older.
const HEARD: usize = 1024;

/// One request.
#[derive(Clone, Debug)]
pub struct Seen {
    pub at: SystemTime,
    pub outcome: Outcome,
    /// Why it was refused.
    pub code: Option<&'static str>,
    pub request_bytes: u64,
    /// In masker, up to the last byte to Envoy; none: there was no body.
    pub took: Option<Duration>,
    pub restored: u64,
    /// Of Envoy, so that logs can be joined.
    pub request_id: Option<Box<str>>,
    pub trace: Option<Trace>,
    /// From the begin until the request's body was read, and until the end.
    pub read: Duration,
    pub lasted: Duration,
    pub answer_bytes: u64,
    pub kinds: Vec<Masked>,
    /// Places that must not change, and how many findings stood there.
    pub places: BTreeMap<&'static str, u64>,
}

impl Default for Seen {
    fn default() -> Self {
        Self {
            at: SystemTime::UNIX_EPOCH,
            outcome: Outcome::Aborted,
            code: None,
            request_bytes: 0,
            took: None,
            restored: 0,
            request_id: None,
            trace: None,
            read: Duration::ZERO,
            lasted: Duration::ZERO,
            answer_bytes: 0,
            kinds: Vec::new(),
            places: BTreeMap::new(),
        }
    }
}

/// What was masked of one kind.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Masked {
    pub kind: Box<str>,
    pub family: &'static str,
    pub count: u64,
}

/// Cloning shares what is remembered.
#[derive(Clone, Debug)]
pub struct Recent {
    all: Arc<Mutex<VecDeque<Arc<Seen>>>>,
    tell: broadcast::Sender<Arc<Seen>>,
}

impl Default for Recent {
    fn default() -> Self {
        Self { all: Arc::default(), tell: broadcast::channel(HEARD).0 }
    }
}

impl Recent {
    pub fn push(&self, seen: Seen) {
        let seen = Arc::new(seen);
        let mut all = self.all.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() >= KEPT {
            all.pop_front();
        }
        all.push_back(Arc::clone(&seen));
        drop(all);
        // An error: nobody listens.
        drop(self.tell.send(seen));
    }

    #[must_use]
    pub fn listen(&self) -> broadcast::Receiver<Arc<Seen>> {
        self.tell.subscribe()
    }

    /// The newest first.
    #[must_use]
    pub fn last(&self, limit: usize) -> Vec<Arc<Seen>> {
        let all = self.all.lock().unwrap_or_else(PoisonError::into_inner);
        all.iter().rev().take(limit).cloned().collect()
    }
}
