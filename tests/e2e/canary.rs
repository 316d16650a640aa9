//! Everything is logged at its loudest, and still nothing of a payload is found.

use std::fs;
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

use crate::bed::{Bed, Plan, Signal};
use crate::messages::{asking, streaming};
use crate::planted::{VALUES, prose};
use crate::provider::reply::compress;

const KEY: &str = "sk-ant-api03-cAnArY0123456789abcdefghijklmnop";
/// Words of the prose that are no identifiers: body text is not logged either.
const WORDS: [&str; 2] = ["Please check", "That is all; thanks"];

async fn send(bed: &Bed, headers: &[(&str, &str)], body: Vec<u8>) -> Vec<u8> {
    let all = [&[("content-type", "application/json"), ("x-api-key", KEY)], headers].concat();
    bed.client.send("POST", &bed.url("/v1/messages"), &all, body).await.body
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_planted_is_in_logs_metrics_errors_or_redis() {
    let config = "[log]\nlevel = \"trace\"\n";
    let bed = Bed::start(Plan { redis: true, config, ..Plan::default() }).await;
    let mut outputs: Vec<(String, Vec<u8>)> = Vec::new();
    for (piece, stream) in [(1, true), (40, true), (9, false)] {
        bed.script(json!({"piece": piece}));
        let request = if stream { streaming(&prose()) } else { asking(&prose()) };
        send(&bed, &[], request.to_string().into_bytes()).await;
    }
    for (number, (headers, body)) in broken().into_iter().enumerate() {
        outputs.push((format!("error {number}"), send(&bed, &headers, body).await));
    }
    bed.redis.as_ref().expect("Redis runs").signal(Signal::Kill);
    for _ in 0..3 {
        send(
            &bed,
            &[("authorization", "Bearer sk-ant-oat01-cAnArY")],
            asking(&prose()).to_string().into_bytes(),
        )
        .await;
    }
    for path in ["/metrics", "/readyz", "/livez"] {
        let url = format!("http://127.0.0.1:{}{path}", bed.admin_port);
        outputs.push((path.to_owned(), bed.client.get(&url).await.body));
    }
    gather(bed.path("").as_path(), &mut outputs);
    assert!(outputs.iter().any(|(name, _)| name.ends_with(".aof")), "Redis wrote something");
    assert!(outputs.iter().any(|(name, found)| name.ends_with("masker.err") && !found.is_empty()));
    for (name, output) in &outputs {
        for needle in needles() {
            let found = memchr::memmem::find(output, needle.as_bytes());
            assert_eq!(found, None, "{needle:?} in {name}");
        }
    }
}

/// Headers and body.
type Broken = (Vec<(&'static str, &'static str)>, Vec<u8>);

/// Requests that are refused at different points.
fn broken() -> Vec<Broken> {
    let plain = asking(&prose()).to_string().into_bytes();
    let mut invalid = plain.clone();
    invalid.push(0xff);
    let packed = compress("gzip", &plain).expect("gzip");
    let mut secret = asking("Hello");
    secret["metadata"] = json!({"user_id": VALUES[3]});
    vec![
        (vec![], invalid),
        (vec![("content-encoding", "gzip")], packed[..packed.len() - 20].to_vec()),
        (vec![("content-encoding", "x-unknown")], plain.clone()),
        (vec![], secret.to_string().into_bytes()),
        (vec![], format!("{}{}", "[".repeat(500), prose()).into_bytes()),
        (vec![("content-encoding", "br")], plain),
    ]
}

/// What must not be found: values, key and text, and how else they are written.
fn needles() -> Vec<String> {
    let plain = VALUES.into_iter().chain(WORDS).chain([KEY, "sk-ant-oat01-cAnArY"]);
    plain
        .flat_map(|text| {
            let bytes: Vec<String> = text.bytes().map(|byte| byte.to_string()).collect();
            let hex: String = text.bytes().map(|byte| format!("{byte:02x}")).collect();
            let base64 = STANDARD.encode(text);
            [text.to_owned(), bytes.join(", "), hex, base64.trim_end_matches('=').to_owned()]
        })
        .collect()
}

fn gather(dir: &Path, into: &mut Vec<(String, Vec<u8>)>) {
    for entry in fs::read_dir(dir).expect("a directory").filter_map(Result::ok) {
        let path = entry.path();
        if path.is_dir() {
            gather(&path, into);
        } else if let Ok(bytes) = fs::read(&path) {
            into.push((path.display().to_string(), bytes));
        }
    }
}
