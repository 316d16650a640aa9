//! The Anthropic SDK for Python, as users have it.

use std::path::Path;

use crate::bed::{Bed, Plan, program};
use crate::planted::{VALUES, prose};

#[tokio::test(flavor = "multi_thread")]
async fn the_python_sdk_works_with_redis() {
    let bed = Bed::start(Plan { redis: true, ..Plan::default() }).await;
    let output = tokio::process::Command::new(program("PYTHON"))
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/e2e/sdk.py"))
        .env("GATEWAY", bed.url(""))
        .env("PROVIDER", format!("http://127.0.0.1:{}", bed.provider_port))
        .env("VALUES", serde_json::to_string(&VALUES).expect("JSON"))
        .env("PROSE", prose())
        .env_remove("ANTHROPIC_BASE_URL")
        .env_remove("ANTHROPIC_AUTH_TOKEN")
        .kill_on_drop(true)
        .output()
        .await
        .expect("Python runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}
