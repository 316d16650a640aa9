//! The mapping store: one suite of behavior for memory and Redis, and what can
//! go wrong with a real Redis.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "clippy excuses test functions, but not the helpers they share"
)]

mod behavior;
mod bulk;
mod cluster;
mod faults;
mod network;
#[path = "../common/ports.rs"]
mod ports;
mod readiness;
mod records;
mod redis_server;
mod round_trips;
mod secured;
mod sentinels;
mod shows_nothing;
mod topologies;

use std::sync::Arc;
use std::time::Duration;

use masker::breaker;
use masker::mask::{Mapping, MasterKey, Placeholder, Scope, Tenant, Value};
use masker::store::config::{Backend, RedisConfig, RedisUrl, StoreConfig};
use masker::store::{Answer, Status, Store, Wants};

/// Values begin with this; nothing that is stored or printed may hold it.
const CANARY: &str = "i-0canary";

fn scope(tenant: &str) -> Scope {
    let master = MasterKey::parse(&(0..32).collect::<Vec<u8>>()).unwrap();
    master.scope(&Tenant::named(tenant).unwrap())
}

fn redis(url: &str) -> StoreConfig {
    let backend = Backend::Redis(Box::new(RedisConfig::new(RedisUrl::parse(url).unwrap())));
    // A loaded machine must not look like a slow store.
    StoreConfig { backend, deadline: Duration::from_secs(5), ..StoreConfig::default() }
}

/// Opens and is tried again soon, for tests that cannot pause the clock.
fn impatient(url: &str) -> StoreConfig {
    let retry_every = Duration::from_millis(200);
    let breaker = breaker::Settings { retry_every, ..breaker::Settings::default() };
    StoreConfig { breaker, ..redis(url) }
}

fn memory(entries: usize) -> StoreConfig {
    StoreConfig { backend: Backend::Memory { entries }, ..StoreConfig::default() }
}

fn mapping(scope: &Scope, n: usize) -> Arc<Mapping> {
    Arc::new(scope.mapping(false, "EC2", &format!("{CANARY}{n:08}")))
}

fn mappings(scope: &Scope, count: usize) -> Vec<Arc<Mapping>> {
    (0..count).map(|n| mapping(scope, n)).collect()
}

async fn save(store: &Store, scope: &Scope, save: &[Arc<Mapping>]) -> Answer {
    let wants = Wants { save: save.to_vec(), ..Wants::default() };
    store.fetch(scope, wants).await.unwrap()
}

async fn reveal(store: &Store, scope: &Scope, of: &[Arc<Mapping>]) -> Vec<Option<Value>> {
    let reveal: Vec<Placeholder> = of.iter().map(|m| m.placeholder.clone()).collect();
    let wants = Wants { reveal: reveal.clone(), ..Wants::default() };
    let answer = store.fetch(scope, wants).await.unwrap();
    let (asked, values): (Vec<_>, Vec<_>) = answer.revealed.into_iter().unzip();
    assert_eq!(asked, reveal, "one answer for each placeholder, in order");
    values
}

fn values(of: &[Arc<Mapping>]) -> Vec<Option<Value>> {
    of.iter().map(|m| Some(m.value.clone())).collect()
}

/// Waits for what the background task does, for at most a minute.
async fn until(store: &Store, what: &str, holds: impl Fn(Status) -> bool) {
    for _ in 0..6000 {
        if holds(store.status()) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("never {what}: {:?}", store.status());
}
