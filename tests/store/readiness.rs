//! Stores that masker should not be ready with, and what the doctor says of them.

use std::path::Path;
use std::time::Duration;

use masker::mask::MasterKey;
use masker::store::Store;
use masker::store::config::{Backend, RedisConfig, StoreConfig};
use masker::store::doctor::{Finding, Level, examine};

use crate::redis_server::Server;
use crate::sentinels::Sentinels;
use crate::{impatient, mappings, memory, redis, reveal, save, scope, values};

fn master(first: u8) -> MasterKey {
    MasterKey::parse(&(first..first + 32).collect::<Vec<u8>>()).unwrap()
}

async fn open(config: &StoreConfig, first: u8) -> Store {
    let store = Store::open(config).await.unwrap();
    store.expect_key(&master(first));
    store
}

/// Waits until the reasons are these, by a word of each.
async fn until_unfit(store: &Store, words: &[&str]) {
    let mut reasons = Vec::new();
    for _ in 0..3000 {
        reasons = store.unfit();
        let fits = |(reason, word): (&String, &&str)| reason.contains(*word);
        if reasons.len() == words.len() && reasons.iter().zip(words).all(fits) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("{reasons:?}, not {words:?}");
}

#[tokio::test]
async fn a_store_that_evicts_is_refused_or_allowed() {
    let server =
        Server::start(&["--maxmemory", "100mb", "--maxmemory-policy", "allkeys-lru"]).await;
    let config = redis(&server.url());
    let store = open(&config, 0).await;
    until_unfit(&store, &["allkeys-lru"]).await;
    server.command(&["CONFIG", "SET", "maxmemory-policy", "noeviction"]).await;
    until_unfit(&store, &[]).await;
    server.command(&["CONFIG", "SET", "maxmemory-policy", "volatile-ttl"]).await;
    until_unfit(&store, &["volatile-ttl"]).await;
    let Backend::Redis(own) = &config.backend else { panic!() };
    let own = RedisConfig { allow_eviction: true, ..RedisConfig::clone(own) };
    let allowed = StoreConfig { backend: Backend::Redis(Box::new(own)), ..config };
    let allowed = open(&allowed, 0).await;
    let scope = scope("a");
    assert!(!save(&allowed, &scope, &mappings(&scope, 3)).await.degraded);
    assert!(allowed.unfit().is_empty());
}

#[tokio::test]
async fn another_key_and_another_clock_are_noticed() {
    let server = Server::start(&[]).await;
    let ours = open(&redis(&server.url()), 0).await;
    for _ in 0..3000 {
        if server.command(&["EXISTS", "m1:check"]).await == ::redis::Value::Int(1) {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let theirs = open(&redis(&server.url()), 7).await;
    until_unfit(&theirs, &["another master key"]).await;
    assert!(ours.unfit().is_empty());
    // Somebody's clock.
    let text = server.text(&["GET", "m1:check"]).await;
    let (key, _) = text.rsplit_once(' ').unwrap();
    server.command(&["SET", "m1:check", &format!("{key} 99999999999")]).await;
    until_unfit(&ours, &["clock"]).await;
    // Set rather than deleted: whoever comes first would write it anew, `theirs` too.
    server.command(&["SET", "m1:check", &text]).await;
    until_unfit(&ours, &[]).await;
}

async fn examined(config: &StoreConfig) -> Vec<Finding> {
    examine(config, &master(0)).await.unwrap()
}

fn bad(found: &[Finding]) -> Vec<&str> {
    let bad = found.iter().filter(|finding| finding.level == Level::Bad);
    bad.map(|finding| finding.what.as_str()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_doctor_finds_what_is_wrong() {
    let found = examined(&memory(1000)).await;
    assert_eq!((found.len(), found[0].level), (1, Level::Note));
    let server = Server::start(&["--appendonly", "yes"]).await;
    let config = redis(&server.url());
    let found = examined(&config).await;
    assert!(found.iter().all(|finding| finding.level == Level::Good), "{found:?}");

    server.command(&["CONFIG", "SET", "maxmemory-policy", "allkeys-lru"]).await;
    assert!(bad(&examined(&config).await)[0].contains("allkeys-lru"));
    server.command(&["ACL", "SETUSER", "default", "-expire", "-info"]).await;
    let found = examined(&config).await;
    assert_eq!(bad(&found), ["EXPIRE is refused: NOPERM"]);
    assert!(found.iter().any(|finding| finding.what.contains("tells nothing")), "{found:?}");
    server.command(&["ACL", "SETUSER", "default", "+@all"]).await;
    server.command(&["CONFIG", "SET", "requirepass", "secret"]).await;
    let found = examined(&config).await;
    assert!(bad(&found)[0].starts_with("store: standalone, redis://"), "{found:?}");
    assert!(bad(&found)[0].ends_with(": Redis answered NOAUTH"), "{found:?}");

    let sentinels = Sentinels::start().await;
    assert!(bad(&examined(&redis(&sentinels.url())).await).is_empty());
    let replica = examined(&redis(&sentinels.replica.url())).await;
    assert!(bad(&replica)[0].contains("READONLY"), "{replica:?}");
    let nobody = format!("redis://127.0.0.1:{}", crate::ports::port());
    // Nothing good is said of a store that does not answer.
    let found = examined(&impatient(&nobody)).await;
    let said = format!("store: standalone, {nobody}/0: cannot be reached (connection refused)");
    assert_eq!((bad(&found), found.len()), (vec![said.as_str()], 1));
}

/// The drill of the README: a backup while masker writes, the files lost, the
/// backup put back, and the server started again under a masker that goes on.
async fn restored_from(files: &[&str], args: &[&str]) {
    let mut server = Server::start(args).await;
    let store = Store::open(&impatient(&server.url())).await.unwrap();
    let scope = scope("a");
    let all = mappings(&scope, 200);
    save(&store, &scope, &all).await;
    server.command(&["SAVE"]).await;
    let backup = tempfile::tempdir().unwrap();
    for file in files {
        copy(&server.path().join(file), &backup.path().join(file));
    }
    let late = mappings(&scope, 210);
    save(&store, &scope, &late[200..]).await;
    server.kill().await;
    for file in files {
        let lost = server.path().join(file);
        if lost.is_dir() { std::fs::remove_dir_all(&lost) } else { std::fs::remove_file(&lost) }
            .unwrap();
        copy(&backup.path().join(file), &lost);
    }
    server.restart().await;
    // What was written after the backup is written again as it is used.
    for _ in 0..3000 {
        if !save(&store, &scope, &late).await.degraded && server.content().await.len() == 210 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let other = Store::open(&redis(&server.url())).await.unwrap();
    assert!(reveal(&other, &scope, &late).await == values(&late));
    assert_eq!((other.status().unreadable, other.status().collisions), (0, 0));
}

fn copy(from: &Path, to: &Path) {
    if !from.is_dir() {
        std::fs::copy(from, to).unwrap();
        return;
    }
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        copy(&entry.path(), &to.join(entry.file_name()));
    }
}

#[tokio::test]
async fn a_snapshot_is_put_back() {
    restored_from(&["dump.rdb"], &[]).await;
}

#[tokio::test]
async fn an_append_only_file_is_put_back() {
    restored_from(&["appendonlydir"], &["--appendonly", "yes", "--appendfsync", "always"]).await;
}
