//! A Redis that is slow, full, killed, restarted or never there.

use std::sync::Arc;
use std::time::Duration;

use masker::breaker::State;
use masker::mode::Mode;
use masker::store::config::StoreConfig;
use masker::store::{Status, Store, Wants};
use tokio::net::TcpListener;
use tokio::time::Instant;

use crate::ports::port;
use crate::redis_server::Server;
use crate::round_trips::Proxy;
use crate::{impatient, mapping, mappings, redis, reveal, save, scope, until, values};

fn back(status: Status) -> bool {
    status.queued == 0 && status.breaker == State::Closed
}

/// Calls of the commands that a store makes.
async fn calls(server: &Server) -> Vec<(String, u64)> {
    let stats = server.text(&["INFO", "commandstats"]).await;
    let mut calls: Vec<_> = stats
        .lines()
        .filter_map(|line| line.strip_prefix("cmdstat_")?.split_once(":calls="))
        .map(|(name, rest)| (name.to_owned(), rest.split(',').next().unwrap().parse().unwrap()))
        .filter(|(name, _): &(String, u64)| ["set", "get", "expire"].contains(&name.as_str()))
        .collect();
    calls.sort();
    calls
}

#[tokio::test]
async fn one_round_trip_for_everything() {
    let server = Server::start(&[]).await;
    let proxy = Proxy::start(server.port).await;
    let store = Store::open(&redis(&proxy.url())).await.unwrap();
    let scope = scope("a");
    let all = mappings(&scope, 100);
    let opened = proxy.turns();
    save(&store, &scope, &all).await;
    assert_eq!(proxy.turns() - opened, 1, "100 new");
    save(&store, &scope, &all).await;
    assert_eq!(proxy.turns() - opened, 1, "100 known");
    reveal(&store, &scope, &all).await;
    assert_eq!(proxy.turns() - opened, 2, "100 revealed");
    server.command(&["CONFIG", "RESETSTAT"]).await;
    save(&store, &scope, &mappings(&scope, 101)).await;
    let of = |name: &str, calls| (name.to_owned(), calls);
    assert_eq!(calls(&server).await, [of("expire", 1), of("set", 1)]);
}

#[tokio::test]
async fn mappings_end_and_are_refreshed() {
    let server = Server::start(&[]).await;
    let config = StoreConfig { ttl: Duration::from_secs(800), ..redis(&server.url()) };
    let store = Store::open(&config).await.unwrap();
    let scope = scope("a");
    let all = mappings(&scope, 1);
    save(&store, &scope, &all).await;
    let (key, _) = server.content().await.remove(0);
    let ttl = async || match server.command(&["TTL", &key]).await {
        ::redis::Value::Int(seconds) => seconds,
        other => panic!("{other:?}"),
    };
    assert!((700..=800).contains(&ttl().await));
    server.command(&["EXPIRE", &key, "50"]).await;
    save(&store, &scope, &all).await;
    assert!(ttl().await <= 50, "cached: not written again");
    // A quarter of the time later.
    tokio::time::pause();
    tokio::time::advance(Duration::from_secs(201)).await;
    tokio::time::resume();
    save(&store, &scope, &all).await;
    assert!(ttl().await > 50, "refreshed");
    assert_eq!(store.status().saved, 1);
}

#[tokio::test]
async fn two_replicas_agree() {
    let server = Server::start(&[]).await;
    let (a, b) = tokio::join!(async { Store::open(&redis(&server.url())).await.unwrap() }, async {
        Store::open(&redis(&server.url())).await.unwrap()
    });
    let (scope, twin) = (scope("a"), scope("a"));
    let all = mappings(&scope, 300);
    tokio::join!(save(&a, &scope, &all), save(&b, &twin, &all));
    assert_eq!(a.status().saved + b.status().saved, 300);
    assert_eq!((a.status().collisions, b.status().collisions), (0, 0));
    let late = mapping(&scope, 1000);
    save(&a, &scope, &[Arc::clone(&late)]).await;
    assert_eq!(reveal(&b, &twin, &[Arc::clone(&late)]).await, values(&[late]));
}

