//! Redis goes away under load: no request fails, no value leaves, and what was
//! masked meanwhile is stored afterwards.
//!
//! `OUTAGE_SECONDS` says how long it is gone; without it, two seconds. `make soak`
//! takes a minute.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use serde_json::json;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

use crate::bed::{Bed, Plan, Signal};
use crate::provider::Seen;
use crate::soak::{CLIENTS, User, assert_clean};

/// More than the users send in the longest outage that is tried, and bounded.
const QUEUE: u64 = 50_000;
const CONFIG: &str = "[log]\nlevel = \"warn\"\n[store]\nqueue_entries = 50_000\n\
                      [store.breaker]\nretry_every = \"2s\"\n";
const PLACEHOLDER: &str = "AWS_EC2_";
const TAG: usize = 12;
/// Placeholders in one batch that is restored.
const SHARE: usize = 500;

/// The users, until `stop` says so; each gives what it was the first to send.
fn load(bed: &Bed, sent: &Arc<AtomicU64>, stop: &Arc<AtomicBool>) -> Users {
    let mut users = JoinSet::new();
    for number in 0..CLIENTS {
        let (user, stop) = (User::new(bed, number, sent), Arc::clone(stop));
        users.spawn(async move {
            let mut fresh = BTreeSet::new();
            let mut round = number;
            while !stop.load(Ordering::Relaxed) {
                fresh.extend(user.round(round).await);
                round += 1;
            }
            fresh
        });
    }
    users
}

type Users = JoinSet<BTreeSet<String>>;

/// Waits for so many more requests.
async fn until_sent(sent: &AtomicU64, more: u64, users: &mut Users) {
    let enough = sent.load(Ordering::Relaxed) + more;
    while sent.load(Ordering::Relaxed) < enough {
        sleep(Duration::from_millis(20)).await;
        none_failed(users);
    }
}

fn none_failed(users: &mut Users) {
    if let Some(ended) = users.try_join_next() {
        ended.expect("no request fails");
    }
}

/// What the provider was shown instead of values.
pub(crate) fn placeholders(seen: &[Seen], into: &mut BTreeSet<String>) {
    for request in seen {
        for at in memchr::memmem::find_iter(&request.body, PLACEHOLDER) {
            let found = request.body.get(at..at + PLACEHOLDER.len() + TAG).unwrap_or_default();
            into.insert(String::from_utf8_lossy(found).into_owned());
        }
    }
}

/// What a masker that has seen nothing makes of these: the results of a batch are
/// restored from the store alone.
pub(crate) async fn restored(bed: &Bed, placeholders: &BTreeSet<String>) -> String {
    let replica = bed.replica("").await;
    let names: Vec<&str> = placeholders.iter().map(String::as_str).collect();
    let mut text = String::new();
    for share in names.chunks(SHARE) {
        let asked = crate::messages::asking(&share.join(" "));
        let batch = json!({"requests": [{"custom_id": "all", "params": asked}]});
        // Past Envoy: the provider is told what it was shown before.
        let url = format!("http://127.0.0.1:{}/v1/messages/batches", bed.provider_port);
        let headers = [("content-type", "application/json")];
        let told = bed.client.send("POST", &url, &headers, batch.to_string().into_bytes()).await;
        assert_eq!(told.status, 200, "{}", told.text());
        let url = replica.url("/v1/messages/batches/msgbatch_1/results");
        let reply = replica.client.get(&url).await;
        assert_eq!(reply.status, 200, "{}", reply.text());
        text.push_str(&reply.text());
    }
    text
}

async fn count(bed: &Bed, name: &str) -> u64 {
    bed.metric(name).await.parse().expect("a count")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_while_without_redis_fails_nobody_and_loses_nothing() {
    let seconds = std::env::var("OUTAGE_SECONDS").map_or(2, |text| text.parse().expect("seconds"));
    let mut bed = Bed::start(Plan { redis: true, config: CONFIG, ..Plan::default() }).await;
    bed.script(json!({"piece": 7, "pings": true}));
    let (sent, stop) = (Arc::default(), Arc::default());
    let mut users = load(&bed, &sent, &stop);
    let mut known = BTreeSet::new();
    until_sent(&sent, CLIENTS, &mut users).await;

    bed.redis.take().expect("Redis runs").signal(Signal::Kill);
    let before = sent.load(Ordering::Relaxed);
    let (begin, mut longest) = (Instant::now(), 0);
    while begin.elapsed() < Duration::from_secs(seconds) || longest == 0 {
        assert!(begin.elapsed() < Duration::from_secs(seconds + 60), "nothing waits for Redis");
        sleep(Duration::from_millis(200)).await;
        let seen = bed.seen();
        assert_clean(&seen);
        placeholders(&seen, &mut known);
        longest = longest.max(count(&bed, "masker_store_queue").await);
        none_failed(&mut users);
    }
    until_sent(&sent, 1, &mut users).await;
    let meanwhile = sent.load(Ordering::Relaxed) - before;
    assert_eq!(bed.metric("masker_mode").await, "1", "degraded");
    bed.start_redis().await;
    bed.until_metric("masker_mode", "0").await;
    until_sent(&sent, CLIENTS, &mut users).await;

    stop.store(true, Ordering::Relaxed);
    let mut fresh = BTreeSet::new();
    while let Some(ended) = users.join_next().await {
        fresh.extend(ended.expect("no request fails"));
    }
    bed.until_metric("masker_exchanges", "0").await;
    bed.until_metric("masker_store_queue", "0").await;
    let seen = bed.seen();
    assert_clean(&seen);
    placeholders(&seen, &mut known);
    assert_eq!(count(&bed, "masker_store_dropped_total").await, 0);
    assert!((1..=QUEUE).contains(&longest), "{longest} waited");
    let text = restored(&bed, &known).await;
    let lost: Vec<_> = fresh.iter().filter(|value| !text.contains(value.as_str())).collect();
    assert!(lost.is_empty(), "{} of {} are not stored: {lost:?}", lost.len(), fresh.len());
    eprintln!(
        "{meanwhile} requests in {seconds} s without Redis, {longest} mappings waited, {} stored",
        fresh.len()
    );
}
