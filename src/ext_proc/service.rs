//! The gRPC service: drives one exchange per stream.
//!
//! Envoy carries on *without* the processor when a stream ends with status OK,
//! even with `failure_mode_allow: false`. So every stream ends with an error,
//! also when the task that drives it panics and its channel just closes.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use tokio::sync::mpsc;
use tokio::sync::mpsc::error::TrySendError;
use tokio::time::{Instant, sleep_until, timeout};
use tokio_stream::adapters::Chain;
use tokio_stream::wrappers::ReceiverStream;
use tokio_stream::{Once, StreamExt as _};
use tokio_util::sync::CancellationToken;
use tonic::{Status, Streaming};

use crate::ext_proc::aside::Aside;
use crate::ext_proc::exchange::{Exchange, Input, Needs, Output, Provided};
use crate::ext_proc::gate::Gate;
use crate::ext_proc::queue::Queue;
use crate::ext_proc::record;
use crate::ext_proc::refuse::Reason;
use crate::ext_proc::request::{Job, Worked};
use crate::ext_proc::settings::Settings;
use crate::store::{self, Store, Wants};
use crate::telemetry::{Metrics, Recent};

/// Answers that wait for Envoy, each at most 64 KiB.
const ANSWERS: usize = 8;

/// The settings in use. An exchange takes them when it begins and keeps them.
pub type Shared = Arc<ArcSwap<Settings>>;

/// The external processor.
#[derive(Debug)]
pub struct Service {
    pub settings: Shared,
    pub store: Store,
    pub gate: Gate,
    pub metrics: Metrics,
    pub recent: Recent,
    /// How long Envoy may take to accept an answer.
    pub send_time: Duration,
    /// Ends every stream, with an error.
    pub stop: CancellationToken,
}

type Answer = Result<Output, Status>;
type Answering = mpsc::Sender<Answer>;
/// What Envoy is answered, and the error at its end.
pub(super) type Answers = Chain<ReceiverStream<Answer>, Once<Answer>>;

/// Why a stream ends before Envoy ends it.
enum Broken {
    /// With this error.
    Status(Status),
    /// Envoy has gone.
    Gone,
}

impl Service {
    /// Begins an exchange.
    pub(super) fn begin(self: &Arc<Self>, messages: Streaming<Option<Input>>) -> Answers {
        let (answers, receiver) = mpsc::channel(ANSWERS);
        let (service, queue) = (Arc::clone(self), Queue::new(messages));
        // Boxed: it is large, and moved several times until it runs.
        tokio::spawn(Box::pin(service.drive(queue, answers)));
        let end = Err(Status::aborted("the masking stream ended"));
        ReceiverStream::new(receiver).chain(tokio_stream::once(end))
    }

    async fn drive(self: Arc<Self>, mut queue: Queue, answers: Answering) {
        self.metrics.exchanges.inc();
        let begun = Instant::now();
        let settings = self.settings.load_full();
        let mut exchange = Exchange::new(Arc::clone(&settings));
        let mut aside = Aside::of(self.gate.view());
        let run = async {
            match &mut aside {
                Some(aside) => self.run_aside(aside, &mut queue, &answers).await,
                None => self.run(&settings, &mut exchange, &mut queue, &answers).await,
            }
        };
        let ended = tokio::select! {
            ended = run => ended,
            () = self.stop.cancelled() => Err(Broken::Status(Status::unavailable("shutting down"))),
        };
        exchange.end();
        self.metrics.exchanges.dec();
        let tally = aside.as_mut().map_or(&mut exchange.tally, |aside| &mut aside.tally);
        tally.lasted = begun.elapsed();
        let tally = aside.as_ref().map_or(&exchange.tally, |aside| &aside.tally);
        let catalog = &exchange.settings().masker.catalog;
        record::exchange(tally, catalog, &self.metrics);
        self.recent.push(record::seen(tally, catalog));
        if let Err(Broken::Status(status)) = ended {
            tracing::warn!(reason = status.message(), "an exchange was cut off");
            // Envoy may be gone too; the stream ends with an error either way.
            drop(answers.try_send(Err(status)));
        }
    }

