//! Streamed answers: how long the first text takes, and each event on its way.
//!
//! The provider is a task of this program, so that one clock tells when an event was sent
//! and when it came. It sends one event each few milliseconds, as a model does, and names
//! the instance that the request asks for in the middle of its text.

use std::sync::{Arc, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

use crate::load;
use crate::rig::Rig;
use crate::upstream::{self, EVENTS, NUMBER, Sent};
use crate::{Outcome, Row};

/// How many streams at once, and how they are judged.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plan {
    pub(crate) name: &'static str,
    streams: u32,
    events: usize,
    /// Of all streams' slowest, rather than of their medians.
    crowd: bool,
}

pub(crate) const PLANS: [Plan; 2] = [
    Plan { name: "4 streams", streams: 4, events: 120, crowd: false },
    Plan { name: "100 streams", streams: 100, events: 60, crowd: true },
];

impl Plan {
    /// What is judged, and how many times the no-op's it may be.
    pub(crate) fn bars(self) -> Vec<(Row<Sample>, f64)> {
        let [first, event, slow_first, slow_event, _, _] = ROWS;
        if self.crowd {
            vec![(slow_first, 1.3), (slow_event, 1.3)]
        } else {
            vec![(first, 1.15), (event, 1.15)]
        }
    }
}

/// One round, in microseconds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sample {
    first: [f64; 2],
    event: [f64; 2],
    /// Of CPU, for an event.
    cpu: [f64; 2],
}

pub(crate) const ROWS: [Row<Sample>; 6] = [
    ("first text, us, p50", |sample| sample.first[0]),
    ("delay of an event, p50", |sample| sample.event[0]),
    ("first text, us, p99", |sample| sample.first[1]),
    ("delay of an event, p99", |sample| sample.event[1]),
    ("CPU of an event, Envoy", |sample| sample.cpu[0]),
    ("  processor", |sample| sample.cpu[1]),
];

/// The provider, on a port of its own.
#[derive(Debug)]
pub(crate) struct Upstream {
    pub(crate) address: String,
    sent: Sent,
}

impl Upstream {
    pub(crate) async fn start() -> Outcome<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?.to_string();
        let sent = Sent::default();
        tokio::spawn(upstream::serve(listener, Arc::clone(&sent)));
        Ok(Self { address, sent })
    }

    fn sent(&self, number: &str) -> Vec<Instant> {
        let mut all = self.sent.lock().unwrap_or_else(PoisonError::into_inner);
        all.remove(number).unwrap_or_default()
    }
}

/// Some streams at once through a rig.
pub(crate) async fn round(
    rig: &Rig,
    upstream: &Upstream,
    plan: Plan,
    round: usize,
) -> Outcome<Sample> {
    let used = rig.cpu()?;
    let mut streams = JoinSet::new();
    for stream in 0..plan.streams {
        let (url, number) = (rig.url.clone(), format!("{round}-{stream}-{}", rig.url));
        streams.spawn(async move {
            // They do not all begin at once.
            sleep(Duration::from_millis(2) * stream).await;
            let came = stream_of(&url, &number, plan.events).await;
            (number, came.map_err(|error| error.to_string()))
        });
    }
    let (mut firsts, mut delays) = (Vec::new(), Vec::new());
    while let Some(ended) = streams.join_next().await {
        let (number, came) = ended?;
        let (began, came) = came?;
        let sent = upstream.sent(&number);
        if came.len() != sent.len() {
            return Err(format!("{} events of {} came", came.len(), sent.len()).into());
        }
        firsts.extend(came.first().map(|first| micros(*first - began)));
        delays.extend(came.iter().zip(&sent).map(|(came, sent)| micros(*came - *sent)));
    }
    let events = f64::from(u32::try_from(delays.len())?);
    let spent = rig.cpu()?;
    let cpu = [(spent[0] - used[0]) / events, (spent[1] - used[1]) / events];
    Ok(Sample { first: shares(firsts), event: shares(delays), cpu })
}

/// Half of the values are not above the first, and 99 of 100 not above the second.
fn shares(mut values: Vec<f64>) -> [f64; 2] {
    values.sort_by(f64::total_cmp);
    [50, 99].map(|part| values.get(values.len() * part / 100).copied().unwrap_or(f64::NAN))
}

fn micros(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
}

/// When the request went out, and when each event was whole.
async fn stream_of(url: &str, number: &str, events: usize) -> Outcome<(Instant, Vec<Instant>)> {
    let body = Bytes::from(
        "{\"model\":\"claude-sonnet-5-5\",\"max_tokens\":100,\"stream\":true,\"messages\":\
         [{\"role\":\"user\",\"content\":\"Why does i-0abc1234def567890 fail?\"}]}",
    );
    let request = load::post(url, &body)
        .header(NUMBER, number)
        .header(EVENTS, events)
        .body(Full::new(body))?;
    let began = Instant::now();
    let mut answer = load::client().request(request).await?;
    if !answer.status().is_success() {
        return Err(answer.status().to_string().into());
    }
    let (mut came, mut ends) = (Vec::new(), 0);
    while let Some(frame) = answer.frame().await {
        let frame = frame?;
        let now = Instant::now();
        for &byte in frame.data_ref().map(AsRef::as_ref).unwrap_or_default() {
            // Two line ends in a row.
            ends = if byte == b'\n' { ends + 1 } else { 0 };
            if ends == 2 {
                came.push(now);
            }
        }
    }
    Ok((began, came))
}
