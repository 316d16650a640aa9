//! The audit log to a stream of Redis: the lines of the journal, each with the hash of the
//! one before, and the name of the chain they belong to, as several maskers write there.

use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::sleep;

use crate::outward::Backoff;
use crate::store::outlet::Outlet;
use crate::telemetry::Metrics;
use crate::telemetry::journal::Line;
use crate::telemetry::labels::Told;

const FIRST: Duration = Duration::from_millis(100);
const MOST: Duration = Duration::from_secs(30);

/// Where to, and how much is kept there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stream {
    pub key: String,
    pub most: u64,
}

/// Appends the lines in order, each until it is stored; ends with the journal.
pub async fn run(outlet: Outlet, to: Stream, mut lines: mpsc::Receiver<Line>, metrics: Metrics) {
    while let Some(line) = lines.recv().await {
        let mut backoff = Backoff::new(FIRST, MOST);
        let fields = [("chain", line.chain.as_ref()), ("line", line.text.as_str())];
        while let Err(error) = outlet.append(&to.key, to.most, &fields).await {
            tracing::warn!(%error, "the audit stream is tried again");
            sleep(backoff.pause()).await;
        }
        metrics.audited.get_or_create(&Told::Sent).inc();
    }
}
