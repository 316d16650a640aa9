//! Traces to a collector: OTLP over HTTP in JSON, a span for each exchange and one in it for
//! masking. Names and numbers of what was counted, never a value.

use std::convert::Infallible;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use serde_json::{Value, json};
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::mpsc;
use tokio::time::sleep;

use crate::outward::http::Target;
use crate::telemetry::labels::{Outcome, Told};
use crate::telemetry::recent::{Recent, Seen};
use crate::telemetry::{Metrics, trace::Trace};

/// Exchanges that wait for those that are being sent.
const WAITING: usize = 2048;
/// Exchanges of one request to the collector.
const TOGETHER: usize = 512;
/// Between two of them.
const PAUSE: Duration = Duration::from_secs(2);

/// Where to, and how many of a hundred exchanges whose client does not say it itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Traces {
    pub target: Target,
    pub percent: u32,
}

/// Sends until it is dropped.
pub async fn run(traces: Traces, recent: Recent, metrics: Metrics) -> Infallible {
    let (sender, mut waiting) = mpsc::channel::<[Value; 2]>(WAITING);
    let count = |told: Told, exchanges: usize| {
        let exchanges = u64::try_from(exchanges).unwrap_or_default();
        metrics.traces.get_or_create(&told).inc_by(exchanges);
    };
    let collect = async {
        let mut seen = recent.listen();
        loop {
            match seen.recv().await {
                Ok(seen) => {
                    if let Some(trace) = wanted(&seen, traces.percent)
                        && sender.try_send(spans(&seen, &trace)).is_err()
                    {
                        count(Told::Dropped, 1);
                    }
                }
                Err(RecvError::Lagged(missed)) => {
                    count(Told::Dropped, usize::try_from(missed).unwrap_or_default());
                }
                Err(RecvError::Closed) => return std::future::pending().await,
            }
        }
    };
    let deliver = async {
        loop {
            let mut batch = Vec::new();
            waiting.recv_many(&mut batch, TOGETHER).await;
            let exchanges = batch.len();
            let body = Bytes::from(request(batch.as_flattened()).to_string());
            let told = match traces.target.post(body).await {
                Ok(()) => Told::Sent,
                Err(error) => {
                    tracing::debug!(host = traces.target.host(), %error, "traces were not sent");
                    Told::Dropped
                }
            };
            count(told, exchanges);
            // Where more waits than goes at once, it goes on.
            if exchanges < TOGETHER || told == Told::Dropped {
                sleep(PAUSE).await;
            }
        }
    };
    tokio::select! {
        never = collect => never,
        never = deliver => never,
    }
}

/// The trace to which an exchange belongs: its client's, if it wants one; else perhaps a new one.
fn wanted(seen: &Seen, percent: u32) -> Option<Trace> {
    match &seen.trace {
        Some(trace) => trace.sampled.then(|| trace.clone()),
        None => {
            if getrandom::u32().unwrap_or_default() % 100 >= percent {
                return None;
            }
            let ids = [getrandom::u64().ok()?, getrandom::u64().ok()?];
            let id = format!("{:016x}{:016x}", ids[0], ids[1]);
            Some(Trace { id: id.into(), parent: "".into(), sampled: true })
        }
    }
}

/// The exchange, and masking in it.
fn spans(seen: &Seen, trace: &Trace) -> [Value; 2] {
    let began = seen.at.checked_sub(seen.lasted).unwrap_or(seen.at);
    let exchange = span_id();
    let failed = matches!(seen.outcome, Outcome::Failed);
    let masked: u64 = seen.kinds.iter().map(|own| own.count).sum();
    let mut attributes = vec![
        text("masker.outcome", seen.outcome.as_str()),
        number("masker.request_bytes", seen.request_bytes),
        number("masker.answer_bytes", seen.answer_bytes),
        number("masker.masked", masked),
        number("masker.restored", seen.restored),
    ];
    attributes.extend(seen.code.map(|code| text("masker.code", code)));
    attributes.extend(seen.request_id.as_deref().map(|id| text("masker.request_id", id)));
    let whole = json!({
        "traceId": trace.id, "spanId": exchange, "parentSpanId": trace.parent,
        "name": "exchange", "kind": 2,
        "startTimeUnixNano": nanos(began), "endTimeUnixNano": nanos(seen.at),
        "attributes": attributes, "status": {"code": if failed { 2 } else { 0 }},
    });
    let from = began + seen.read;
    let until = from + seen.took.unwrap_or_default();
    let mask = json!({
        "traceId": trace.id, "spanId": span_id(), "parentSpanId": exchange,
        "name": "mask", "kind": 1,
        "startTimeUnixNano": nanos(from), "endTimeUnixNano": nanos(until),
        "attributes": [number("masker.masked", masked)], "status": {"code": 0},
    });
    [whole, mask]
}

fn request(spans: &[Value]) -> Value {
    let resource =
        [text("service.name", "masker"), text("service.version", env!("CARGO_PKG_VERSION"))];
    json!({"resourceSpans": [{
        "resource": {"attributes": resource},
        "scopeSpans": [{"scope": {"name": "masker"}, "spans": spans}],
    }]})
}

fn span_id() -> String {
    format!("{:016x}", getrandom::u64().unwrap_or(1).max(1))
}

fn text(key: &str, value: &str) -> Value {
    json!({"key": key, "value": {"stringValue": value}})
}

/// Numbers of 64 bits are texts in the JSON of protobuf.
fn number(key: &str, value: u64) -> Value {
    json!({"key": key, "value": {"intValue": value.to_string()}})
}

fn nanos(at: SystemTime) -> String {
    at.duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_decides_whether_its_trace_goes_on() {
        let trace = |sampled| Trace { id: "a".into(), parent: "b".into(), sampled };
        let seen = |trace| Seen { trace, ..Seen::default() };
        assert_eq!(wanted(&seen(Some(trace(true))), 0), Some(trace(true)));
        assert_eq!(wanted(&seen(Some(trace(false))), 100), None);
        assert_eq!(wanted(&seen(None), 0), None);
        let own = wanted(&seen(None), 100).unwrap();
        assert_eq!((own.id.len(), own.parent.len()), (32, 0));
    }
}
