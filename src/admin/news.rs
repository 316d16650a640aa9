//! What happens, as a stream of the API, and health as gRPC knows it.

use std::pin::Pin;
use std::time::Duration;

use futures_util::stream;
use futures_util::stream::Stream;
use tokio::sync::OwnedSemaphorePermit;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use tokio::time;
use tonic::Status;
use tonic_health::ServingStatus;
use tonic_health::server::HealthReporter;

use crate::admin::Control;
use crate::admin::proto;
use crate::admin::proto::watch_events_response;
use crate::telemetry::watch::Alert;
use crate::telemetry::watch::Event;
use crate::telemetry::watch::News;

/// How soon health says what `/readyz` says.
const EVERY: Duration = Duration::from_secs(1);
const SERVICE: &str = "masker.v1.Masker";

pub(super) type Events =
    Pin<Box<dyn Stream<Item = Result<proto::WatchEventsResponse, Status>> + Send>>;

/// Until the process ends or nobody listens any more. Who is too slow misses the oldest.
pub(super) fn events(news: Receiver<News>, place: OwnedSemaphorePermit) -> Events {
    Box::pin(stream::unfold((news, place), async |(mut news, place)| {
        loop {
            match news.recv().await {
                Ok(own) => return Some((Ok(own.into()), (news, place))),
                Err(RecvError::Lagged(_)) => {}
                Err(RecvError::Closed) => return None,
            }
        }
    }))
}

impl From<News> for proto::WatchEventsResponse {
    fn from(news: News) -> Self {
        let news = match news {
            News::Event(Event { id, timestamp, kind, severity, message }) => {
                let (kind, severity) = (kind.to_owned(), severity.to_owned());
                let time = timestamp;
                watch_events_response::News::Event(proto::Event {
                    id,
                    time,
                    kind,
                    severity,
                    message,
                })
            }
            News::Alert(Alert { id, timestamp, severity, kind, message, active, .. }) => {
                let (kind, severity) = (kind.to_owned(), severity.to_owned());
                let time = timestamp;
                watch_events_response::News::Alert(proto::Alert {
                    id,
                    time,
                    kind,
                    severity,
                    message,
                    active,
                })
            }
        };
        Self { news: Some(news) }
    }
}

/// Tells what `/readyz` tells, for the process and for the API, until it is dropped. `told` is
/// what was told last.
pub(super) async fn health(reporter: HealthReporter, control: Control, mut told: ServingStatus) {
    let mut ticks = time::interval(EVERY);
    ticks.set_missed_tick_behavior(time::MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        told = tell(&reporter, &control, Some(told)).await;
    }
}

/// Tells it once, and what it was; not again what was told before.
pub(super) async fn tell(
    reporter: &HealthReporter,
    control: &Control,
    told: Option<ServingStatus>,
) -> ServingStatus {
    let ready = (control.readiness)().is_empty();
    let status = if ready { ServingStatus::Serving } else { ServingStatus::NotServing };
    // Who watches is sent whatever is set.
    if told != Some(status) {
        for name in ["", SERVICE] {
            reporter.set_service_status(name, status).await;
        }
    }
    status
}
