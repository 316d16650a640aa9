//! Masker or Redis dies, freezes or hangs up: nothing unmasked gets through.

use std::time::Duration;

use http_body_util::BodyExt;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;

use crate::bed::{Bed, Plan, Reply, Signal, Streamed};
use crate::hang_up::{self, After, How};
use crate::messages::{asking, streaming};
use crate::planted::{assert_unseen, find, prose};
use crate::slow_proxy::SlowProxy;

/// Frozen programs are noticed within 7 s; the rest is for busy machines.
const NOTICED: Duration = Duration::from_secs(40);

#[track_caller]
fn assert_unavailable(reply: &Reply) {
    assert!(matches!(reply.status, 0 | 500 | 503), "{} {}", reply.status, reply.text());
    assert_eq!(find(&reply.body), None);
}

/// Sends a request whose second half follows after something happened.
async fn interrupted(bed: &Bed, happens: impl FnOnce()) -> String {
    let body = asking(&prose().repeat(2000)).to_string();
    let (first, second) = body.split_at(body.len() / 2);
    let mut stream = TcpStream::connect(("127.0.0.1", bed.port)).await.expect("Envoy listens");
    let head = format!(
        "POST /v1/messages HTTP/1.1\r\nhost: gateway\r\ncontent-type: application/json\r\nconnection: close\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).await.expect("the head is sent");
    stream.write_all(first.as_bytes()).await.expect("half of the body is sent");
    bed.until_exchanging().await;
    happens();
    // Envoy may have hung up already.
    let _sent = stream.write_all(second.as_bytes()).await;
    let mut answer = Vec::new();
    let _cut = timeout(NOTICED, stream.read_to_end(&mut answer)).await.expect("an end in time");
    String::from_utf8_lossy(&answer).into_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn masker_is_killed_or_frozen_during_a_request() {
    for signal in [Signal::Kill, Signal::Freeze] {
        let bed = Bed::usual().await;
        let masker = bed.masker.as_ref().expect("masker runs");
        let answer = interrupted(&bed, || masker.signal(signal)).await;
        let status = answer.split(' ').nth(1).unwrap_or_default();
        assert!(matches!(status, "" | "500" | "503"), "{signal:?}: {answer}");
        assert_eq!(find(answer.as_bytes()), None);
        assert_eq!(bed.seen().len(), 0, "{signal:?}");
        // And the requests after it.
        assert_unavailable(&bed.post("/v1/messages", &asking(&prose())).await);
        assert_eq!(bed.seen().len(), 0, "{signal:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn masker_is_killed_or_frozen_during_an_answer() {
    for signal in [Signal::Kill, Signal::Freeze] {
        let bed = Bed::usual().await;
        bed.script(json!({"piece": 2, "delay_ms": 20}));
        let headers = [("content-type", "application/json")];
        let body = streaming(&prose()).to_string().into_bytes();
        let response = bed.client.open("POST", &bed.url("/v1/messages"), &headers, body).await;
        let mut answer = response.expect("an answer").into_body();
        let (mut got, mut signaled) = (Vec::new(), false);
        while let Some(frame) = timeout(NOTICED, answer.frame()).await.expect("an end in time") {
            let Ok(frame) = frame else { break };
            got.extend(frame.into_data().unwrap_or_default());
            if got.len() > 2000 && !signaled {
                bed.masker.as_ref().expect("masker runs").signal(signal);
                signaled = true;
            }
        }
        assert!(signaled);
        let whole = String::from_utf8_lossy(&got);
        let whole = whole.rsplit_once("\n\n").map_or("", |(events, _)| events);
        let expected = format!("I see: {}", prose());
        let text = Streamed::read(whole).text;
        assert!(expected.starts_with(&text) && text.len() < expected.len(), "{text}");
        assert_unseen(&bed.seen());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_processor_that_hangs_up_or_panics_opens_no_gate() {
    for (after, how) in [After::Nothing, After::Headers, After::Body]
        .into_iter()
        .flat_map(|after| [How::Well, How::Panic, How::PanicBeside].map(|how| (after, how)))
    {
        let bed = Bed::start(Plan { no_masker: true, no_envoy: true, ..Plan::default() }).await;
        let listener = TcpListener::bind(("127.0.0.1", bed.masker_port)).await.expect("a port");
        tokio::spawn(hang_up::serve(listener, after, how));
        let bed = bed.with_envoy().await;
        for _ in 0..2 {
            let reply = bed.post("/v1/messages", &asking(&prose())).await;
            let case = format!("{after:?}, {how:?}: {}", reply.status);
            assert!(matches!(reply.status, 403 | 500 | 503), "{case}");
            assert_eq!(find(&reply.body), None, "{case}");
            assert_eq!(bed.seen().len(), 0, "{case}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn redis_is_killed_frozen_or_full() {
    for case in ["killed", "frozen", "full"] {
        let mut bed = Bed::start(Plan { redis: true, ..Plan::default() }).await;
        let expected = format!("I see: {}", prose());
        let check = async |bed: &Bed, what: &str| {
            for stream in [false, true] {
                let mut request = asking(&prose());
                request["stream"] = stream.into();
                let reply = bed.post("/v1/messages", &request).await;
                assert_eq!(reply.status, 200, "{case}, {what}: {}", reply.text());
                assert_eq!(answered(&reply, stream), expected, "{case}, {what}");
                let seen = bed.seen();
                assert_eq!(seen.len(), 1);
                assert_unseen(&seen);
            }
        };
        let redis = bed.redis.as_ref().expect("Redis runs");
        match case {
            "killed" => redis.signal(Signal::Kill),
            "frozen" => redis.signal(Signal::Freeze),
            _ => bed.redis_command("CONFIG SET maxmemory 1").await,
        }
        assert_eq!(bed.metric("masker_store_failures_total").await, "0", "{case}");
        // More than the breaker's failures in a row.
        for round in 0..4 {
            check(&bed, &format!("round {round}")).await;
        }
        let failures: u64 =
            bed.metric("masker_store_failures_total").await.parse().expect("a count");
        assert!(failures >= 4, "{case}: {failures}");
        match case {
            "killed" => {
                bed.redis = None;
                bed.start_redis().await;
            }
            "frozen" => bed.redis.as_ref().expect("Redis runs").signal(Signal::Thaw),
            _ => bed.redis_command("CONFIG SET maxmemory 0").await,
        }
        check(&bed, "after it").await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_redis_holds_up_and_harms_nothing() {
    let config = "[store]\ndeadline = \"2s\"\n[store.breaker]\nretry_every = \"1s\"\n";
    let plan = Plan { redis: true, config, no_masker: true, no_envoy: true, ..Plan::default() };
    let mut bed = Bed::start(plan).await;
    let slow = SlowProxy::start(bed.redis_port).await;
    bed.store = format!("redis://127.0.0.1:{}/0", slow.port);
    bed.start_masker(true).await;
    let bed = bed.with_envoy().await;
    // Within the deadline, beyond it, and after that as fast as ever.
    for (delay, within) in [(100, true), (5000, false), (0, true)] {
        slow.delay(Duration::from_millis(delay));
        let before = bed.metric("masker_store_failures_total").await;
        for round in 1..=2 {
            // A value that no store has seen, and the planted ones.
            let fresh = format!("i-0{delay:04}{round:012x}");
            let text = format!("{} See {fresh}.", prose());
            for stream in [false, true] {
                let mut request = asking(&text);
                request["stream"] = stream.into();
                let reply = bed.post("/v1/messages", &request).await;
                assert_eq!(reply.status, 200, "{delay} ms: {}", reply.text());
                assert_eq!(answered(&reply, stream), format!("I see: {text}"), "{delay} ms");
                let seen = bed.seen();
                assert_eq!(seen.len(), 1, "{delay} ms");
                assert_unseen(&seen);
                let body = String::from_utf8_lossy(&seen[0].body).into_owned();
                assert!(!body.contains(&fresh), "{delay} ms: {body}");
            }
        }
        let after = bed.metric("masker_store_failures_total").await;
        assert!(delay != 100 || after == "0", "{after} failures within the deadline");
        if within {
            // What could not be written in time is written now.
            bed.until_metric("masker_store_queue", "0").await;
            bed.until_metric("masker_mode", "0").await;
        } else {
            assert_ne!(after, before, "{delay} ms");
        }
    }
}

/// The text of an answer to [`asking`] or [`streaming`].
fn answered(reply: &Reply, stream: bool) -> String {
    if stream {
        return Streamed::read(&reply.text()).text;
    }
    reply.json()["content"][0]["text"].as_str().unwrap_or_default().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn masker_starts_without_redis() {
    let mut bed =
        Bed::start(Plan { redis: true, no_masker: true, no_envoy: true, ..Plan::default() }).await;
    bed.redis = None;
    bed.start_masker_store(true, "/livez").await;
    let bed = bed.with_envoy().await;
    let reply = bed.post("/v1/messages", &asking(&prose())).await;
    assert_eq!(reply.status, 200, "{}", reply.text());
    assert_eq!(reply.json()["content"][0]["text"], format!("I see: {}", prose()));
    assert_unseen(&bed.seen());
}

#[tokio::test(flavor = "multi_thread")]
async fn masker_that_is_told_to_stop_finishes_its_streams() {
    let config = "[shutdown]\nnotice = \"100ms\"\ndrain = \"20s\"\n";
    let mut bed = Bed::start(Plan { config, ..Plan::default() }).await;
    bed.script(json!({"piece": 4, "delay_ms": 20}));
    let headers = [("content-type", "application/json")];
    let body = streaming(&prose()).to_string().into_bytes();
    let response = bed.client.open("POST", &bed.url("/v1/messages"), &headers, body).await;
    let answer = response.expect("an answer").into_body();
    let mut masker = bed.masker.take().expect("masker runs");
    masker.signal(Signal::Terminate);
    let collected = timeout(NOTICED, answer.collect()).await.expect("an end in time");
    let got = collected.expect("a whole stream").to_bytes();
    let streamed = Streamed::read(&String::from_utf8_lossy(&got));
    assert_eq!(streamed.text, format!("I see: {}", prose()));
    assert_eq!(masker.ended(Duration::from_secs(25)).await, Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_that_breaks_off_is_a_broken_answer() {
    let bed = Bed::usual().await;
    let expected = format!("I see: {}", prose());
    for stream in [false, true] {
        bed.script(json!({"piece": 4, "abort_after": if stream { 40 } else { 1 }}));
        let mut request = asking(&prose());
        request["stream"] = stream.into();
        let reply = bed.post("/v1/messages", &request).await;
        assert!(!reply.complete || reply.status >= 500, "{}", reply.text());
        let text = reply.text();
        let whole = text.rsplit_once("\n\n").map_or("", |(events, _)| events);
        assert!(expected.starts_with(&Streamed::read(whole).text));
        assert_unseen(&bed.seen());
    }
    bed.until_metric("masker_requests_total{outcome=\"cut\"}", "2").await;
    assert_eq!(bed.metric("masker_requests_total{outcome=\"masked\"}").await, "0");
}
