//! What differs for one tenant, and what is counted of it.

use std::fs;

use serde_json::{Value, json};

use crate::bed::{Bed, Reply, Signal};
use crate::messages::asking;

const PAYMENTS: &str = "sk-ant-api03-payments";
const APPLIED: &str = "masker_config_reloads_total{result=\"applied\"}";

async fn ask(bed: &Bed, key: &str, request: &Value) -> Reply {
    let headers = [("content-type", "application/json"), ("x-api-key", key)];
    bed.client.send("POST", &bed.url("/v1/messages"), &headers, request.to_string().into()).await
}

/// What the provider saw of a text, if it was let through.
async fn shown(bed: &Bed, key: &str, text: &str) -> String {
    let reply = ask(bed, key, &asking(text)).await;
    assert_eq!(reply.status, 200, "{}", reply.text());
    assert_eq!(reply.json()["content"][0]["text"], format!("I see: {text}"));
    let seen = bed.seen();
    assert_eq!(seen.len(), 1);
    String::from_utf8_lossy(&seen[0].body).into_owned()
}

fn image() -> Value {
    let source = json!({"type": "base64", "media_type": "image/png", "data": "iVBORw0KGgo="});
    let mut request = asking("");
    request["messages"][0]["content"] = json!([{"type": "image", "source": source}]);
    request
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tenant_has_patterns_limits_refusals_and_numbers_of_its_own() {
    let bed = Bed::usual().await;
    let keys = bed.path("payments-keys");
    fs::write(&keys, PAYMENTS).expect("the keys are written");
    let config = format!(
        "[[patterns]]\nname = \"orders\"\nkind = \"ORDER\"\nliterals = [\"ORD-1234\"]\n\
         tenants = [\"payments\"]\n\
         [[tenants]]\nname = \"payments\"\nkeys_file = {}\nprofile = \"strict\"\n\
         families_off = [\"network\"]\nbody = \"4KiB\"\nrefuse = [\"images\"]\n",
        json!(keys)
    );
    fs::write(bed.path("masker.toml"), config).expect("the configuration is written");
    bed.masker.as_ref().expect("masker runs").signal(Signal::HangUp);
    bed.until_metric(APPLIED, "1").await;

    let text = "ORD-1234 in 482913746502 at 10.24.113.7";
    let own = shown(&bed, PAYMENTS, text).await;
    assert!(!own.contains("ORD-1234") && !own.contains("482913746502"), "{own}");
    assert!(own.contains("10.24.113.7"), "the family is off: {own}");
    let other = shown(&bed, "sk-ant-api03-other", text).await;
    assert!(other.contains("ORD-1234") && other.contains("482913746502"), "{other}");
    assert!(!other.contains("10.24.113.7"), "{other}");

    let long = asking(&"The quick brown fox. ".repeat(300));
    for (request, refused) in [(&long, 413), (&image(), 422)] {
        let reply = ask(&bed, PAYMENTS, request).await;
        assert_eq!(reply.status, refused, "{}", reply.text());
        assert_eq!(bed.seen().len(), 0);
        assert_eq!(ask(&bed, "sk-ant-api03-other", request).await.status, 200);
        bed.seen();
    }
    for (metric, wanted) in [
        ("requests_total{tenant=\"payments\",outcome=\"masked\"}", "1"),
        ("requests_total{tenant=\"payments\",outcome=\"refused\"}", "2"),
        ("requests_total{tenant=\"other\",outcome=\"masked\"}", "3"),
        ("findings_total{tenant=\"payments\"}", "2"),
        ("findings_total{tenant=\"other\"}", "1"),
        ("restored_total{tenant=\"payments\"}", "2"),
    ] {
        bed.until_metric(&format!("masker_tenant_{metric}"), wanted).await;
    }
}
