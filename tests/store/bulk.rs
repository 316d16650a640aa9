//! `masker store`: what it counts, moves and deletes, on real servers.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Output;

use masker::store::Store;
use masker::store::bulk::{Bulk, Own, Place};
use masker::store::record::Plain;
use redis::Value;
use tokio::process::Command;

use crate::cluster::Cluster;
use crate::redis_server::Server;
use crate::{CANARY, mappings, records, redis, reveal, save, scope, values};

/// The key of [`scope`], in a file.
fn key_file(dir: &Path) -> PathBuf {
    let path = dir.join("key");
    fs::write(&path, (0..32).collect::<Vec<u8>>()).unwrap();
    let mode = <fs::Permissions as std::os::unix::fs::PermissionsExt>::from_mode(0o600);
    fs::set_permissions(&path, mode).unwrap();
    path
}

async fn masker(dir: &Path, url: &str, args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_masker"));
    command.arg("store").args(args).args(["--store", url, "--key-file"]).arg(key_file(dir));
    command.env_clear().output().await.unwrap()
}

/// What it says; it must have been done.
async fn done(dir: &Path, url: &str, args: &[&str]) -> String {
    let output = masker(dir, url, args).await;
    let text = |bytes| String::from_utf8(bytes).unwrap();
    assert!(output.status.success(), "{args:?}: {}", text(output.stderr));
    text(output.stdout)
}

async fn failed(dir: &Path, url: &str, args: &[&str], says: &str) {
    let output = masker(dir, url, args).await;
    assert!(!output.status.success(), "{args:?}");
    let text = String::from_utf8(output.stderr).unwrap();
    assert!(text.contains(says), "{args:?}: {text}");
}

async fn fill(url: &str, tenant: &str, count: usize) {
    let (store, scope) = (Store::open(&redis(url)).await.unwrap(), scope(tenant));
    assert!(!save(&store, &scope, &mappings(&scope, count)).await.degraded);
}

async fn holds(url: &str, tenant: &str, count: usize) -> usize {
    let (store, scope) = (Store::open(&redis(url)).await.unwrap(), scope(tenant));
    let all = mappings(&scope, count);
    let found = reveal(&store, &scope, &all).await;
    let right = found.iter().zip(values(&all)).filter(|(found, value)| **found == *value);
    assert!(found.iter().flatten().count() == right.clone().count(), "none is wrong");
    right.count()
}

const RECORD: &str = "of a conversation";

async fn record(url: &str, tenant: &str) {
    let store = Store::open(&redis(url)).await.unwrap();
    assert_eq!(records::write(&store, &scope(tenant), RECORD).await, None);
}

async fn recorded(url: &str, tenant: &str) -> Option<Plain> {
    let store = Store::open(&redis(url)).await.unwrap();
    records::read(&store, &scope(tenant)).await
}

#[tokio::test]
async fn all_moves_to_another_store() {
    let (from, to) = (Server::start(&[]).await, Server::start(&[]).await);
    let dir = tempfile::tempdir().unwrap();
    fill(&from.url(), "a", 3000).await;
    fill(&from.url(), "b", 700).await;
    record(&from.url(), "a").await;
    from.command(&["SET", "another", "m1:"]).await;
    let file = dir.path().join("export");
    let name = file.to_str().unwrap();
    let export = done(dir.path(), &from.url(), &["export", name]).await;
    assert_eq!(export, "3701 exported\n");
    let text = fs::read_to_string(&file).unwrap();
    assert!(!text.contains(CANARY) && !text.contains("another"));
    failed(dir.path(), &from.url(), &["export", name], "must not exist yet").await;
    failed(dir.path(), &from.url(), &["export", name, "--resume"], "nothing to resume").await;

    let import = done(dir.path(), &to.url(), &["import", name]).await;
    assert_eq!(import, "3701 imported, 0 were there\n");
    assert_eq!(holds(&to.url(), "a", 3000).await, 3000);
    assert_eq!(holds(&to.url(), "b", 700).await, 700);
    assert_eq!(recorded(&to.url(), "a").await, Some(records::plain(RECORD)));
    let content = from.content().await;
    let (key, sealed) = content.iter().find(|(key, _)| key.starts_with("m1:")).unwrap();
    let Value::Int(left) = to.command(&["TTL", key]).await else { panic!() };
    assert!((600_000..=604_800).contains(&left), "{left}");
    assert!(to.command(&["GET", key]).await == Value::BulkString(sealed.clone()));
    let again = done(dir.path(), &to.url(), &["import", name]).await;
    assert_eq!(again, "0 imported, 3701 were there\n");
}

