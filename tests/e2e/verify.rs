//! `masker verify` against a gateway that masks, one that does not, and none.

use std::process::Output;

use serde_json::Value;

use crate::bed::Bed;

async fn verify(bed: &Bed, format: &str) -> Output {
    tokio::process::Command::new(env!("CARGO_BIN_EXE_masker"))
        .args(["verify", &bed.url(""), "--format", format])
        .args(["--listen", &format!("127.0.0.1:{}", bed.verify_port)])
        .env_clear()
        .output()
        .await
        .expect("masker runs")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_that_masks_passes_and_one_that_is_blocked_proves_nothing() {
    let bed = crate::modes::bed("").await;
    let output = verify(&bed, "json").await;
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{text} {}", String::from_utf8_lossy(&output.stderr));
    let report: Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!(report["passed"], true);
    assert_eq!(report["checks"].as_array().map(Vec::len), Some(10));
    assert_eq!(bed.seen().len(), 0, "the provider gets nothing of it");
    let html = verify(&bed, "html").await;
    assert!(String::from_utf8_lossy(&html.stdout).contains("<h1>PASSED"));
    let reply = crate::monitoring::block(&bed).await;
    assert_eq!(reply.status, 200);
    let output = verify(&bed, "text").await;
    assert_eq!(output.status.code(), Some(1));
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(text.starts_with("FAILED") && text.contains("got 0 requests"), "{text}");
}

/// Without masker's filters the stand-in is reached directly: the leak shows.
#[tokio::test(flavor = "multi_thread")]
async fn what_leaks_is_named() {
    let bed =
        Bed::start(crate::bed::Plan { no_envoy: true, no_masker: true, ..Default::default() })
            .await;
    let address = format!("127.0.0.1:{}", bed.verify_port);
    let output = tokio::process::Command::new(env!("CARGO_BIN_EXE_masker"))
        .args(["verify", &format!("http://{address}"), "--listen", &address])
        .output()
        .await
        .expect("masker runs");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert!(text.contains("ARRIVED UNMASKED: EC2 instance, VPC"), "{text}");
    assert!(!text.contains("AKIA"), "no value is printed: {text}");
}
