//! The dashboard in a real browser: `dashboard.py` clicks, reads and looks.

use std::path::Path;

use serde_json::json;

use crate::bed::program;
use crate::modes::{TOKEN, bed};
use crate::monitoring::{get, load};

#[tokio::test(flavor = "multi_thread")]
async fn the_dashboard_shows_the_load_and_sets_the_mode() {
    let bed = bed("").await;
    load(&bed).await;
    let numbers = get(&bed, "dashboard").await;
    let expected = json!({
        "Requests": "9",
        "Masked values": numbers["metrics"]["masked_values"].to_string(),
        "Restored": numbers["metrics"]["restored_values"].to_string(),
        "Refused": "2",
        "Failed": "0",
    });
    let masker = bed.masker.as_ref().expect("masker runs").id().to_string();
    let output = tokio::process::Command::new(program("PYTHON"))
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/e2e/dashboard.py"))
        .env("URL", format!("http://127.0.0.1:{}/", bed.admin_port))
        .env("CHROMEDRIVER", program("CHROMEDRIVER"))
        .env("AXE", program("AXE"))
        .env("TOKEN", TOKEN)
        .env("EXPECTED", expected.to_string())
        .env("MASKER", masker)
        .env("PROFILE", bed.path("browser"))
        .kill_on_drop(true)
        .output()
        .await
        .expect("Python runs");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
}