#[tokio::test]
async fn what_the_provider_keeps_lives_longer() {
    let server = Server::start(&[]).await;
    let (ttl, lasting_ttl) = (Duration::from_secs(800), Duration::from_secs(9000));
    let config = StoreConfig { ttl, lasting_ttl, ..redis(&server.url()) };
    let store = Store::open(&config).await.unwrap();
    let scope = scope("a");
    let all = mappings(&scope, 1);
    save(&store, &scope, &all).await;
    let (key, _) = server.content().await.remove(0);
    let ttl = async || match server.command(&["TTL", &key]).await {
        ::redis::Value::Int(seconds) => seconds,
        other => panic!("{other:?}"),
    };
    assert!((700..=800).contains(&ttl().await));
    let wants = Wants { save: all.clone(), lasting: true, ..Wants::default() };
    store.fetch(&scope, wants.clone()).await.unwrap();
    assert!(ttl().await > 8000);
    // Once it is known to last, it is not written again.
    let hits = store.status().cache_hits;
    store.fetch(&scope, wants).await.unwrap();
    save(&store, &scope, &all).await;
    assert_eq!(store.status().cache_hits - hits, 2);
    // Another replica saves it as usual: it does not end sooner.
    let other = Store::open(&config).await.unwrap();
    save(&other, &scope, &all).await;
    assert!(ttl().await > 8000);
}

#[tokio::test]
async fn a_restart_in_between_heals() {
    let mut server = Server::start(&[]).await;
    let store = Store::open(&impatient(&server.url())).await.unwrap();
    let scope = scope("a");
    let all = mappings(&scope, 20);
    save(&store, &scope, &all).await;
    server.restart().await;
    assert!(server.content().await.is_empty());
    // The cache does not outlive the connection: what is resent is written again.
    let mut sends = 0;
    while server.content().await.len() < 20 {
        save(&store, &scope, &all).await;
        sends += 1;
        assert!(sends < 6000, "{:?}", store.status());
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    until(&store, "normal", |status| status.breaker == State::Closed).await;
    assert_eq!(reveal(&store, &scope, &all).await, values(&all));
}

#[tokio::test]
async fn what_waited_is_written_when_it_is_back() {
    let mut server = Server::start(&[]).await;
    let store = Store::open(&impatient(&server.url())).await.unwrap();
    let scope = scope("a");
    let all = mappings(&scope, 2500);
    save(&store, &scope, &all[..1]).await;
    server.kill().await;
    for _ in 0..6 {
        assert!(save(&store, &scope, &all[1..]).await.degraded);
    }
    assert_eq!(store.mode(), Mode::Degraded);
    assert_eq!(store.status().queued, 2499, "each waits once");
    // What waits is revealed, what only the store knows is not.
    assert_eq!(reveal(&store, &scope, &all[1..3]).await, values(&all[1..3]));
    assert_eq!(reveal(&store, &scope, &all[..1]).await, [None]);
    server.restart().await;
    until(&store, "back", back).await;
    assert_eq!(store.mode(), Mode::Normal);
    assert_eq!(server.content().await.len(), 2499);
    assert_eq!(reveal(&store, &scope, &all[1..]).await, values(&all[1..]));
}

#[tokio::test]
async fn a_full_store_degrades_and_nothing_is_wrong() {
    let server = Server::start(&["--maxmemory-policy", "noeviction"]).await;
    let store = Store::open(&impatient(&server.url())).await.unwrap();
    let scope = scope("a");
    let all = mappings(&scope, 20);
    save(&store, &scope, &all[..10]).await;
    server.command(&["CONFIG", "SET", "maxmemory", "1"]).await;
    for _ in 0..6 {
        assert!(save(&store, &scope, &all[10..]).await.degraded);
    }
    until(&store, "degraded", |status| status.breaker != State::Closed).await;
    assert_eq!(reveal(&store, &scope, &all[10..]).await, values(&all[10..]));
    server.command(&["CONFIG", "SET", "maxmemory", "0"]).await;
    until(&store, "back", back).await;
    assert_eq!(reveal(&store, &scope, &all).await, values(&all));
    assert_eq!(store.status().dropped, 0);
}

#[tokio::test]
async fn a_frozen_store_is_given_up_at_the_deadline() {
    let server = Server::start(&[]).await;
    let deadline = Duration::from_millis(500);
    let store = Store::open(&StoreConfig { deadline, ..impatient(&server.url()) }).await.unwrap();
    let scope = scope("a");
    let all = mappings(&scope, 20);
    server.signal("STOP").await;
    for _ in 0..6 {
        assert!(save(&store, &scope, &all).await.degraded);
    }
    assert_eq!(store.mode(), Mode::Degraded);
    server.signal("CONT").await;
    until(&store, "back", back).await;
    assert_eq!(reveal(&store, &scope, &all).await, values(&all));
    // A blip: the breaker stays closed.
    let before = store.status().failures;
    let blip = server.command(&["DEBUG", "SLEEP", "0.8"]);
    let late = async {
        tokio::time::sleep(Duration::from_millis(50)).await;
        save(&store, &scope, &[mapping(&scope, 77)]).await
    };
    let (_, answer) = tokio::join!(blip, late);
    if answer.degraded {
        assert!(store.status().failures > before);
    }
    until(&store, "back", back).await;
    assert_eq!(server.content().await.len(), 21);
}

#[tokio::test]
async fn a_connection_that_went_silent_is_replaced() {
    let server = Server::start(&[]).await;
    let proxy = Proxy::start(server.port).await;
    let url = proxy.url();
    let deadline = Duration::from_millis(50);
    let store = Store::open(&StoreConfig { deadline, ..impatient(&url) }).await.unwrap();
    let scope = scope("a");
    let all = mappings(&scope, 10);
    proxy.silence();
    for _ in 0..6 {
        assert!(save(&store, &scope, &all).await.degraded);
    }
    until(&store, "back", back).await;
    assert_eq!(server.content().await.len(), 10);
}

#[tokio::test]
async fn down_at_the_start_is_degraded_not_an_exit() {
    let port = port();
    let url = format!("redis://127.0.0.1:{port}");
    let store = Store::open(&impatient(&url)).await.unwrap();
    assert_eq!(store.mode(), Mode::Degraded);
    let scope = scope("a");
    let all = mappings(&scope, 3);
    assert!(save(&store, &scope, &all).await.degraded);
    let _server = Server::start_on(port, &[]).await;
    until(&store, "back", back).await;
    assert_eq!(reveal(&store, &scope, &all).await, values(&all));
}

#[tokio::test]
async fn closing_writes_what_waits() {
    let mut server = Server::start(&[]).await;
    let config = StoreConfig {
        breaker: masker::breaker::Settings { failures: 99, ..Default::default() },
        ..redis(&server.url())
    };
    let store = Store::open(&config).await.unwrap();
    let scope = scope("a");
    server.kill().await;
    assert!(save(&store, &scope, &mappings(&scope, 50)).await.degraded);
    server.restart().await;
    store.close(Duration::from_secs(20)).await;
    let status = store.status();
    assert_eq!((status.queued, server.content().await.len()), (0, 50), "{status:?}");
}

/// Accepts and never says a word: with tokio's clock paused, waiting for it
/// takes no time.
async fn mute() -> (TcpListener, StoreConfig) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let config = redis(&format!("redis://127.0.0.1:{port}"));
    (listener, StoreConfig { deadline: Duration::from_millis(150), ..config })
}