#[tokio::test]
async fn an_export_that_was_cut_goes_on() {
    let server = Server::start(&[]).await;
    let dir = tempfile::tempdir().unwrap();
    fill(&server.url(), "a", 3000).await;
    let file = dir.path().join("export");
    let name = file.to_str().unwrap();
    done(dir.path(), &server.url(), &["export", name]).await;
    let whole = fs::read_to_string(&file).unwrap();
    // Rows live shorter the second time.
    let rows = |text: &str| -> Vec<String> {
        let own = text.lines().filter_map(|line| line.split_once(",\"left\"")).map(|(row, _)| row);
        let mut rows: Vec<_> = own.map(str::to_owned).collect();
        rows.sort_unstable();
        rows
    };
    let place = whole.find("{\"server\"").unwrap();
    assert_eq!(rows(&whole).len(), 3000);
    // Before the first place, in it, after it, in the last line.
    for cut in [place / 2, place, place + 5, place * 2, whole.len() - 3] {
        fs::write(&file, &whole.as_bytes()[..cut]).unwrap();
        let resumed = done(dir.path(), &server.url(), &["export", name, "--resume"]).await;
        assert_eq!(resumed, "3000 exported\n", "cut at {cut}");
        let resumed = fs::read_to_string(&file).unwrap();
        assert!(rows(&resumed) == rows(&whole), "cut at {cut}");
        assert!(resumed.ends_with("{\"end\":true}\n"));
    }
    fs::write(&file, &whole.as_bytes()[..place]).unwrap();
    let other = Server::start(&[]).await;
    let args = ["export", name, "--resume"];
    failed(dir.path(), &other.url(), &args, "of other servers").await;
}

#[tokio::test]
async fn a_file_that_is_damaged_stores_nothing() {
    let (from, to) = (Server::start(&[]).await, Server::start(&[]).await);
    let dir = tempfile::tempdir().unwrap();
    fill(&from.url(), "a", 3).await;
    let file = dir.path().join("export");
    let name = file.to_str().unwrap();
    done(dir.path(), &from.url(), &["export", name]).await;
    let whole = fs::read_to_string(&file).unwrap();
    for (damaged, says) in [
        (whole.replace("m1:", "m2:"), "line 2: not what"),
        (whole.replace("\"value\":\"", "\"value\":\"!"), "line 2: not what"),
        (whole.replace("\"version\":1", "\"version\":9"), "line 1: not what"),
        (whole.replace("{\"end\":true}", "rubbish"), "line 5: not what"),
        (String::new(), "line 1: not what"),
    ] {
        fs::write(&file, damaged).unwrap();
        failed(dir.path(), &to.url(), &["import", name], says).await;
        assert_eq!(to.command(&["DBSIZE"]).await, Value::Int(0));
    }
    fs::write(&file, whole.replace("{\"end\":true}\n", "")).unwrap();
    failed(dir.path(), &to.url(), &["import", name], "was not finished").await;
    assert_eq!(to.command(&["DBSIZE"]).await, Value::Int(3));
}

#[tokio::test]
async fn a_tenant_is_purged_and_no_other() {
    let server = Server::start(&[]).await;
    let (dir, url) = (tempfile::tempdir().unwrap(), server.url());
    fill(&url, "a", 1500).await;
    fill(&url, "b", 200).await;
    record(&url, "a").await;
    let stats = done(dir.path(), &url, &["stats"]).await;
    assert!(stats.contains("mappings  1700\nrecords   1\n"), "{stats}");
    assert!(stats.contains("seal key 0: 1701"), "{stats}");
    let stats = done(dir.path(), &url, &["stats", "--tenant", "b"]).await;
    assert!(stats.contains("mappings  200\nrecords   0\n"), "{stats}");

    failed(dir.path(), &url, &["purge", "--tenant", "a"], "--for-ever").await;
    assert_eq!(holds(&url, "a", 1500).await, 1500);
    let purge = ["purge", "--tenant", "a", "--for-ever"];
    assert_eq!(done(dir.path(), &url, &purge).await, "1501 deleted\n");
    assert_eq!(holds(&url, "a", 1500).await, 0);
    assert_eq!(holds(&url, "b", 200).await, 200);
    assert_eq!(recorded(&url, "a").await, None);
    assert_eq!(done(dir.path(), &url, &purge).await, "0 deleted\n");
}

