//! What happens to headers, statuses, paths and errors.

use serde_json::json;

use crate::bed::{Bed, Signal};
use crate::messages::asking;
use crate::planted::{assert_unseen, header, prose};

#[tokio::test(flavor = "multi_thread")]
async fn only_harmless_headers_reach_the_provider() {
    let bed = Bed::usual().await;
    let headers = [
        ("content-type", "application/json"),
        ("x-api-key", "sk-ant-api03-e2e"),
        ("anthropic-version", "2023-06-01"),
        ("anthropic-beta", "some-beta-2026-01-01"),
        ("x-claude-code-session-id", "5f0c3f2e-0000-4000-8000-000000000001"),
        ("accept-encoding", "gzip, br, zstd"),
        ("x-masker-tenant", "somebody-else"),
        ("x-forwarded-for", "10.24.113.7"),
    ];
    let body = asking(&prose()).to_string().into_bytes();
    let reply = bed.client.send("POST", &bed.url("/v1/messages?beta=true"), &headers, body).await;
    assert_eq!(reply.status, 200, "{}", reply.text());
    let seen = bed.seen();
    assert_unseen(&seen);
    assert_eq!(seen[0].path, "/v1/messages?beta=true");
    let header = |name: &str| header(&seen[0], name);
    assert_eq!(header("x-masker-tenant"), None);
    assert_eq!(header("accept-encoding"), Some("identity"));
    for (name, value) in headers.iter().skip(1).take(4) {
        assert_eq!(header(name), Some(*value), "{name}");
    }
    let masker = seen[0].headers.iter().find(|(name, _)| name.starts_with("x-masker"));
    assert_eq!(masker, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn refusals_of_the_provider_pass_unchanged() {
    let bed = Bed::usual().await;
    let limits = json!({
        "retry-after": "17",
        "anthropic-ratelimit-requests-limit": "50",
        "anthropic-ratelimit-requests-reset": "2026-11-21T00:01:00Z",
    });
    for (status, message) in [
        (400, "messages.0: all messages must have non-empty content"),
        (401, "invalid x-api-key"),
        (429, "This request would exceed your organization's rate limit"),
        (500, "Internal server error"),
        (529, "Overloaded"),
    ] {
        let failure = json!({"status": status, "headers": limits, "message": message});
        bed.script(json!({"failures": [failure]}));
        let reply = bed.post("/v1/messages", &asking(&prose())).await;
        assert_eq!(i64::from(reply.status), status, "{}", reply.text());
        assert_eq!(reply.json()["error"]["message"], message);
        assert_eq!(reply.json()["request_id"], "req_011mockmockmockmockmock");
        for (name, value) in limits.as_object().expect("headers") {
            assert_eq!(reply.header(name), value.as_str().expect("text"), "{name}");
        }
        assert_eq!(reply.header("request-id"), "req_011mockmockmockmockmock");
        // Nobody between client and provider tries again.
        assert_eq!(bed.seen().len(), 1, "{status}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_keep_their_headers() {
    let bed = Bed::usual().await;
    let reply = bed.post("/v1/messages", &asking("Hello")).await;
    assert_eq!(reply.status, 200);
    assert_eq!(reply.header("anthropic-ratelimit-requests-remaining"), "41");
    assert_eq!(reply.header("anthropic-ratelimit-tokens-reset"), "2026-11-21T00:00:30Z");
    assert_eq!(reply.header("content-type"), "application/json");
}

#[tokio::test(flavor = "multi_thread")]
async fn envoys_own_errors_can_be_read_and_tried_again() {
    let bed = Bed::usual().await;
    // Nothing listens where `masker verify` would.
    let unreachable = bed.post("/masker-verify/v1/messages", &asking(&prose())).await;
    bed.masker.as_ref().expect("it runs").signal(Signal::Kill);
    let without = bed.post("/v1/messages", &asking(&prose())).await;
    for (reply, kind) in [(unreachable, "api_error"), (without, "overloaded_error")] {
        assert_eq!((reply.status, reply.header("retry-after")), (503, "2"), "{kind}");
        assert_eq!(reply.header("content-type"), "application/json", "{kind}");
        assert_eq!(reply.json()["type"], "error", "{kind}");
        assert_eq!(reply.json()["error"]["type"], kind);
    }
    // Masker's own errors stay as they are.
    let bed = Bed::usual().await;
    let body = json!({"requests": []});
    let own = bed.post("/v1/messages/batches", &body).await;
    assert_eq!(own.header("x-masker-refused"), "store_memory");
    assert!(own.text().contains("store.url"), "{}", own.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_providers_paths_have_a_route() {
    let bed = Bed::usual().await;
    let models = bed.client.get(&bed.url("/v1/models?limit=1000")).await;
    assert_eq!(models.status, 200);
    assert_eq!(models.json()["data"][0]["id"], "claude-sonnet-5-5");
    let hello = bed.client.send("HEAD", &bed.url("/api/hello"), &[], Vec::new()).await;
    assert_eq!((hello.status, hello.body.len()), (200, 0));
    assert_eq!(bed.client.get(&bed.url("/api/hello")).await.status, 200);
    assert_eq!(bed.seen().len(), 3);
    for path in ["/", "/v2/messages", "/api/other", "/__requests", "/metrics", "/api/hello/x"] {
        let reply = bed.client.get(&bed.url(path)).await;
        assert_eq!(reply.status, 404, "{path}");
        assert_eq!(reply.json()["error"]["type"], "not_found_error", "{path}");
        let reply = bed.post(path, &asking(&prose())).await;
        assert!((400..500).contains(&reply.status), "{path}: {}", reply.status);
    }
    // This path takes no body.
    let reply = bed.post("/api/hello", &asking(&prose())).await;
    assert_ne!(reply.status, 200);
    let seen = bed.seen();
    assert!(seen.iter().all(|seen| seen.body.is_empty()), "{}", seen.len());
    assert_unseen(&seen);
}
