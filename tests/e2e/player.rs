//! A client that plays Envoy, and one that plays it wrongly. Whatever happens,
//! the stream never ends with OK: Envoy would go on without masker.

use crate::bed::{Bed, Plan};
use crate::planted::{find, prose};
use crate::stage::{End, Exchange, Play};

use Play::{Body, Close, Headers, Reply, ReplyBody, ReplyTrailers, Trailers};

async fn masker() -> Bed {
    Bed::start(Plan { no_envoy: true, ..Plan::default() }).await
}

fn body() -> Vec<u8> {
    crate::messages::asking(&prose()).to_string().into_bytes()
}

fn split(size: usize) -> Vec<Play> {
    let whole = body();
    let mut plays: Vec<Play> = vec![Headers];
    plays.extend(whole.chunks(size).map(|chunk| Body(chunk.to_vec(), false)));
    plays.push(Body(Vec::new(), true));
    plays
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_answered_before_the_whole_body_is_there() {
    let bed = masker().await;
    let mut exchange = Exchange::open(&bed).await;
    exchange.play(&Headers).await;
    let whole = body();
    let (most, last) = whole.split_at(whole.len() - 1);
    for chunk in most.chunks(100) {
        exchange.play(&Body(chunk.to_vec(), false)).await;
    }
    exchange.assert_silent().await;
    exchange.play(&Body(last.to_vec(), true)).await;
    let masked = exchange.request().await;
    assert_eq!(find(&masked.body), None);
    assert!(masked.ok, "masker.ok comes with the held headers");
    assert!(masked.largest <= 64 << 10);
    assert!(
        masked.set.contains(&("accept-encoding".into(), "identity".into())),
        "{:?}",
        masked.set
    );
    assert!(masked.removed.iter().any(|name| name == "x-masker-tenant"), "{:?}", masked.removed);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_split_of_a_body_gives_the_same() {
    let bed = masker().await;
    let mut bodies = Vec::new();
    for size in [1, 2, 3, 7, 64, 1000, 100_000] {
        let mut exchange = Exchange::open(&bed).await;
        for play in split(size) {
            exchange.play(&play).await;
        }
        bodies.push(exchange.request().await.body);
    }
    // Trailers are an end as well, and are dropped.
    let mut exchange = Exchange::open(&bed).await;
    for play in [Headers, Body(body(), false), Trailers] {
        exchange.play(&play).await;
    }
    bodies.push(exchange.request().await.body);
    assert_eq!(find(&bodies[0]), None);
    assert!(bodies.windows(2).all(|two| two[0] == two[1]));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_is_restored_in_any_split() {
    let bed = masker().await;
    for size in [1, 2, 3, 50, 100_000] {
        for trailers in [false, true] {
            let mut exchange = Exchange::open(&bed).await;
            exchange.play(&Headers).await;
            exchange.play(&Body(body(), true)).await;
            let masked = exchange.request().await;
            exchange.play(&Reply("application/json")).await;
            for chunk in masked.body.chunks(size) {
                exchange.play(&ReplyBody(chunk.to_vec(), false)).await;
            }
            exchange.play(&if trailers { ReplyTrailers } else { ReplyBody(vec![], true) }).await;
            let restored = exchange.answer(trailers).await;
            assert_eq!(
                String::from_utf8_lossy(&restored),
                String::from_utf8_lossy(&body()),
                "{size}"
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_closes_at_any_step_gets_no_ok() {
    let bed = masker().await;
    let whole = [
        Headers,
        Body(body()[..50].to_vec(), false),
        Body(body()[50..].to_vec(), true),
        Reply("application/json"),
        ReplyBody(b"{\"a\": ".to_vec(), false),
        ReplyBody(b"1}".to_vec(), true),
    ];
    for steps in 0..=whole.len() {
        let mut exchange = Exchange::open(&bed).await;
        for play in whole.iter().take(steps) {
            exchange.play(play).await;
        }
        exchange.play(&Close).await;
        let (end, bytes) = exchange.end().await;
        assert_eq!(end, End::Error, "after {steps} steps");
        assert_eq!(find(&bytes), None, "after {steps} steps");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn violations_are_refused() {
    let bed = masker().await;
    let all = || Body(body(), true);
    let part = || Body(body(), false);
    let cases: Vec<(&str, Vec<Play>)> = vec![
        ("a body before headers", vec![all()]),
        ("trailers before headers", vec![Trailers]),
        ("no protocol_config", vec![Play::HeadersIn(None), all()]),
        ("request buffered", vec![Play::HeadersIn(Some((2, 4))), all()]),
        ("request not sent", vec![Play::HeadersIn(Some((0, 4)))]),
        ("answer streamed", vec![Play::HeadersIn(Some((4, 1))), all()]),
        ("headers twice", vec![Headers, Headers, all()]),
        (
            "an answer's body before its headers",
            vec![Headers, all(), ReplyBody(b"{}".to_vec(), true)],
        ),
        (
            "an answer's headers twice",
            vec![Headers, all(), Reply("text/plain"), Reply("text/plain")],
        ),
    ];
    for (case, plays) in cases {
        let mut exchange = Exchange::open(&bed).await;
        for play in plays {
            exchange.play(&play).await;
        }
        let (end, bytes) = exchange.end().await;
        assert!(matches!(end, End::Refused | End::Error), "{case}: {end:?}");
        assert_eq!(find(&bytes), None, "{case}");
    }
    // A message that holds nothing known is passed over. Envoy may say twice that the body is at its end; what follows counts for nothing.
    let mut exchange = Exchange::open(&bed).await;
    for play in [Play::Nothing, Headers, Play::Nothing, all(), Body(vec![], true), part()] {
        exchange.play(&play).await;
    }
    let masked = exchange.request().await;
    assert_eq!(find(&masked.body), None);
    exchange.play(&Close).await;
    let (end, bytes) = exchange.end().await;
    assert_eq!(end, End::Error);
    assert_eq!(find(&bytes), None);
}