#[tokio::test]
async fn memory_and_a_store_that_is_down_say_so() {
    let (dir, file) = (tempfile::tempdir().unwrap(), "export");
    for args in [&["stats"][..], &["export", file], &["import", file]] {
        failed(dir.path(), "memory", args, "set store.url").await;
    }
    let down = format!("redis://127.0.0.1:{}", crate::ports::port());
    failed(dir.path(), &down, &["stats"], "is it running there?").await;
    failed(dir.path(), &down, &["export", file], "connection").await;
    assert!(!dir.path().join(file).exists());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_primary_of_a_cluster_is_looked_through() {
    let cluster = Cluster::start().await;
    let (dir, url) = (tempfile::tempdir().unwrap(), cluster.url());
    fill(&url, "a", 2000).await;
    fill(&url, "b", 100).await;
    let stats = done(dir.path(), &url, &["stats"]).await;
    assert!(stats.contains("servers   3\nmappings  2100\n"), "{stats}");

    let bulk = Bulk::open(&redis(&url)).await.unwrap();
    let (mut at, mut keys, mut servers) = (Some(Place::default()), Vec::new(), Vec::new());
    while let Some(place) = at {
        let (rows, next) = bulk.page(place).await.unwrap();
        assert!(rows.iter().all(|row| row.own() == Some(Own::Mapping)));
        servers.push(place.server);
        keys.extend(rows.into_iter().map(|row| row.key));
        at = next;
    }
    keys.sort_unstable();
    keys.dedup();
    servers.dedup();
    assert_eq!((keys.len(), servers), (2100, vec![0, 1, 2]));

    let file = dir.path().join("export");
    let name = file.to_str().unwrap();
    done(dir.path(), &url, &["export", name]).await;
    let purge = ["purge", "--tenant", "a", "--for-ever"];
    assert_eq!(done(dir.path(), &url, &purge).await, "2000 deleted\n");
    assert_eq!((holds(&url, "a", 2000).await, holds(&url, "b", 100).await), (0, 100));
    let import = done(dir.path(), &url, &["import", name]).await;
    assert_eq!(import, "2000 imported, 100 were there\n");
    assert_eq!(holds(&url, "a", 2000).await, 2000);
}

async fn unmask(dir: &Path, url: &str, args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_masker"));
    command.args(["unmask", "--legacy", "--store", url, "--key-file"]).arg(key_file(dir));
    command.args(args).env_clear().output().await.unwrap()
}

#[tokio::test]
async fn transcripts_of_the_old_system_are_restored() {
    let (old, server) = (Server::start(&["--requirepass", "hush"]).await, Server::start(&[]).await);
    let dir = tempfile::tempdir().unwrap();
    let with_password = format!("redis://:hush@127.0.0.1:{}", old.port);
    for (name, value) in [
        ("map:AWS_EC2_001", "i-0canary00000001"),
        ("map:AWS_EC2_0010", "i-0canary00000010"),
        ("map:AWS_ARN_002", "a \"quoted\" one"),
        ("map:AWS_EC2_000", "i-0canary00000000"),
        ("map:rubbish", "x"),
        ("rev:aS0w", "AWS_EC2_001"),
        ("cnt:EC2", "10"),
    ] {
        let key = format!("aws_masker:{name}");
        crate::redis_server::command(&with_password, &["SET", &key, value]).await;
    }
    let (secret, from) = (dir.path().join("password"), old.url());
    fs::write(&secret, "hush\n").unwrap();
    let args = ["import-legacy", "--from", &from, "--tenant", "a", "--from-password-file"];
    let args = [&args[..], &[secret.to_str().unwrap()]].concat();
    let output = masker(dir.path(), &server.url(), &args).await;
    let notes = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success() && notes.contains("2 were left"), "{notes}");
    assert_eq!(String::from_utf8(output.stdout).unwrap(), "3 imported, 0 were there\n");
    assert_eq!(done(dir.path(), &server.url(), &args).await, "0 imported, 3 were there\n");
    let open = ["import-legacy", "--from", &with_password];
    failed(dir.path(), &server.url(), &open, "--from-password-file").await;
    let wrong = format!("{with_password}/?x");
    let output = masker(dir.path(), &server.url(), &["import-legacy", "--from", &wrong]).await;
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(told.starts_with("masker: --from: ") && !told.contains("hush"), "{told}");
    for (key, sealed) in server.content().await {
        let shows = |part: &[u8]| sealed.windows(part.len()).any(|bytes| bytes == part);
        assert!(!shows(CANARY.as_bytes()) && !shows(b"quoted") && !key.contains("AWS"));
    }

    let file = dir.path().join("transcript.jsonl");
    let text =
        "{\"text\":\"\\nAWS_EC2_001, AWS_EC2_0010.\"}\n{\"x\":\"AWS_EC2_000 AWS_ARN_002\"}\n";
    fs::write(&file, text).unwrap();
    let name = file.to_str().unwrap();
    let restored = unmask(dir.path(), &server.url(), &["--tenant", "a", name]).await;
    let right = "{\"text\":\"\\ni-0canary00000001, i-0canary00000010.\"}\n\
                 {\"x\":\"AWS_EC2_000 AWS_ARN_002\"}\n";
    assert_eq!(String::from_utf8(restored.stdout).unwrap(), right);
    assert!(String::from_utf8(restored.stderr).unwrap().contains("1 stay placeholders"));
    let args = ["--tenant", "a", "--format", "text", name];
    let restored = unmask(dir.path(), &server.url(), &args).await;
    assert!(String::from_utf8(restored.stdout).unwrap().contains("AWS_EC2_000 a \"quoted\" one"));
    let other = unmask(dir.path(), &server.url(), &["--tenant", "b", name]).await;
    assert_eq!(String::from_utf8(other.stdout).unwrap(), text);
    let memory = unmask(dir.path(), "memory", &[name]).await;
    assert!(!memory.status.success());
}
