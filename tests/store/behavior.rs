//! What every store does. Each case runs on memory and on a real Redis.

use std::sync::Arc;
use std::time::Duration;

use masker::breaker::State;
use masker::mask::Mapping;
use masker::mode::Mode;
use masker::store::config::StoreConfig;
use masker::store::{OpenError, Store, StoreError, Wants};

use crate::redis_server::Server;
use crate::{mapping, mappings, memory, redis, reveal, save, scope, values};

pub(crate) async fn on_each<F: AsyncFn(StoreConfig)>(case: F) {
    case(memory(10_000)).await;
    let server = Server::start(&[]).await;
    case(redis(&server.url())).await;
}

#[tokio::test]
async fn what_is_saved_is_revealed() {
    on_each(async |config| {
        let store = Store::open(&config).await.unwrap();
        let scope = scope("a");
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
    })
    .await;
}

#[tokio::test]
async fn one_call_saves_and_reveals() {
    on_each(async |config| {
        let store = Store::open(&config).await.unwrap();
        let scope = scope("a");
        let (old, new) = (mapping(&scope, 1), mapping(&scope, 2));
        save(&store, &scope, &[Arc::clone(&old)]).await;
        let reveal = vec![new.placeholder.clone(), old.placeholder.clone()];
        let wants =
            Wants { save: vec![Arc::clone(&new), Arc::clone(&new)], reveal, ..Wants::default() };
        let answer = store.fetch(&scope, wants).await.unwrap();
        let found: Vec<_> = answer.revealed.into_iter().map(|(_, value)| value).collect();
        assert_eq!(found, [Some(new.value.clone()), Some(old.value.clone())]);
    })
    .await;
}

#[tokio::test]
async fn another_tenant_finds_nothing() {
    on_each(async |config| {
        let store = Store::open(&config).await.unwrap();
        let (a, b) = (scope("a"), scope("b"));
        let all = mappings(&a, 3);
        save(&store, &a, &all).await;
        assert_eq!(reveal(&store, &b, &all).await, [None, None, None]);
        assert_eq!(store.status().unreadable, 0);
    })
    .await;
}

#[tokio::test]
async fn a_collision_is_refused_and_nothing_overwritten() {
    on_each(async |config| {
        let store = Store::open(&config).await.unwrap();
        // The second has no cache that would know.
        let other = Store::open(&config).await.unwrap();
        let scope = scope("a");
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
            assert!(
                matches!(&refused, StoreError::Collision { placeholder: p } if *p == placeholder)
            );
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
    })
    .await;
}

#[tokio::test]
async fn resent_values_are_not_written_again() {
    on_each(async |config| {
        let store = Store::open(&config).await.unwrap();
        let scope = scope("a");
        let all = mappings(&scope, 10);
        for _ in 0..5 {
            save(&store, &scope, &all).await;
        }
        let status = store.status();
        assert_eq!((status.saved, status.cache_hits), (10, 40));
    })
    .await;
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
