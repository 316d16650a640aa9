//! Events to channels of Redis, under the names and with the fields that the system before
//! masker had, for programs that listen there. Without `demo_data`: no text travels.

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::{Map, Value, json};
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::mpsc;
use tokio::time::{MissedTickBehavior, interval};

use crate::store::outlet::Outlet;
use crate::telemetry::labels::{Outcome, Told};
use crate::telemetry::recent::{Recent, Seen};
use crate::telemetry::timing::as_f64;
use crate::telemetry::watch::{News, Watch};

/// Events that wait for those that are being sent.
const WAITING: usize = 1024;
/// Events of one round trip.
const TOGETHER: usize = 100;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Channel {
    Masking,
    Unmasking,
    Security,
    Performance,
}

impl Channel {
    /// By the names of the configuration.
    pub const ALL: [(&'static str, Self); 4] = [
        ("masking", Self::Masking),
        ("unmasking", Self::Unmasking),
        ("security", Self::Security),
        ("performance", Self::Performance),
    ];

    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Masking => "aws-masker:events:masking",
            Self::Unmasking => "aws-masker:events:unmasking",
            Self::Security => "aws-masker:alerts:security",
            Self::Performance => "aws-masker:metrics:performance",
        }
    }
}

/// What is published, and how often the performance is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Events {
    pub channels: BTreeSet<Channel>,
    pub every: Duration,
}

type Message = (&'static str, String);

/// Publishes until it is dropped.
pub async fn run(outlet: Outlet, events: Events, watch: Watch, recent: Recent) -> Infallible {
    let (sender, mut waiting) = mpsc::channel::<Message>(WAITING);
    let counted = watch.metrics().events.clone();
    let count = |told: Told, events: usize| {
        counted.get_or_create(&told).inc_by(u64::try_from(events).unwrap_or_default());
    };
    let push = |channel: Channel, event: &dyn Fn() -> Value| {
        let wanted = events.channels.contains(&channel);
        if wanted && sender.try_send((channel.name(), event().to_string())).is_err() {
            count(Told::Dropped, 1);
        }
    };
    let deliver = async {
        loop {
            let mut batch = Vec::with_capacity(TOGETHER);
            waiting.recv_many(&mut batch, TOGETHER).await;
            let told = match outlet.publish(&batch).await {
                Ok(()) => Told::Sent,
                Err(error) => {
                    tracing::debug!(%error, "events were not published");
                    Told::Dropped
                }
            };
            count(told, batch.len());
        }
    };
    let missed = |missed: u64| count(Told::Dropped, usize::try_from(missed).unwrap_or_default());
    tokio::select! {
        never = exchanges(recent, &push, &missed) => never,
        never = alerts(&watch, &push, &missed) => never,
        never = performance(&watch, events.every, &push) => never,
        never = deliver => never,
    }
}

async fn exchanges(
    recent: Recent,
    push: &impl Fn(Channel, &dyn Fn() -> Value),
    missed: &impl Fn(u64),
) -> Infallible {
    let mut seen = recent.listen();
    loop {
        match seen.recv().await {
            Ok(seen) => {
                push(Channel::Masking, &|| masking(&seen));
                if seen.restored > 0 {
                    push(Channel::Unmasking, &|| unmasking(&seen));
                }
            }
            Err(RecvError::Lagged(count)) => missed(count),
            Err(RecvError::Closed) => return std::future::pending().await,
        }
    }
}

async fn alerts(
    watch: &Watch,
    push: &impl Fn(Channel, &dyn Fn() -> Value),
    missed: &impl Fn(u64),
) -> Infallible {
    let mut news = watch.listen();
    loop {
        match news.recv().await {
            Ok(News::Alert(alert)) => {
                let Ok(Value::Object(fields)) = serde_json::to_value(&alert) else { continue };
                push(Channel::Security, &|| {
                    event("security_alert", SystemTime::now(), fields.clone())
                });
            }
            Ok(News::Event(_)) => {}
            Err(RecvError::Lagged(count)) => missed(count),
            Err(RecvError::Closed) => return std::future::pending().await,
        }
    }
}

async fn performance(
    watch: &Watch,
    every: Duration,
    push: &impl Fn(Channel, &dyn Fn() -> Value),
) -> Infallible {
    let mut ticks = interval(every);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    ticks.tick().await;
    loop {
        ticks.tick().await;
        let last = watch.last(every);
        let requests = last.requests();
        let seconds = last.at.as_secs_f64().max(0.001);
        let failed = as_f64(last.outcome(Outcome::Failed)) / as_f64(requests.max(1));
        let fields = json!({
            "requests": requests,
            "requests_per_second": as_f64(requests) / seconds,
            "average_latency_ms": last.request.mean_ms(),
            "p95_latency_ms": last.request.percentile_ms(95),
            "p99_latency_ms": last.request.percentile_ms(99),
            "error_rate": failed * 100.0,
            "total_patterns_matched": last.findings,
        });
        if let Value::Object(fields) = fields {
            push(Channel::Performance, &|| {
                event("performance_metrics", SystemTime::now(), fields.clone())
            });
        }
    }
}

fn masking(seen: &Arc<Seen>) -> Value {
    let kinds: Map<_, _> =
        seen.kinds.iter().map(|own| (own.kind.to_string(), own.count.into())).collect();
    exchange(seen, "masking_applied", |fields| {
        fields.insert("total_patterns".into(), kinds.len().into());
        fields.insert("patterns_applied".into(), kinds.into());
        fields.insert("request_size_bytes".into(), seen.request_bytes.into());
        fields.insert("outcome".into(), seen.outcome.as_str().into());
    })
}

fn unmasking(seen: &Arc<Seen>) -> Value {
    exchange(seen, "unmasking_applied", |fields| {
        fields.insert("patterns_restored".into(), seen.restored.into());
        fields.insert("response_size_bytes".into(), seen.answer_bytes.into());
    })
}

fn exchange(seen: &Arc<Seen>, kind: &str, more: impl FnOnce(&mut Map<String, Value>)) -> Value {
    let took = seen.took.map(|took| took.as_secs_f64() * 1000.0);
    let success = matches!(seen.outcome, Outcome::Masked | Outcome::Empty | Outcome::Passed);
    let mut fields = Map::new();
    fields.insert("request_id".into(), seen.request_id.as_deref().into());
    fields.insert("success".into(), success.into());
    fields.insert("processing_time_ms".into(), took.into());
    more(&mut fields);
    event(kind, seen.at, fields)
}

/// What all events have.
fn event(kind: &str, at: SystemTime, mut fields: Map<String, Value>) -> Value {
    let millis = at.duration_since(UNIX_EPOCH).unwrap_or_default().as_millis();
    let millis = u64::try_from(millis).unwrap_or_default();
    let prefix = kind.split('_').next().unwrap_or_default();
    fields.insert("event_id".into(), Id(prefix, millis).to_string().into());
    fields.insert("event_type".into(), kind.into());
    fields.insert("timestamp".into(), millis.into());
    fields.insert("source".into(), "masker".into());
    fields.insert("version".into(), env!("CARGO_PKG_VERSION").into());
    Value::Object(fields)
}

/// The same event twice is as unlikely as it was before: five digits by chance.
struct Id<'a>(&'a str, u64);

impl fmt::Display for Id<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let chance = getrandom::u32().unwrap_or_default() % 90_000 + 10_000;
        write!(f, "{}_{}_{chance}", self.0, self.1)
    }
}
