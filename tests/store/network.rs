//! What a network and a server that is not itself do to a store: no save is
//! lost, nothing is restored wrongly, and it heals without a restart.

use std::time::Duration;

use masker::breaker::State;
use masker::mode::Mode;
use masker::store::config::StoreConfig;
use masker::store::{Status, Store};

use crate::redis_server::Server;
use crate::round_trips::Proxy;
use crate::{impatient, mapping, mappings, redis, reveal, save, scope, until, values};

fn back(status: Status) -> bool {
    status.queued == 0 && status.breaker == State::Closed
}

async fn behind_a_proxy(deadline: Duration) -> (Server, Proxy, Store) {
    let server = Server::start(&[]).await;
    let proxy = Proxy::start(server.port).await;
    let store = Store::open(&StoreConfig { deadline, ..impatient(&proxy.url()) }).await.unwrap();
    (server, proxy, store)
}

#[tokio::test]
async fn connections_are_refused_for_a_while() {
    let (server, proxy, store) = behind_a_proxy(Duration::from_millis(500)).await;
    let scope = scope("a");
    let all = mappings(&scope, 200);
    save(&store, &scope, &all[..100]).await;
    proxy.refuse(true);
    for part in all[100..].chunks(10) {
        assert!(save(&store, &scope, part).await.degraded);
        assert_eq!(reveal(&store, &scope, part).await, values(part), "what waits is known");
    }
    assert_eq!(store.mode(), Mode::Degraded);
    proxy.refuse(false);
    until(&store, "back", back).await;
    assert_eq!(server.content().await.len(), 200);
    assert_eq!(reveal(&store, &scope, &all).await, values(&all));
}

/// As when a server is started again, or another takes its place: within the deadline, the
/// call is made over the next connection.
#[tokio::test]
async fn a_connection_that_comes_back_in_time_is_waited_for() {
    let (server, proxy, store) = behind_a_proxy(Duration::from_secs(20)).await;
    let scope = scope("a");
    let all = mappings(&scope, 20);
    save(&store, &scope, &all[..10]).await;
    proxy.refuse(true);
    let back = async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        proxy.refuse(false);
    };
    let (saved, ()) = tokio::join!(save(&store, &scope, &all[10..]), back);
    assert!(!saved.degraded);
    assert_eq!(server.content().await.len(), 20);
    assert_eq!((store.status().breaker, store.mode()), (State::Closed, Mode::Normal));
}

#[tokio::test]
async fn answers_are_cut_anywhere() {
    let (server, proxy, store) = behind_a_proxy(Duration::from_secs(5)).await;
    let scope = scope("a");
    let known = mappings(&scope, 20);
    save(&store, &scope, &known).await;
    // In a length, in a value, between two answers.
    for (cut, n) in [1, 2, 3, 5, 40, 94, 95, 96, 97, 98, 1000, 1901].into_iter().zip(1..) {
        proxy.cut_after(cut);
        for (value, own) in reveal(&store, &scope, &known).await.into_iter().zip(values(&known)) {
            assert!(value.is_none() || value == own, "restored wrongly, cut at {cut}");
        }
        save(&store, &scope, &[mapping(&scope, 1000 + n)]).await;
        proxy.cut_after(0);
        until(&store, "back", back).await;
    }
    assert_eq!(server.content().await.len(), 32);
    assert_eq!(reveal(&store, &scope, &known).await, values(&known));
}

#[tokio::test]
async fn half_a_second_of_latency_is_borne_or_left() {
    let (_server, proxy, patient) = behind_a_proxy(Duration::from_secs(5)).await;
    let config = StoreConfig { deadline: Duration::from_millis(150), ..impatient(&proxy.url()) };
    let hasty = Store::open(&config).await.unwrap();
    proxy.delay(Duration::from_millis(500));
    let scope = scope("a");
    let all = mappings(&scope, 50);
    assert!(!save(&patient, &scope, &all).await.degraded);
    for _ in 0..6 {
        assert!(save(&hasty, &scope, &all).await.degraded);
    }
    assert_eq!(hasty.mode(), Mode::Degraded);
    assert_eq!(reveal(&hasty, &scope, &all).await, values(&all), "what waits is known");
    proxy.delay(Duration::ZERO);
    until(&hasty, "back", back).await;
    assert_eq!(hasty.status().collisions, 0);
    assert_eq!(reveal(&hasty, &scope, &all).await, values(&all));
}

#[tokio::test]
async fn a_server_that_became_a_replica_is_left() {
    let (old, new) = tokio::join!(Server::start(&[]), Server::start(&[]));
    let proxy = Proxy::start(old.port).await;
    // Not tried again for an hour: `READONLY` itself must do.
    let breaker = masker::breaker::Settings {
        retry_every: Duration::from_secs(3600),
        successes: 1,
        ..Default::default()
    };
    let store = Store::open(&StoreConfig { breaker, ..redis(&proxy.url()) }).await.unwrap();
    let scope = scope("a");
    let all = mappings(&scope, 10);
    save(&store, &scope, &all[..5]).await;
    // The name leads to the new primary, but the connection stays with the old one.
    old.command(&["REPLICAOF", "127.0.0.1", &new.port.to_string()]).await;
    proxy.switch_new(new.port);
    // Within the deadline of this very call.
    assert!(!save(&store, &scope, &all[5..]).await.degraded);
    until(&store, "back", back).await;
    save(&store, &scope, &all).await;
    assert_eq!(new.content().await.len(), 10);
}

#[tokio::test]
async fn another_server_behind_the_same_connection_is_noticed() {
    let (old, new) = tokio::join!(Server::start(&[]), Server::start(&[]));
    let proxy = Proxy::start(old.port).await;
    let store = Store::open(&redis(&proxy.url())).await.unwrap();
    let scope = scope("a");
    let all = mappings(&scope, 10);
    // Until masker has seen who the server is.
    for _ in 0..600 {
        if old.text(&["CLIENT", "LIST"]).await.contains("cmd=get") {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    save(&store, &scope, &all).await;
    proxy.switch(new.port);
    // What is resent is written again once the cache has ended.
    for _ in 0..3000 {
        save(&store, &scope, &all).await;
        if new.content().await.len() == 10 {
            assert_eq!(store.status().failures, 0);
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("the new server was never told");
}

#[tokio::test]
async fn a_server_that_still_loads_is_waited_for() {
    let mut server = Server::start(&["--appendonly", "yes"]).await;
    let store = Store::open(&impatient(&server.url())).await.unwrap();
    let scope = scope("a");
    let all = mappings(&scope, 100);
    save(&store, &scope, &all[..50]).await;
    // Enough that reading it again takes a while, and each key waits a little.
    server.command(&["DEBUG", "POPULATE", "2000", "filler", "10"]).await;
    server.command(&["BGREWRITEAOF"]).await;
    for _ in 0..600 {
        let info = server.text(&["INFO", "persistence"]).await;
        if info.contains("aof_rewrite_in_progress:0") && info.contains("aof_rewrite_scheduled:0") {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    server
        .restart_with(&[
            "--key-load-delay",
            "1000",
            "--loading-process-events-interval-bytes",
            "1024",
        ])
        .await;
    let loading = server.try_command(&["GET", "x"]).await.unwrap_err();
    assert_eq!(loading.code(), Some("LOADING"));
    for _ in 0..6 {
        assert!(save(&store, &scope, &all[50..]).await.degraded);
    }
    until(&store, "back", back).await;
    assert_eq!(reveal(&store, &scope, &all).await, values(&all));
}
