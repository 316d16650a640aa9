//! Bodies of all sizes, compressed and not, and bombs.

use std::fmt::Write;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::bed::{Bed, Client};
use crate::messages::asking;
use crate::planted::{assert_unseen, find, header, prose};
use crate::provider::reply::compress;
use crate::refusals::assert_refused;

const MIB: usize = 1 << 20;
const JSON: (&str, &str) = ("content-type", "application/json");

/// A request of exactly this size, with planted values at both ends.
fn sized(bytes: usize) -> Vec<u8> {
    if bytes < 2000 {
        let mut body = br#"{"a":"hi you"}"#.to_vec();
        body.resize(bytes.max(body.len()), b' ');
        return body;
    }
    let mut text = prose();
    let empty = asking(&format!("{}{}", prose(), prose())).to_string().len();
    while text.len() + 100 < bytes - empty {
        write!(text, " The quick brown fox no. {} jumps over the lazy dog.", text.len())
            .expect("memory");
    }
    let mut body = asking(&format!("{text}{}", prose())).to_string().into_bytes();
    body.resize(bytes, b' ');
    body
}

#[tokio::test(flavor = "multi_thread")]
async fn every_size_is_masked() {
    let bed = Bed::usual().await;
    let sizes = [14, 15, 2_048, 16_384, 65_535, 65_536, 65_537, 262_143, 262_145, MIB, 5 * MIB + 1];
    for client in [Client::default(), Client::http2()] {
        for size in sizes {
            let url = bed.url("/v1/messages/count_tokens");
            let reply = client.send("POST", &url, &[JSON], sized(size)).await;
            assert_eq!(reply.status, 200, "{size}: {}", reply.text());
            let seen = bed.seen();
            assert_eq!(seen.len(), 1);
            assert_unseen(&seen);
            assert!(seen[0].complete);
            let (sent, got): (Value, Value) = (
                serde_json::from_slice(&sized(size)).expect("JSON"),
                serde_json::from_slice(&seen[0].body).expect("masked JSON parses"),
            );
            assert_eq!(sent["model"], got["model"]);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_limit_is_32_mib() {
    let bed = Bed::usual().await;
    let url = bed.url("/v1/messages/count_tokens");
    let reply = bed.client.send("POST", &url, &[JSON], sized(32 * MIB)).await;
    assert_eq!(reply.status, 200, "{}", reply.text());
    assert_unseen(&bed.seen());
    for size in [32 * MIB + 1, 33 * MIB] {
        let reply = Client::http2().send("POST", &url, &[JSON], sized(size)).await;
        assert_refused(&reply, 413, "announced");
        assert_eq!(bed.seen().len(), 0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_without_a_length_is_limited_too() {
    let bed = Bed::usual().await;
    let mut stream = TcpStream::connect(("127.0.0.1", bed.port)).await.expect("Envoy listens");
    let head = "POST /v1/messages HTTP/1.1\r\nhost: gateway\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n";
    stream.write_all(head.as_bytes()).await.expect("the head is sent");
    let (mut from, mut to) = stream.into_split();
    // No more than it takes: a peer that goes on sending may be reset before it has read.
    let sending = tokio::spawn(async move {
        for chunk in sized(33 * MIB).chunks(MIB) {
            let framed = [format!("{:x}\r\n", chunk.len()).as_bytes(), chunk, b"\r\n"].concat();
            if to.write_all(&framed).await.is_err() {
                break;
            }
        }
        // To let go of it would end the request.
        to
    });
    let mut answer = vec![0; 4096];
    let length = from.read(&mut answer).await.expect("an answer");
    let answer = String::from_utf8_lossy(&answer[..length]).into_owned();
    assert!(answer.starts_with("HTTP/1.1 413"), "{answer}");
    assert!(answer.contains("\"type\":\"error\""), "{answer}");
    sending.abort();
    assert_eq!(bed.seen().len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn compressed_requests_go_on_plain_and_masked() {
    let bed = Bed::usual().await;
    for coding in ["gzip", "deflate", "br", "zstd"] {
        let packed = compress(coding, asking(&prose()).to_string().as_bytes()).expect("a coding");
        let headers = [JSON, ("content-encoding", coding)];
        let reply = bed.client.send("POST", &bed.url("/v1/messages"), &headers, packed).await;
        assert_eq!(reply.status, 200, "{coding}: {}", reply.text());
        assert_eq!(reply.json()["content"][0]["text"], format!("I see: {}", prose()));
        let seen = bed.seen();
        assert_unseen(&seen);
        assert_eq!(header(&seen[0], "content-encoding"), None, "{coding}");
        let body: Value = serde_json::from_slice(&seen[0].body).expect("plain JSON");
        assert_eq!(body["model"], json!("claude-sonnet-5-5"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn bombs_are_refused() {
    let bed = Bed::usual().await;
    let mut bomb = asking(&prose()).to_string().into_bytes();
    bomb.resize(64 * MIB, b' ');
    for coding in ["gzip", "deflate", "br", "zstd"] {
        let packed = compress(coding, &bomb).expect("a coding");
        assert!(packed.len() < MIB, "{coding}");
        let headers = [JSON, ("content-encoding", coding)];
        let reply = bed.client.send("POST", &bed.url("/v1/messages"), &headers, packed).await;
        assert_refused(&reply, 413, coding);
        assert_eq!(bed.seen().len(), 0, "{coding}");
    }
    assert_eq!(find(&bed.logs()), None);
}
