//! Who is told what happens, beside the log: wired for `serve`.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::{JoinHandle, JoinSet};
use tokio::time::timeout;

use crate::cli::serve::ServeError;
use crate::config::Config;
use crate::outward::{audit, channels, traces, webhook};
use crate::store::outlet::Outlet;
use crate::telemetry::journal::Entry;
use crate::telemetry::{Journal, Recent, Watch, labels};

/// What runs beside the exchanges; it ends with them.
pub(super) struct Told {
    pub(super) journal: Journal,
    tasks: JoinSet<Infallible>,
    audit: Option<JoinHandle<()>>,
}

impl Told {
    /// Begins, with the start in the audit log.
    pub(super) async fn begin(
        config: &Config,
        watch: &Watch,
        recent: &Recent,
    ) -> Result<Self, ServeError> {
        let (mut tasks, mut audit) = (JoinSet::new(), None);
        if let Some(target) = &config.webhook {
            tasks.spawn(webhook::run(watch.clone(), target.clone()));
        }
        if let Some(events) = &config.events
            && let Some(outlet) = Outlet::open(&config.store).await?
        {
            tasks.spawn(channels::run(outlet, events.clone(), watch.clone(), recent.clone()));
        }
        if let Some(traces) = &config.traces {
            tasks.spawn(traces::run(traces.clone(), recent.clone(), watch.metrics().clone()));
        }
        let file = config.audit_file.as_deref();
        let open = |file| Journal::open(file, config.audit_keep);
        let journal = file.map_or_else(|| Ok(Journal::default()), open)?;
        let mut journal = journal.counted(watch.metrics().audit_lost.clone());
        if let Some(stream) = &config.audit_stream
            && let Some(outlet) = Outlet::open(&config.store).await?
        {
            let metrics = watch.metrics().clone();
            let dropped = metrics.audited.get_or_create(&labels::Told::Dropped).clone();
            let (copied, lines) = journal.copied(chain(), dropped);
            journal = copied;
            audit = Some(tokio::spawn(audit::run(outlet, stream.clone(), lines, metrics)));
        }
        journal.write(&Entry { action: "start", who: "masker", ..Entry::default() });
        Ok(Self { journal, tasks, audit })
    }

    /// Gives the audit log's last lines the time to be stored.
    pub(super) async fn end(self, within: Duration) {
        drop(self.tasks);
        self.journal.end_copy();
        if let Some(audit) = self.audit
            && timeout(within, audit).await.is_err()
        {
            tracing::warn!("the audit stream did not take the last lines");
        }
    }
}

/// A name that no other process has.
fn chain() -> Arc<str> {
    let parts = [getrandom::u64(), getrandom::u64()].map(Result::unwrap_or_default);
    let [high, low] = parts;
    format!("{high:016x}{low:016x}").into()
}
