//! Who is told what happens, beside the log: wired for `serve`.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinHandle;
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
    tasks: Vec<Aborting>,
    audit: Option<JoinHandle<()>>,
}

/// A task that ends when nobody holds it.
struct Aborting(JoinHandle<()>);

impl Drop for Aborting {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Told {
    /// Begins, with the start in the audit log.
    pub(super) async fn begin(
        config: &Config,
        watch: &Watch,
        recent: &Recent,
    ) -> Result<Self, ServeError> {
        let (mut tasks, mut audit) = (Vec::new(), None);
        let mut spawn = |task| tasks.push(Aborting(tokio::spawn(task)));
        if let Some(target) = &config.webhook {
            let (watch, target) = (watch.clone(), target.clone());
            spawn(boxed(async move { match webhook::run(watch, target).await {} }));
        }
        if let Some(events) = &config.events
            && let Some(outlet) = Outlet::open(&config.store).await?
        {
            let (events, watch, recent) = (events.clone(), watch.clone(), recent.clone());
            spawn(boxed(
                async move { match channels::run(outlet, events, watch, recent).await {} },
            ));
        }
        if let Some(traces) = &config.traces {
            let (traces, recent) = (traces.clone(), recent.clone());
            let metrics = watch.metrics().clone();
            spawn(boxed(async move { match traces::run(traces, recent, metrics).await {} }));
        }
        let file = config.audit_file.as_deref();
        let mut journal = file.map_or_else(|| Ok(Journal::default()), Journal::open)?;
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

type Boxed = std::pin::Pin<Box<dyn Future<Output = ()> + Send>>;

fn boxed(task: impl Future<Output = ()> + Send + 'static) -> Boxed {
    Box::pin(task)
}

/// A name that no other process has.
fn chain() -> Arc<str> {
    let parts = [getrandom::u64(), getrandom::u64()].map(Result::unwrap_or_default);
    let [high, low] = parts;
    format!("{high:016x}{low:016x}").into()
}
