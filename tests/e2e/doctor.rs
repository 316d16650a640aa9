//! `masker doctor` beside a running Envoy.

use std::process::Output;

use crate::bed::Bed;

async fn doctor(bed: &Bed, envoy: &str) -> Output {
    tokio::process::Command::new(env!("CARGO_BIN_EXE_masker"))
        .args(["doctor", "--key-file", &bed.path("key").to_string_lossy()])
        .args(["--envoy", &format!("unix:{}", bed.path(envoy).display())])
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