#[tokio::test(start_paused = true)]
async fn nobody_waits_while_the_breaker_is_open() {
    let (_listener, config) = mute().await;
    let begun = Instant::now();
    let store = Store::open(&config).await.unwrap();
    assert!(begun.elapsed() <= config.connect_timeout + 2 * config.deadline);
    assert_eq!(store.status().breaker, State::Open);
    let scope = scope("a");
    let begun = Instant::now();
    for n in 0..100 {
        assert!(save(&store, &scope, &[mapping(&scope, n)]).await.degraded);
    }
    assert_eq!(begun.elapsed(), Duration::ZERO);
    // A trial each two seconds behind the one before, each of which fails after up to 1.3 s.
    let before = store.status().failures;
    tokio::time::sleep(Duration::from_secs(60)).await;
    let trials = store.status().failures - before;
    assert!((15..=30).contains(&trials), "{trials}");
    let begun = Instant::now();
    store.close(Duration::from_secs(9)).await;
    assert!(begun.elapsed() <= Duration::from_secs(9));
}

#[tokio::test(start_paused = true)]
async fn the_queue_is_bounded() {
    let (_listener, config) = mute().await;
    let store = Store::open(&StoreConfig { queue_entries: 10, ..config }).await.unwrap();
    let scope = scope("a");
    let all = mappings(&scope, 25);
    save(&store, &scope, &all).await;
    let status = store.status();
    assert_eq!((status.queued, status.dropped), (10, 15));
    assert_eq!(reveal(&store, &scope, &all[15..]).await, values(&all[15..]));
}