    async fn run(
        &self,
        settings: &Settings,
        exchange: &mut Exchange,
        queue: &mut Queue,
        answers: &Answering,
    ) -> Result<(), Broken> {
        let begun = Instant::now();
        let deadline = begun + settings.limits.body_time;
        let mut late = pin!(sleep_until(deadline));
        loop {
            tokio::select! {
                // Most bodies are there already: no timer is set for them.
                biased;
                message = queue.next() => {
                    // The end of Envoy's side is the normal end of an exchange.
                    let Some(message) = message else { return Ok(()) };
                    if let Some(input) = message {
                        exchange.tally.input(&input);
                        let done = exchange.input(input);
                        done.map_err(|error| Broken::Status(Status::internal(error.to_string())))?;
                    }
                }
                () = &mut late, if exchange.is_collecting() => {}
            }
            if exchange.is_collecting() && Instant::now() >= deadline {
                exchange.expire();
            }
            let mut whole = None;
            loop {
                if let Some(job) = exchange.job() {
                    whole.get_or_insert_with(Instant::now);
                    let worked = queue.during(self.mask(job, settings.limits.slice)).await;
                    exchange.masked(worked);
                } else if let Some(needs) = exchange.needs() {
                    let provided = queue.during(self.fetch(needs)).await;
                    exchange.provide(provided);
                } else {
                    break;
                }
            }
            while let Some(output) = exchange.output() {
                self.send(output, queue, answers).await?;
            }
            if let Some(whole) = whole {
                let took = whole.elapsed();
                exchange.tally.took = Some(took);
                exchange.tally.read = whole.duration_since(begun);
                self.metrics.request_seconds.observe(took);
            }
        }
    }

    /// An exchange that is not masked.
    async fn run_aside(
        &self,
        aside: &mut Aside,
        queue: &mut Queue,
        answers: &Answering,
    ) -> Result<(), Broken> {
        while let Some(message) = queue.next().await {
            if let Some(input) = message {
                aside.tally.input(&input);
                aside.input(input);
            }
            while let Some(output) = aside.output() {
                self.send(output, queue, answers).await?;
            }
        }
        Ok(())
    }

    async fn send(
        &self,
        output: Output,
        queue: &mut Queue,
        answers: &Answering,
    ) -> Result<(), Broken> {
        let answer = match answers.try_send(Ok(output)) {
            Ok(()) => return Ok(()),
            Err(TrySendError::Closed(_)) => return Err(Broken::Gone),
            Err(TrySendError::Full(answer)) => answer,
        };
        match queue.during(timeout(self.send_time, answers.send(answer))).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) => Err(Broken::Gone),
            Err(_) => {
                let status = Status::deadline_exceeded("envoy does not read answers");
                Err(Broken::Status(status))
            }
        }
    }

    /// Masks here, or, if the body is long, where it holds up nobody.
    async fn mask(&self, job: Job, slice: usize) -> Result<Worked, Reason> {
        let mark = self.gate.mark(job.head.scope.tenant(), job.bytes());
        self.gate.admit(mark)?;
        let start = Instant::now();
        let result = if job.len() > slice {
            tokio::task::spawn_blocking(move || job.run()).await.map_err(|_| ())
        } else {
            catch_unwind(AssertUnwindSafe(|| job.run())).map_err(|_| ())
        };
        self.metrics.mask_seconds.observe(start.elapsed());
        let result = result.unwrap_or(Err(Reason::Internal));
        if matches!(result, Err(Reason::Internal)) {
            self.gate.failed(mark);
        }
        result
    }

    async fn fetch(&self, needs: Needs) -> Result<Provided, Reason> {
        let start = Instant::now();
        let Needs { scope, save, reveal, records, lasting } = needs;
        let wants = Wants { save, reveal, records, lasting };
        let answer = self.store.fetch(&scope, wants).await;
        self.metrics.store_seconds.observe(start.elapsed());
        match answer {
            Ok(store::Answer { revealed, records, degraded }) => {
                Ok(Provided { revealed, records, degraded })
            }
            Err(error) => {
                tracing::error!(%error, "the store refused a request's mappings");
                Err(Reason::Internal)
            }
        }
    }
}
