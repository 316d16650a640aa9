//! What somebody sees who has Redis: its traffic, its files, its memory.

use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use masker::mask::{Mapping, MasterKey, Ring};
use masker::store::{Store, Wants};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use zeroize::Zeroizing;

use crate::redis_server::Server;
use crate::{CANARY, mappings, redis, reveal, save, values};

const API_KEY: &[u8] = b"sk-ant-api03-canary-of-the-tests";

/// All commands that the server is sent from now on.
async fn monitor(server: &Server) -> Arc<Mutex<Vec<u8>>> {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let mut stream = TcpStream::connect(("127.0.0.1", server.port)).await.unwrap();
    stream.write_all(b"MONITOR\r\n").await.unwrap();
    let kept = Arc::clone(&seen);
    tokio::spawn(async move {
        let mut buffer = vec![0; 65536];
        while let Ok(len @ 1..) = stream.read(&mut buffer).await {
            kept.lock().unwrap().extend_from_slice(&buffer[..len]);
        }
    });
    for _ in 0..600 {
        if seen.lock().unwrap().starts_with(b"+OK") {
            return seen;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("MONITOR says nothing");
}

fn files(dir: &Path, found: &mut Vec<u8>) {
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, found);
        } else {
            found.extend(std::fs::read(path).unwrap());
        }
    }
}

#[tokio::test]
async fn traffic_and_files_hold_no_original_tenant_or_key() {
    let server = Server::start(&["--appendonly", "yes", "--aof-use-rdb-preamble", "no"]).await;
    let seen = monitor(&server).await;
    let mut ring = Ring::parse(&(0..32).collect::<Vec<u8>>()).unwrap();
    let master = MasterKey::of(ring.clone());
    let tenant = master.key_tenant(API_KEY);
    let scope = master.scope(&tenant);
    let store = Store::open(&redis(&server.url())).await.unwrap();
    store.expect_key(&master);
    let all = mappings(&scope, 60);
    save(&store, &scope, &all).await;
    assert_eq!(reveal(&store, &scope, &all).await, values(&all));
    // A collision, and values that are sealed again.
    let mut other = Mapping::clone(&mappings(&scope, 61)[60]);
    other.placeholder = all[0].placeholder.clone();
    let wants = Wants { save: vec![Arc::new(other)], ..Wants::default() };
    store.fetch(&scope, wants).await.unwrap_err();
    let id = ring.add(Zeroizing::new([7; 32])).unwrap();
    ring.make_current(id).unwrap();
    let rotated = MasterKey::of(ring).scope(&tenant);
    let second = Store::open(&redis(&server.url())).await.unwrap();
    save(&second, &rotated, &all).await;
    second.close(Duration::from_secs(10)).await;
    store.close(Duration::from_secs(10)).await;
    server.command(&["SAVE"]).await;
    server.command(&["SET", "last", "seen"]).await;
    for _ in 0..600 {
        if seen.lock().unwrap().ends_with(b"\"last\" \"seen\"\r\n") {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }

    let mut everything = seen.lock().unwrap().clone();
    assert!(everything.windows(5).filter(|part| part == b"\"SET\"").count() > 120);
    files(server.path(), &mut everything);
    assert!(everything.windows(5).any(|part| part == b"REDIS"), "the snapshot is there");
    let api_key = std::str::from_utf8(API_KEY).unwrap();
    for hidden in [CANARY, tenant.as_str(), api_key, "sk-ant", "AWS_EC2"] {
        let found = everything.windows(hidden.len()).any(|part| part == hidden.as_bytes());
        assert!(!found, "{hidden}");
    }
    for mapping in &all {
        let tag = mapping.placeholder.as_str().rsplit('_').next().unwrap();
        assert!(!everything.windows(tag.len()).any(|part| part == tag.as_bytes()), "a tag");
    }
}

async fn used(server: &Server) -> u64 {
    let info = server.text(&["INFO", "memory"]).await;
    let line = info.lines().find_map(|line| line.strip_prefix("used_memory:"));
    line.unwrap().trim().parse().unwrap()
}

/// Of values as long as an instance's id. `--no-capture` shows the number.
#[tokio::test]
async fn a_mapping_takes_at_most_200_bytes() {
    // Redis's tables, whose sizes are powers of two, are as full as with a million.
    const MAPPINGS: usize = 62_500;
    let server = Server::start(&[]).await;
    let store = Store::open(&redis(&server.url())).await.unwrap();
    let scope = crate::scope("a");
    save(&store, &scope, &mappings(&scope, 1)).await;
    let before = used(&server).await;
    save(&store, &scope, &mappings(&scope, MAPPINGS)).await;
    let each = (used(&server).await - before) / u64::try_from(MAPPINGS).unwrap();
    eprintln!("a mapping takes {each} bytes");
    assert!(each <= 200, "{each} bytes each");
}
