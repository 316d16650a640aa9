//! What every store does. [`all`] runs on each of them; a case has a tenant of
//! its own, so that they share a store.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use masker::breaker::State;
use masker::mask::{Mapping, Scope};
use masker::mode::Mode;
use masker::store::config::StoreConfig;
use masker::store::{OpenError, Store, StoreError, Wants};
use tokio::task::JoinSet;

use crate::records;
use crate::redis_server::Server;
use crate::{mapping, mappings, memory, redis, reveal, save, scope, values};

/// Every case, on stores that this configuration opens.
pub(crate) async fn all(config: &StoreConfig, values_each: usize) {
    RUNS.fetch_add(1, Ordering::Relaxed);
    what_is_saved_is_revealed(config).await;
    one_call_saves_and_reveals(config).await;
    another_tenant_finds_nothing(config).await;
    a_collision_is_refused_and_nothing_overwritten(config).await;
    resent_values_are_not_written_again(config).await;
    let (a, b) = (own("records"), own("others"));
    records::a_write_tells_what_was_there(config, &a, &b).await;
    replicas_agree(config, values_each).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn memory_store() {
    all(&memory(100_000), 10_000).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_redis() {
    let server = Server::start(&[]).await;
    all(&patient(redis(&server.url())), 10_000).await;
}

/// How often the suite was run: each time with tenants of its own.
static RUNS: AtomicU32 = AtomicU32::new(0);

fn own(name: &str) -> Scope {
    scope(&format!("{name}-{}", RUNS.load(Ordering::Relaxed)))
}

/// Sixteen replicas in one process, on two cores, are slower than one.
pub(crate) fn patient(config: StoreConfig) -> StoreConfig {
    let minute = Duration::from_secs(60);
    StoreConfig { deadline: minute, connect_timeout: minute, ..config }
}

/// Sixteen replicas save at once, each so many values of which the next has half.
async fn replicas_agree(config: &StoreConfig, each: usize) {
    const REPLICAS: usize = 16;
    let scope = own("replicas");
    let all = Arc::new(mappings(&scope, (REPLICAS + 1) * each / 2));
    let distinct: HashSet<_> = all.iter().map(|m| m.placeholder.clone()).collect();
    assert_eq!(distinct.len(), all.len(), "no placeholder is shared");
    let shared = Store::open(config).await.unwrap();
    let memory = shared.status().backend == "memory";
    let mut replicas = JoinSet::new();
    for number in 0..REPLICAS {
        let (config, all, shared) = (config.clone(), Arc::clone(&all), shared.clone());
        replicas.spawn(async move {
            let store = if memory { shared } else { Store::open(&config).await.unwrap() };
            let scope = own("replicas");
            let own = &all[number * each / 2..][..each];
            let answer = save(&store, &scope, own).await;
            assert!(!answer.degraded, "{:?}", store.status());
            store
        });
    }
    let stores = replicas.join_all().await;
    let saved: u64 = stores.iter().map(|store| store.status().saved).sum();
    let saved = if memory { shared.status().saved } else { saved };
    assert_eq!(usize::try_from(saved).unwrap(), all.len(), "each is written once");
    for (number, store) in stores.iter().enumerate() {
        assert_eq!(store.status().collisions, 0);
        // What another replica wrote.
        let theirs = &all[(number + 5) % REPLICAS * each / 2..][..each / 10];
        assert_eq!(reveal(store, &scope, theirs).await, values(theirs));
    }
}

async fn what_is_saved_is_revealed(config: &StoreConfig) {
    let store = Store::open(config).await.unwrap();
    let scope = own("saved");
    let all = mappings(&scope, 2500);
    let answer = save(&store, &scope, &all).await;
    assert!(!answer.degraded && answer.revealed.is_empty());
    assert_eq!(reveal(&store, &scope, &all).await, values(&all));
    let unknown = mapping(&scope, 99_999);
    assert_eq!(reveal(&store, &scope, &[unknown]).await, [None]);
    assert_eq!(store.mode(), Mode::Normal);
    let status = store.status();
    assert_eq!(status.breaker, State::Closed);
    assert_eq!((status.saved, status.revealed, status.failures), (2500, 2500, 0));
    store.close(Duration::from_secs(5)).await;
}

async fn one_call_saves_and_reveals(config: &StoreConfig) {
    let store = Store::open(config).await.unwrap();
    let scope = own("one-call");
    let (old, new) = (mapping(&scope, 1), mapping(&scope, 2));
    save(&store, &scope, &[Arc::clone(&old)]).await;
    let reveal = vec![new.placeholder.clone(), old.placeholder.clone()];
    let wants =
        Wants { save: vec![Arc::clone(&new), Arc::clone(&new)], reveal, ..Wants::default() };
    let answer = store.fetch(&scope, wants).await.unwrap();
    let found: Vec<_> = answer.revealed.into_iter().map(|(_, value)| value).collect();
    assert_eq!(found, [Some(new.value.clone()), Some(old.value.clone())]);
}

async fn another_tenant_finds_nothing(config: &StoreConfig) {
    let store = Store::open(config).await.unwrap();
    let (a, b) = (own("one"), own("another"));
    let all = mappings(&a, 3);
    save(&store, &a, &all).await;
    assert_eq!(reveal(&store, &b, &all).await, [None, None, None]);
    assert_eq!(store.status().unreadable, 0);
}

async fn a_collision_is_refused_and_nothing_overwritten(config: &StoreConfig) {
    let store = Store::open(config).await.unwrap();
    // The second has no cache that would know.
    let other = Store::open(config).await.unwrap();
    let scope = own("collision");
    let first = mapping(&scope, 1);
    let mut second = Mapping::clone(&mapping(&scope, 2));
    second.placeholder = first.placeholder.clone();
    let second = Arc::new(second);
    save(&store, &scope, &[Arc::clone(&first)]).await;
    let stores =
        if store.status().backend == "redis" { vec![&store, &other] } else { vec![&store] };
    for store in stores {
        let wants = Wants { save: vec![Arc::clone(&second)], ..Wants::default() };
        let refused = store.fetch(&scope, wants).await.unwrap_err();
        let placeholder = first.placeholder.clone();
        assert!(matches!(&refused, StoreError::Collision { placeholder: p } if *p == placeholder));
        assert!(!format!("{refused} {refused:?}").contains(crate::CANARY));
        assert_eq!(store.status().collisions, 1);
        assert_eq!(
            reveal(store, &scope, &[Arc::clone(&first)]).await,
            values(&[Arc::clone(&first)])
        );
    }
    // Within one call, too.
    let (third, mut fourth) = (mapping(&scope, 3), Mapping::clone(&mapping(&scope, 4)));
    fourth.placeholder = third.placeholder.clone();
    let wants = Wants { save: vec![third, Arc::new(fourth)], ..Wants::default() };
    assert!(matches!(store.fetch(&scope, wants).await, Err(StoreError::Collision { .. })));
}

async fn resent_values_are_not_written_again(config: &StoreConfig) {
    let store = Store::open(config).await.unwrap();
    let scope = own("resent");
    let all = mappings(&scope, 10);
    for _ in 0..5 {
        save(&store, &scope, &all).await;
    }
    let status = store.status();
    assert_eq!((status.saved, status.cache_hits), (10, 40));
}

#[tokio::test]
async fn limits_of_zero_are_refused() {
    let zero = Duration::ZERO;
    for (config, name) in [
        (memory(0), "entries"),
        (StoreConfig { ttl: zero, ..memory(1) }, "ttl"),
        (StoreConfig { deadline: zero, ..memory(1) }, "deadline"),
    ] {
        let error = Store::open(&config).await.unwrap_err();
        assert!(matches!(error, OpenError::Zero(zero) if zero == name), "{error}");
    }
}

#[tokio::test(start_paused = true)]
async fn memory_is_bounded_and_ends() {
    let config = StoreConfig { ttl: Duration::from_secs(100), ..memory(3) };
    let store = Store::open(&config).await.unwrap();
    let scope = scope("a");
    let all = mappings(&scope, 4);
    save(&store, &scope, &all[..3]).await;
    // Used again, so that the second is the one that goes.
    assert_eq!(reveal(&store, &scope, &all[..1]).await, values(&all[..1]));
    save(&store, &scope, &all[3..]).await;
    assert_eq!(reveal(&store, &scope, &all[1..2]).await, [None]);
    tokio::time::advance(Duration::from_secs(60)).await;
    save(&store, &scope, &all[..1]).await;
    tokio::time::advance(Duration::from_secs(60)).await;
    assert_eq!(reveal(&store, &scope, &all[..1]).await, values(&all[..1]), "refreshed");
    assert_eq!(reveal(&store, &scope, &all[3..]).await, [None], "ended");
}
