//! What reached the provider, complete or not.

use std::fs::File;
use std::io::Write;
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::{Value, json};

/// One request as it arrived.
#[derive(Clone, Debug, Default)]
pub(crate) struct Seen {
    pub(crate) method: String,
    /// Path and query.
    pub(crate) path: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
    /// Did the body arrive to its end?
    pub(crate) complete: bool,
}

impl Seen {
    pub(crate) fn json(&self) -> Value {
        json!({
            "method": self.method,
            "path": self.path,
            "headers": self.headers,
            "body": String::from_utf8_lossy(&self.body),
            "complete": self.complete,
        })
    }
}

/// The requests so far, and the file that they are written to.
#[derive(Debug, Default)]
pub(crate) struct Records {
    seen: Mutex<Vec<Seen>>,
    file: Option<Mutex<File>>,
}

impl Records {
    pub(crate) fn new(file: Option<File>) -> Self {
        Self { seen: Mutex::default(), file: file.map(Mutex::new) }
    }

    pub(crate) fn all(&self) -> Vec<Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Gives all and forgets them: none is lost in between.
    pub(crate) fn take(&self) -> Vec<Seen> {
        std::mem::take(&mut *self.seen.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn push(&self, seen: Seen) {
        if let Some(file) = &self.file {
            let mut file = file.lock().unwrap_or_else(PoisonError::into_inner);
            // A full disk must not stop the provider; the list in memory has it.
            let _written = writeln!(file, "{}", seen.json());
        }
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).push(seen);
    }
}

/// A request that is still arriving. It is recorded when this is dropped: a
/// connection that breaks drops it too, and its bytes count as seen.
#[derive(Debug)]
pub(crate) struct Arriving {
    pub(crate) seen: Seen,
    records: Arc<Records>,
}

impl Arriving {
    pub(crate) fn new(seen: Seen, records: Arc<Records>) -> Self {
        Self { seen, records }
    }
}

impl Drop for Arriving {
    fn drop(&mut self) {
        self.records.push(std::mem::take(&mut self.seen));
    }
}
