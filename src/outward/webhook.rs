//! Alerts to a webhook, for those without Prometheus.

use std::convert::Infallible;
use std::time::Duration;

use bytes::Bytes;
use serde::Serialize;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::mpsc;
use tokio::time::sleep;

use crate::outward::Backoff;
use crate::outward::http::Target;
use crate::telemetry::Watch;
use crate::telemetry::labels::Told;
use crate::telemetry::watch::{Alert, News};

/// Alerts that wait for one that is being sent.
const WAITING: usize = 64;
/// Attempts for one alert: about two minutes.
const ATTEMPTS: u32 = 7;
const FIRST: Duration = Duration::from_secs(1);
const MOST: Duration = Duration::from_secs(60);

/// What is sent. `text` is what Slack and those like it show.
#[derive(Debug, Serialize)]
struct Message<'a> {
    source: &'static str,
    version: &'static str,
    text: String,
    alert: &'a Alert,
}

/// Sends every alert that begins or ends, until it is dropped.
pub async fn run(watch: Watch, target: Target) -> Infallible {
    let (sender, mut waiting) = mpsc::channel(WAITING);
    let counted = watch.metrics().webhook.clone();
    let count = |told: Told| {
        counted.get_or_create(&told).inc();
    };
    let collect = async {
        let mut news = watch.listen();
        loop {
            match news.recv().await {
                Ok(News::Alert(alert)) => {
                    if sender.try_send(alert).is_err() {
                        count(Told::Dropped);
                    }
                }
                Ok(News::Event(_)) => {}
                Err(RecvError::Lagged(missed)) => {
                    tracing::warn!(missed, "alerts or events came faster than the webhook hears");
                }
                // The watch, which this holds, is the sender.
                Err(RecvError::Closed) => std::future::pending().await,
            }
        }
    };
    let deliver = async {
        loop {
            match waiting.recv().await {
                Some(alert) => count(send(&target, &alert).await),
                None => std::future::pending().await,
            }
        }
    };
    tokio::select! {
        never = collect => never,
        never = deliver => never,
    }
}

async fn send(target: &Target, alert: &Alert) -> Told {
    let Ok(body) = serde_json::to_vec(&message(alert)).map(Bytes::from) else {
        return Told::Dropped;
    };
    let mut backoff = Backoff::new(FIRST, MOST);
    for attempt in 1..=ATTEMPTS {
        match target.post(body.clone()).await {
            Ok(()) => return Told::Sent,
            Err(error) if attempt < ATTEMPTS && error.passes() => {
                tracing::debug!(host = target.host(), %error, attempt, "the webhook is tried again");
                sleep(backoff.pause()).await;
            }
            Err(error) => {
                tracing::warn!(host = target.host(), %error, id = alert.id, "the webhook was not told");
                return Told::Dropped;
            }
        }
    }
    Told::Dropped
}

fn message(alert: &Alert) -> Message<'_> {
    let state = if alert.active { alert.severity } else { "RESOLVED" };
    let text = format!("masker: {state} {}: {}", alert.kind, alert.message);
    Message { source: "masker", version: env!("CARGO_PKG_VERSION"), text, alert }
}
