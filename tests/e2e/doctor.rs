//! `masker doctor` beside a running Envoy.

use std::process::Output;

use crate::bed::Bed;

async fn doctor(bed: &Bed, envoy: &str) -> Output {
    with_baseline(bed, envoy, &[]).await
}

async fn with_baseline(bed: &Bed, envoy: &str, more: &[&str]) -> Output {
    tokio::process::Command::new(env!("CARGO_BIN_EXE_masker"))
        .args(["doctor", "--key-file", &bed.path("key").to_string_lossy()])
        .args(["--envoy", &format!("unix:{}", bed.path(envoy).display())])
        .args(more)
        .env_clear()
        .output()
        .await
        .expect("masker runs")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_that_is_well_is_told_and_what_is_missing_too() {
    let bed = Bed::usual().await;
    let reply = bed.post("/v1/messages", &crate::messages::asking("hello")).await;
    assert_eq!(reply.status, 200);
    let output = doctor(&bed, "envoy.sock").await;
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{text} {}", String::from_utf8_lossy(&output.stderr));
    for words in [
        "ok    keys: the file was written 0 days ago",
        "ok    envoy: has handed 1 requests to masker",
        "ok    envoy: the second lock is there",
        "ok    envoy: 1 maskers are healthy",
        "ok    clock: ",
    ] {
        assert!(text.contains(words), "{words} in {text}");
    }
    let output = doctor(&bed, "none.sock").await;
    let text = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert!(text.contains("BAD   envoy: ") && text.contains("start Envoy"), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_baseline_is_recorded_and_compared_with() {
    let bed = Bed::usual().await;
    let (file, admin) = (bed.path("baseline"), format!("127.0.0.1:{}", bed.admin_port));
    let file = file.to_string_lossy();
    let more = ["--baseline", &file, "--admin", &admin];
    let ask = async || {
        let output = with_baseline(&bed, "envoy.sock", &more).await;
        (output.status.code(), String::from_utf8_lossy(&output.stdout).into_owned())
    };
    let (code, text) = ask().await;
    assert!(code == Some(0) && text.contains("note  baseline: fewer than 100 requests"), "{text}");
    for _ in 0..100 {
        let reply = bed.post("/v1/messages", &crate::messages::asking("hello")).await;
        assert_eq!(reply.status, 200);
    }
    bed.until_metric("masker_requests_total{outcome=\"masked\"}", "100").await;
    let (code, text) = ask().await;
    assert!(code == Some(0) && text.contains("ok    baseline: recorded: request p95 "), "{text}");
    let (code, text) = ask().await;
    assert!(code == Some(0) && text.contains("ok    baseline: as on 2"), "{text}");
    // Many refusals are worse.
    let url = bed.url("/v1/messages");
    for _ in 0..20 {
        let headers = [("content-type", "image/png")];
        assert_eq!(bed.client.send("POST", &url, &headers, vec![1]).await.status, 415);
    }
    bed.until_metric("masker_requests_total{outcome=\"refused\"}", "20").await;
    let (code, text) = ask().await;
    assert_eq!(code, Some(1), "{text}");
    assert!(text.contains("BAD   baseline: refused is 16.7 %; it was 0.0 on 2"), "{text}");
}
