//! Mixed requests for a while: no error, no value at the provider, no growth.
//!
//! `SOAK_SECONDS` says how long; without it, a few seconds show that it works.
//! `outage` lets the same users go on while Redis is gone.

use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

use crate::bed::{Bed, Client, Plan, Reply, Streamed};
use crate::messages::asking;
use crate::planted::{assert_unseen, find, prose};
use crate::provider::Seen;
use crate::provider::reply::compress;

pub(crate) const CLIENTS: u64 = 6;
/// Beside a quarter, memory may still grow by so many KiB after the first third:
/// the allocator's slack and a cache that is not yet full.
const SLACK: u64 = 48 << 10;
const JSON: (&str, &str) = ("content-type", "application/json");

/// The number behind this name in `/proc/PID/status`, in KiB.
fn resident(bed: &Bed) -> u64 {
    let masker = bed.masker.as_ref().expect("masker runs");
    masker.check_alive();
    let status = fs::read_to_string(format!("/proc/{}/status", masker.id())).expect("it runs");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("its memory");
    line.trim().trim_end_matches("kB").trim().parse().expect("a number")
}

/// One client, which sends one request after the other.
#[derive(Debug)]
pub(crate) struct User {
    client: Client,
    url: String,
    number: u64,
    sent: Arc<AtomicU64>,
}

impl User {
    pub(crate) fn new(bed: &Bed, number: u64, sent: &Arc<AtomicU64>) -> Self {
        let client = if number.is_multiple_of(2) { Client::default() } else { Client::http2() };
        Self { client, url: bed.url("/v1/messages"), number, sent: Arc::clone(sent) }
    }

    /// What never was in a request before.
    fn fresh(&self, round: u64) -> String {
        format!("i-0{:04x}{round:012x}", self.number + 0xa00)
    }

    /// One request; gives the value that it was the first to hold, if it was not refused.
    pub(crate) async fn round(&self, round: u64) -> Option<String> {
        let fresh = self.fresh(round);
        let text = format!("{}\nAnd {fresh}, please.", prose());
        match round % 8 {
            0 | 1 => self.ask(asking(&text), &text, None).await,
            2 | 3 => self.ask(stream(&text), &text, None).await,
            4 => self.ask(asking(&text), &text, Some("gzip")).await,
            5 => {
                // As long as a conversation gets.
                let long =
                    format!("{}{text}", "The quick brown fox is no identifier. ".repeat(5000));
                self.ask(asking(&long), &long, Some("zstd")).await;
            }
            6 => self.refused(&fresh).await,
            _ => self.gone(&text).await,
        }
        self.sent.fetch_add(1, Ordering::Relaxed);
        (round % 8 != 6).then_some(fresh)
    }

    async fn ask(&self, request: Value, text: &str, coding: Option<&'static str>) {
        let mut body = request.to_string().into_bytes();
        let mut headers = vec![JSON];
        if let Some(coding) = coding {
            body = compress(coding, &body).expect("compressed");
            headers.push(("content-encoding", coding));
        }
        let reply = self.client.send("POST", &self.url, &headers, body).await;
        assert_eq!((reply.status, reply.complete), (200, true), "{}", reply.text());
        assert!(answer(&request, &reply) == format!("I see: {text}"), "{}", reply.text());
    }

    async fn refused(&self, fresh: &str) {
        let body = [fresh.as_bytes(), b"\xff"].concat();
        for (media, status) in [("application/json", 400), ("image/png", 415)] {
            let headers = [("content-type", media)];
            let reply = self.client.send("POST", &self.url, &headers, body.clone()).await;
            assert_eq!(reply.status, status, "{}", reply.text());
            assert_eq!(find(&reply.body), None);
        }
    }

    /// Goes away when the answer begins.
    async fn gone(&self, text: &str) {
        let body = stream(text).to_string().into_bytes();
        let client = Client::default();
        let response = client.open("POST", &self.url, &[JSON], body).await;
        assert_eq!(response.expect("an answer").status(), 200);
    }
}

fn stream(text: &str) -> Value {
    let mut request = asking(text);
    request["stream"] = true.into();
    request
}

fn answer(request: &Value, reply: &Reply) -> String {
    if request["stream"] == true {
        return Streamed::read(&reply.text()).text;
    }
    reply.json()["content"][0]["text"].as_str().unwrap_or_default().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn mixed_requests_leave_nothing_behind() {
    let seconds = std::env::var("SOAK_SECONDS").map_or(4, |text| text.parse().expect("seconds"));
    let config = "[log]\nlevel = \"warn\"\n";
    let bed = Bed::start(Plan { redis: true, config, ..Plan::default() }).await;
    bed.script(json!({"piece": 7, "pings": true}));
    let begin = Instant::now();
    let end = begin + Duration::from_secs(seconds);
    let sent = Arc::new(AtomicU64::new(0));
    let mut users = JoinSet::new();
    for number in 0..CLIENTS {
        let user = User::new(&bed, number, &sent);
        users.spawn(async move {
            let mut round = number;
            while Instant::now() < end {
                user.round(round).await;
                round += 1;
            }
        });
    }
    let (mut warm, mut late, mut seen) = (0, 0, 0);
    while Instant::now() < end {
        sleep(Duration::from_millis(500)).await;
        seen += unseen(&bed);
        let (now, third) = (resident(&bed), begin.elapsed().as_secs() * 3 / seconds.max(1));
        if third == 0 {
            warm = warm.max(now)
        } else if third >= 2 {
            late = late.max(now)
        }
        if let Some(ended) = users.try_join_next() {
            ended.expect("no request fails");
        }
    }
    while let Some(ended) = users.join_next().await {
        ended.expect("no request fails");
    }
    for gauge in ["masker_exchanges", "masker_buffered_bytes", "masker_store_queue"] {
        bed.until_metric(gauge, "0").await;
    }
    seen += unseen(&bed);
    let log = String::from_utf8_lossy(&bed.logs()).into_owned();
    assert!(!log.contains("panicked"), "{log}");
    let sent = sent.load(Ordering::Relaxed);
    eprintln!(
        "{sent} requests in {seconds} s, {seen} at the provider; {warm} KiB, then {late} KiB"
    );
    assert!(sent >= CLIENTS && seen > 0);
    assert!(late <= warm + warm / 4 + SLACK, "memory grows: {warm} KiB, then {late} KiB");
}

/// How many requests the provider got since it was last asked: none shows a value.
fn unseen(bed: &Bed) -> usize {
    let seen = bed.seen();
    assert_clean(&seen);
    seen.len()
}

/// Neither a planted value nor a fresh one is in these.
pub(crate) fn assert_clean(seen: &[Seen]) {
    assert_unseen(seen);
    for request in seen {
        let fresh = memchr::memmem::find(&request.body, b"i-00a0");
        assert_eq!(fresh, None, "a fresh id is at the provider");
    }
}
