//! Clients that go away take nobody with them.

use std::time::Duration;

use h2::Reason;
use http::Request;
use serde_json::json;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use crate::bed::{Bed, Plan, Streamed};
use crate::messages::{asking, streaming};
use crate::planted::{assert_unseen, prose};

const REQUESTS: usize = 20_000;
/// Envoy closes a connection on which about 250 streams were reset early.
const PER_CONNECTION: usize = 200;
const PER_ROUND: usize = 1_000;

#[tokio::test(flavor = "multi_thread")]
async fn twenty_thousand_aborted_requests_beside_a_healthy_stream() {
    let config = "[log]\nlevel = \"warn\"\n";
    let bed = Bed::start(Plan { config, ..Plan::default() }).await;
    bed.script(json!({"piece": 2, "delay_ms": 60}));
    let url = bed.url("/v1/messages");
    let (client, body) = (bed.client.clone(), streaming(&prose()).to_string().into_bytes());
    let healthy = tokio::spawn(async move {
        client.send("POST", &url, &[("content-type", "application/json")], body).await
    });
    for _ in 0..REQUESTS / PER_ROUND {
        let mut clients = JoinSet::new();
        for _ in 0..PER_ROUND / PER_CONNECTION {
            clients.spawn(abort_many(bed.port));
        }
        while let Some(ended) = clients.join_next().await {
            ended.expect("no panic");
        }
        // Envoy's ping waits in line behind the aborted requests: a machine that is
        // busy with other tests would not answer it in time.
        bed.until_quiet().await;
    }
    let reply = healthy.await.expect("no panic");
    assert!(reply.complete);
    assert_eq!(Streamed::read(&reply.text()).text, format!("I see: {}", prose()));
    // And it serves on.
    bed.script(json!({}));
    let reply = bed.post("/v1/messages", &asking(&prose())).await;
    assert_eq!(reply.json()["content"][0]["text"], format!("I see: {}", prose()));
    let seen = bed.seen();
    assert_eq!(seen.len(), 2, "aborted requests never got there");
    assert_unseen(&seen);
}

/// Opens requests on one connection and resets each after its head.
async fn abort_many(port: u16) {
    let stream = TcpStream::connect(("127.0.0.1", port)).await.expect("Envoy listens");
    let (mut client, connection) = h2::client::handshake(stream).await.expect("HTTP/2");
    let driver = tokio::spawn(connection);
    for _ in 0..PER_CONNECTION {
        client = client.ready().await.expect("a free stream");
        let request = Request::post("http://gateway/v1/messages")
            .header("content-type", "application/json")
            .body(())
            .expect("a request");
        let (_answer, mut body) = client.send_request(request, false).expect("a stream");
        tokio::task::yield_now().await;
        body.send_reset(Reason::CANCEL);
    }
    drop(client);
    driver.abort();
}

#[tokio::test(flavor = "multi_thread")]
async fn half_a_request_never_reaches_the_provider() {
    let bed = Bed::usual().await;
    let body = asking(&prose()).to_string();
    let (half, _) = body.split_at(body.len() - 1);
    for _ in 0..50 {
        let mut stream = TcpStream::connect(("127.0.0.1", bed.port)).await.expect("Envoy listens");
        let head = format!(
            "POST /v1/messages HTTP/1.1\r\nhost: gateway\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{half}",
            body.len()
        );
        stream.write_all(head.as_bytes()).await.expect("sent");
        stream.shutdown().await.expect("closed");
    }
    let reply = bed.post("/v1/messages", &asking(&prose())).await;
    assert_eq!(reply.status, 200);
    assert_eq!(bed.seen().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn aborted_answers_leave_nothing_behind() {
    let bed = Bed::usual().await;
    bed.script(json!({"piece": 1, "delay_ms": 5}));
    for _ in 0..30 {
        let body = streaming(&prose()).to_string().into_bytes();
        let headers = [("content-type", "application/json")];
        let answer = bed.client.open("POST", &bed.url("/v1/messages"), &headers, body).await;
        drop(answer.expect("an answer"));
    }
    // The gauge of running exchanges goes back to nothing.
    let mut running = String::new();
    for _ in 0..200 {
        running = bed.metric("masker_exchanges").await;
        if running == "0" {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("{running} exchanges are left");
}
