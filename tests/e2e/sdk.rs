//! The SDKs for Python and TypeScript, as users have them.

use std::path::Path;
use std::process::Output;

use sha2::{Digest, Sha256};

use crate::bed::{Bed, Plan, program};
use crate::planted::{VALUES, prose};

async fn run(bed: &Bed, script: &str, checks: &[&str]) -> Output {
    let arns = if checks.is_empty() { "" } else { "yes" };
    let typescript = Path::new(script).extension().is_some_and(|extension| extension == "mjs");
    tokio::process::Command::new(program(if typescript { "NODE" } else { "PYTHON" }))
        .env("NODE_SDKS", program("NODE_SDKS"))
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/e2e").join(script))
        .args(checks)
        .env("GATEWAY", bed.url(""))
        .env("PROVIDER", format!("http://127.0.0.1:{}", bed.provider_port))
        .env("VALUES", serde_json::to_string(&VALUES).expect("JSON"))
        .env("PROSE", prose())
        .env("ARNS", arns)
        .env_remove("ANTHROPIC_BASE_URL")
        .env_remove("ANTHROPIC_AUTH_TOKEN")
        .kill_on_drop(true)
        .output()
        .await
        .expect("Python and Node run")
}

#[tokio::test(flavor = "multi_thread")]
async fn the_python_sdk_works_with_redis() {
    let bed = Bed::start(Plan { redis: true, ..Plan::default() }).await;
    let output = run(&bed, "sdk.py", &[]).await;
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_sdks_of_openai_google_and_aws_work() {
    // Files are kept by the provider, and so their mappings must be.
    let bed = Bed::start(Plan { redis: true, ..Plan::default() }).await;
    let output = run(&bed, "sdks.py", &[]).await;
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_sdks_for_typescript_work() {
    let bed = Bed::usual().await;
    let output = run(&bed, "sdks.mjs", &[]).await;
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// What the client may not sign, Envoy does: over the masked body, of any size.
#[tokio::test(flavor = "multi_thread")]
async fn envoy_signs_what_was_masked() {
    let bed = Bed::start(Plan { sign: true, ..Plan::default() }).await;
    let output = run(&bed, "sdks.py", &["invoke", "converse"]).await;
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let long = format!("{} {}", VALUES[0], "word ".repeat(600_000));
    let body = serde_json::json!({"messages": [{"role": "user", "content": [{"text": long}]}]});
    bed.seen();
    let reply = bed.post("/model/amazon.nova-v1%3A0/converse", &body).await;
    assert_eq!(reply.status, 200);
    let seen = bed.seen();
    let header = |name| {
        let found = seen[0].headers.iter().find(|(own, _)| own == name);
        found.map(|(_, value)| value.clone()).unwrap_or_default()
    };
    assert!(header("authorization").starts_with("AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/"));
    let hash: String = Sha256::digest(&seen[0].body).iter().map(|b| format!("{b:02x}")).collect();
    assert_eq!(header("x-amz-content-sha256"), hash);
    assert!(!String::from_utf8_lossy(&seen[0].body).contains(VALUES[0]));
}
