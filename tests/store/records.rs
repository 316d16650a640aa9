//! Records of conversations: written again with each turn, by any replica.

use std::time::Duration;

use masker::breaker::State;
use masker::mask::Scope;
use masker::mask::conversation::RecordKey;
use masker::store::config::StoreConfig;
use masker::store::record::{Plain, RecordWants};
use masker::store::{Answer, Store, Wants};

use crate::redis_server::Server;
use crate::round_trips::Proxy;
use crate::{CANARY, impatient, mappings, redis, scope, until};

const KEY: RecordKey = RecordKey([7; 16]);

pub(crate) fn plain(text: &str) -> Plain {
    Plain::new(format!("{CANARY} {text}").into_bytes())
}

async fn fetch(store: &Store, scope: &Scope, records: RecordWants) -> Answer {
    store.fetch(scope, Wants { records, ..Wants::default() }).await.unwrap()
}

/// Writes, and gives what was there before.
pub(crate) async fn write(store: &Store, scope: &Scope, text: &str) -> Option<Plain> {
    let wants = RecordWants { write: vec![(KEY, plain(text))], ..RecordWants::default() };
    fetch(store, scope, wants).await.records.found.remove(0)
}

pub(crate) async fn read(store: &Store, scope: &Scope) -> Option<Plain> {
    let wants = RecordWants { read: vec![KEY], ..RecordWants::default() };
    fetch(store, scope, wants).await.records.read.remove(0)
}

/// Of any store.
pub(crate) async fn a_write_tells_what_was_there(config: &StoreConfig, own: &Scope, other: &Scope) {
    let store = Store::open(config).await.unwrap();
    assert_eq!(read(&store, own).await, None);
    assert_eq!(write(&store, own, "one").await, None);
    assert_eq!(read(&store, own).await, Some(plain("one")));
    assert_eq!(write(&store, own, "two").await, Some(plain("one")));
    assert_eq!(read(&store, own).await, Some(plain("two")));
    // Keys are of one tenant; were they not, nothing could be opened.
    assert_eq!(read(&store, other).await, None);
    if store.status().backend == "redis" {
        let fresh = Store::open(config).await.unwrap();
        assert_eq!(read(&fresh, own).await, Some(plain("two")));
    }
}

#[tokio::test]
async fn replicas_see_each_others_records() {
    let server = Server::start(&[]).await;
    let scope = scope("a");
    let one = Store::open(&redis(&server.url())).await.unwrap();
    let two = Store::open(&redis(&server.url())).await.unwrap();
    write(&one, &scope, "first").await;
    assert_eq!(read(&two, &scope).await, Some(plain("first")));
    assert_eq!(write(&two, &scope, "second").await, Some(plain("first")));
    // What it remembers is not asked for; its next write tells.
    assert_eq!(read(&one, &scope).await, Some(plain("first")));
    assert_eq!(write(&one, &scope, "third").await, Some(plain("second")));
    server.command(&["FLUSHALL"]).await;
    assert_eq!(write(&one, &scope, "fourth").await, None);
    let fresh = Store::open(&redis(&server.url())).await.unwrap();
    assert_eq!(read(&fresh, &scope).await, Some(plain("fourth")), "written again");
    for (key, value) in server.content().await {
        assert!(key.starts_with("m1:r:") || key == "m1:probe", "{key}");
        assert!(!String::from_utf8_lossy(&value).contains(CANARY));
    }
}

#[tokio::test]
async fn a_record_of_what_the_provider_keeps_lives_longer() {
    let server = Server::start(&[]).await;
    let (ttl, lasting_ttl) = (Duration::from_secs(800), Duration::from_secs(9000));
    let store = Store::open(&StoreConfig { ttl, lasting_ttl, ..redis(&server.url()) }).await;
    let (store, scope) = (store.unwrap(), scope("a"));
    for (lasting, from, to) in [(false, 700, 800), (true, 8900, 9000)] {
        let write = vec![(KEY, plain("x"))];
        let records = RecordWants { write, lasting, ..RecordWants::default() };
        fetch(&store, &scope, records).await;
        let (key, _) = server.content().await.remove(0);
        let left = server.command(&["TTL", &key]).await;
        let redis::Value::Int(left) = left else { panic!("{left:?}") };
        assert!((from..=to).contains(&left), "{lasting}: {left}");
    }
}

#[tokio::test]
async fn a_turn_takes_one_round_trip() {
    let server = Server::start(&[]).await;
    let proxy = Proxy::start(server.port).await;
    let store = Store::open(&redis(&format!("redis://127.0.0.1:{}", proxy.port))).await.unwrap();
    let scope = scope("a");
    assert_eq!(read(&store, &scope).await, None);
    let met = proxy.turns();
    let records = RecordWants { write: vec![(KEY, plain("x"))], ..RecordWants::default() };
    let save = mappings(&scope, 10);
    store.fetch(&scope, Wants { save, records, ..Wants::default() }).await.unwrap();
    assert_eq!(proxy.turns() - met, 1, "mappings and record");
    assert_eq!(read(&store, &scope).await, Some(plain("x")));
    assert_eq!(proxy.turns() - met, 1, "it is remembered");
}

#[tokio::test]
async fn records_wait_for_a_redis_that_is_down() {
    let mut server = Server::start(&[]).await;
    let scope = scope("a");
    let store = Store::open(&impatient(&server.url())).await.unwrap();
    write(&store, &scope, "before").await;
    server.kill().await;
    for turn in 0..5 {
        write(&store, &scope, &format!("turn {turn}")).await;
    }
    until(&store, "degraded", |status| status.breaker != State::Closed).await;
    assert_eq!(write(&store, &scope, "last").await, None);
    assert_eq!(read(&store, &scope).await, Some(plain("last")), "this replica remembers");
    server.restart().await;
    until(&store, "back", |status| status.breaker == State::Closed).await;
    store.close(Duration::from_secs(5)).await;
    let fresh = Store::open(&redis(&server.url())).await.unwrap();
    assert_eq!(read(&fresh, &scope).await, Some(plain("last")));
}
