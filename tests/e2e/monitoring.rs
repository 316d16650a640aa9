//! The monitoring API: every number against a known load, and who may not ask.

use serde_json::{Value, json};

use crate::bed::{Bed, Reply, program};
use crate::messages::{asking, streaming};
use crate::modes::{TOKEN, bed, command};
use crate::planted::{VALUES, find, prose};

const JSON: &str = "application/json";

pub(crate) fn url(bed: &Bed, path: &str) -> String {
    format!("http://127.0.0.1:{}/api/monitoring/{path}", bed.admin_port)
}

async fn send(bed: &Bed, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Reply {
    bed.client.send(method, &url(bed, path), headers, body.as_bytes().to_vec()).await
}

pub(crate) async fn get(bed: &Bed, path: &str) -> Value {
    let bearer = format!("Bearer {TOKEN}");
    let reply = send(bed, "GET", path, &[("authorization", &bearer)], "").await;
    assert_eq!(reply.status, 200, "{path}: {}", reply.text());
    assert_eq!(find(&reply.body), None, "{path}");
    reply.json()
}

/// Seven requests that are masked, two of them streamed, and two that are refused.
pub(crate) async fn load(bed: &Bed) {
    for stream in [false, false, false, false, false, true, true] {
        let request = if stream { streaming(&prose()) } else { asking(&prose()) };
        assert_eq!(bed.post("/v1/messages", &request).await.status, 200);
    }
    for _ in 0..2 {
        let headers = [("content-type", "image/png")];
        let reply = bed.client.send("POST", &bed.url("/v1/messages"), &headers, vec![1]).await;
        assert_eq!(reply.status, 415);
    }
    bed.until_metric("masker_requests_total{outcome=\"masked\"}", "7").await;
    bed.until_metric("masker_requests_total{outcome=\"refused\"}", "2").await;
}

fn sum(values: &Value, field: &str) -> u64 {
    values.as_array().expect("a list").iter().map(|own| own[field].as_u64().expect("a count")).sum()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_number_is_that_of_the_load() {
    let bed = bed("").await;
    load(&bed).await;
    let dashboard = get(&bed, "dashboard").await;
    let metrics = &dashboard["metrics"];
    for (name, expected) in [
        ("total_requests", 9),
        ("masked_requests", 7),
        ("refused_requests", 2),
        ("failed_requests", 0),
    ] {
        assert_eq!(metrics[name], expected, "{name} in {metrics}");
    }
    // The address is one value, and the account stands in one of two ARNs.
    let values = metrics["masked_values"].as_u64().expect("a count");
    assert_eq!(values % 7, 0);
    assert!(values / 7 >= VALUES.len() as u64, "{values}");
    assert_eq!(metrics["restored_values"], values);
    let patterns = get(&bed, "patterns?top=100").await;
    assert_eq!(sum(&patterns["patterns"], "count"), values);
    assert_eq!(
        patterns["patterns"].as_array().map(Vec::len),
        patterns["total_unique_patterns"].as_u64().and_then(|n| usize::try_from(n).ok())
    );
    let key = patterns["patterns"]
        .as_array()
        .and_then(|all| all.iter().find(|own| own["name"] == "ACCESS_KEY"));
    let key = key.expect("the access key was found");
    assert_eq!(
        (&key["count"], &key["critical"], &key["family"]),
        (&json!(7), &json!(true), &json!("iam_credentials"))
    );

    let period = get(&bed, "metrics?period=1min").await;
    assert_eq!(period["performance"]["requests"], 9);
    assert_eq!(period["performance"]["error_rate"], 0.0);
    assert_eq!(period["patterns"]["total_patterns_matched"], values);
    assert_eq!(period["security"]["blocked_requests"], 2);
    assert!(period["performance"]["p99_latency_ms"].as_f64().is_some_and(|ms| ms > 0.0));
    for (interval, points) in [("1min", 60), ("5min", 300), ("24h", 2)] {
        let trend = get(&bed, &format!("trends?interval={interval}&points={points}")).await;
        assert_eq!(trend["data"].as_array().map(Vec::len), Some(points));
        assert_eq!(sum(&trend["data"], "requests"), 9, "{interval}");
        assert_eq!(sum(&trend["data"], "patterns_matched"), values, "{interval}");
    }
    let health = get(&bed, "health").await;
    assert_eq!(health["status"], "HEALTHY", "{health}");
    let requests = get(&bed, "requests?limit=100").await;
    assert_eq!(requests["requests"].as_array().map(Vec::len), Some(9));
    // Envoy's log has these ids too; it is written later.
    let log = std::fs::read_to_string(bed.path("masker.err")).expect("masker logs");
    assert_eq!(log.matches("\"request_id\":\"").count(), 9, "{log}");
    for (hint, option) in [("add", "[[patterns]]"), ("allow", "[allow]")] {
        assert!(requests[hint].as_str().is_some_and(|text| text.starts_with(option)));
    }
    let first = &requests["requests"][8];
    assert_eq!((&first["outcome"], sum(&first["kinds"], "count")), (&json!("masked"), values / 7));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_mode_is_set_and_told() {
    let bed = bed("").await;
    let bearer = format!("Bearer {TOKEN}");
    let headers = [("authorization", bearer.as_str()), ("content-type", JSON)];
    let reason = "<script>alert(1)</script>";
    let body = json!({"mode": "BLOCK_ALL", "reason": reason, "expires_in": 600}).to_string();
    let reply = send(&bed, "POST", "emergency-mode", &headers, &body).await;
    assert_eq!((reply.status, &reply.json()["success"]), (200, &json!(true)), "{}", reply.text());
    let shown = get(&bed, "emergency-status").await;
    assert_eq!((&shown["mode"], &shown["reason"]), (&json!("BLOCK_ALL"), &json!(reason)));
    assert!(shown["expires_in"].as_u64().is_some_and(|left| left <= 600 && left > 500));
    assert_eq!(shown["circuit_breaker"]["state"], "CLOSED");
    assert_eq!(bed.post("/v1/messages", &asking("Hello")).await.status, 503);
    let health = send(&bed, "GET", "health", &headers[..1], "").await;
    assert_eq!((health.status, &health.json()["status"]), (503, &json!("CRITICAL")));
    for (body, part) in [
        (json!({"mode": "PANIC", "reason": "x"}), "Invalid mode"),
        (json!({"mode": "BYPASS", "reason": "x", "expires_in": 60}), "allow_bypass"),
        (json!({"mode": "DEGRADED", "reason": "x"}), "store does not answer"),
        (json!({"mode": "NORMAL", "reason": " "}), "reason must have"),
        (json!({"mode": "BLOCK_ALL", "reason": "x", "expires_in": 0}), "expires_in must"),
        (json!({"mode": "BLOCK_ALL", "reason": "x", "expires_in": 86_401}), "expires_in must"),
        (json!({"mode": "NORMAL", "reason": "x", "more": 1}), "must be an object"),
    ] {
        let reply = send(&bed, "POST", "emergency-mode", &headers, &body.to_string()).await;
        assert!(reply.text().contains(part), "{body}: {}", reply.text());
        assert!((400..500).contains(&reply.status));
    }
    let body = json!({"mode": "NORMAL", "reason": "the drill is over"}).to_string();
    assert_eq!(send(&bed, "POST", "emergency-mode", &headers, &body).await.status, 200);
    assert_eq!(bed.post("/v1/messages", &asking("Hello")).await.status, 200);
    let logs = String::from_utf8_lossy(&bed.logs()).into_owned();
    assert!(logs.contains("the drill is over") && logs.contains("emergency-mode"), "{logs}");
    assert!(!logs.contains(TOKEN));
    audited(&bed, &["the drill is over", "BLOCK_ALL for 600 s", "refused", "invalid"]);
}

pub(crate) async fn block(bed: &Bed) -> Reply {
    let bearer = format!("Bearer {TOKEN}");
    let headers = [("authorization", bearer.as_str()), ("content-type", JSON)];
    let body = json!({"mode": "BLOCK_ALL", "reason": "a drill"}).to_string();
    send(bed, "POST", "emergency-mode", &headers, &body).await
}

/// The audit log is whole, and holds all of this.
#[tokio::test(flavor = "multi_thread")]
async fn the_log_tells_as_much_as_is_asked_for() {
    let bed = bed("").await;
    let bearer = format!("Bearer {TOKEN}");
    let headers = [("authorization", bearer.as_str()), ("content-type", JSON)];
    assert_eq!(get(&bed, "log-level").await["level"], "info");
    let body = json!({"level": "error", "reason": "a quiet night"}).to_string();
    assert_eq!(send(&bed, "POST", "log-level", &headers[1..], &body).await.status, 401);
    for wrong in [json!({"level": "loud", "reason": "x"}), json!({"level": "debug"})] {
        let reply = send(&bed, "POST", "log-level", &headers, &wrong.to_string()).await;
        assert_eq!(reply.status, 400, "{}", reply.text());
    }
    assert_eq!(get(&bed, "log-level").await["level"], "info");
    let reply = send(&bed, "POST", "log-level", &headers, &body).await;
    assert_eq!((reply.status, &reply.json()["level"]), (200, &json!("error")));
    load(&bed).await;
    let log = String::from_utf8_lossy(&bed.logs()).into_owned();
    assert!(!log.contains("\"message\":\"exchange\""), "{log}");
    assert!(log.contains("\"log_level\":\"error\""), "who changed it is told: {log}");
    audited(&bed, &["a quiet night", "log level error", "invalid"]);
    let said = command(&bed, "log-level", &["info", "--reason", "morning"]);
    assert_eq!((said.status.code(), said.stdout), (Some(0), b"info, after error\n".to_vec()));
    audited(&bed, &["morning", "log level info"]);
    assert_eq!(bed.post("/v1/messages", &asking("Hello")).await.status, 200);
    bed.until_metric("masker_requests_total{outcome=\"masked\"}", "8").await;
    let log = String::from_utf8_lossy(&bed.logs()).into_owned();
    assert!(log.contains("\"message\":\"exchange\""), "{log}");
}

fn audited(bed: &Bed, parts: &[&str]) {
    let file = bed.path("audit");
    let verify = std::process::Command::new(env!("CARGO_BIN_EXE_masker"))
        .args(["audit", "verify"])
        .arg(&file)
        .output()
        .expect("masker runs");
    let said = String::from_utf8_lossy(&verify.stdout);
    assert!(verify.status.success() && said.contains("entries, from"), "{said}");
    let text = std::fs::read_to_string(file).expect("there is an audit log");
    for part in parts.iter().chain(&["\"start\""]) {
        assert!(text.contains(part), "{part}: {text}");
    }
    assert!(!text.contains(TOKEN));
}

type Headers = Vec<(&'static str, String)>;

/// Method, path, headers and body of what must not be answered.
type Attempt = (&'static str, String, Headers, String);

const PATHS: [&str; 10] = [
    "dashboard",
    "metrics",
    "alerts",
    "health",
    "patterns",
    "trends",
    "emergency-status",
    "requests",
    "events",
    "openapi.json",
];

const BAD_PATHS: [&str; 10] = [
    "../../etc/passwd",
    "..%2f..%2fetc%2fpasswd",
    "dashboard/../../metrics/x",
    "%2e%2e/livez",
    "emergency-mode/",
    "trends?points=301",
    "trends?points=99999999999",
    "patterns?top=-1",
    "alerts?limit=201",
    "metrics?period=1y",
];

fn attempts() -> Vec<Attempt> {
    let body = json!({"mode": "BLOCK_ALL", "reason": "x"}).to_string();
    let right = ("authorization", format!("Bearer {TOKEN}"));
    let json = ("content-type", JSON.to_owned());
    let mut all = Vec::new();
    let mut get = |path: &str, headers: Headers| {
        all.push(("GET", path.to_owned(), headers, String::new()));
    };
    for path in PATHS {
        get(path, vec![]);
        for wrong in [
            format!("Bearer {}", TOKEN.to_uppercase()),
            format!("Basic {TOKEN}"),
            "Bearer".to_owned(),
            format!("Bearer {TOKEN}x"),
            format!("Bearer {}", "x".repeat(8000)),
        ] {
            get(path, vec![("authorization", wrong)]);
        }
        for (name, value) in [("origin", "https://evil.example"), ("sec-fetch-site", "cross-site")]
        {
            get(path, vec![right.clone(), (name, value.to_owned())]);
        }
        get(&format!("{path}?x=1&%00=%3Cscript%3E"), vec![]);
    }
    for path in BAD_PATHS {
        get(path, vec![right.clone()]);
    }
    let signed = vec![right.clone(), json.clone()];
    let with = |name, value: &str| [signed.clone(), vec![(name, value.to_owned())]].concat();
    for headers in [
        vec![json.clone()],
        vec![right.clone()],
        vec![right, ("content-type", "text/plain".to_owned())],
        with("origin", "null"),
        with("sec-fetch-site", "same-site"),
        vec![("authorization", format!("Bearer {}", TOKEN.trim_start_matches('a'))), json],
    ] {
        all.push(("POST", "emergency-mode".to_owned(), headers, body.clone()));
    }
    let (deep, long) = ("[".repeat(4000), "x".repeat(5000));
    for bad in ["", "{", "[]", "null", "\u{0}", "{\"mode\":1}", &deep, &long] {
        all.push(("POST", "emergency-mode".to_owned(), signed.clone(), bad.to_owned()));
    }
    for method in ["PUT", "DELETE", "PATCH", "OPTIONS", "POST"] {
        all.push((method, "dashboard".to_owned(), signed.clone(), body.clone()));
    }
    all
}

#[tokio::test(flavor = "multi_thread")]
async fn attempts_without_a_right_to_it_come_to_nothing() {
    let bed = bed("").await;
    let attempts = attempts();
    assert!(attempts.len() >= 100);
    for (method, path, headers, body) in &attempts {
        let headers: Vec<_> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let reply = send(&bed, method, path, &headers, body).await;
        let case = format!("{method} {path} {headers:?}");
        assert!((400..500).contains(&reply.status), "{case}: {} {}", reply.status, reply.text());
        assert!(!reply.text().contains("<script>") && !reply.text().contains(TOKEN), "{case}");
        assert_eq!(reply.header("access-control-allow-origin"), "", "{case}");
    }
    assert_eq!(bed.metric("masker_mode").await, "0");
}

/// What the document says of parameters, bodies and answers is so; generated
/// requests, wrong ones too, find nothing else.
#[tokio::test(flavor = "multi_thread")]
async fn the_api_keeps_to_its_document() {
    let bed = bed("").await;
    load(&bed).await;
    let document = bed.path("openapi.json");
    let reply = get(&bed, "openapi.json").await;
    std::fs::write(&document, reply.to_string()).expect("the document is written");
    // What is wrong may also be too large.
    let statuses = "[400, 401, 403, 404, 405, 406, 409, 413, 415, 422, 428, 429]";
    let settings = format!("[checks]\nnegative_data_rejection.expected-statuses = {statuses}\n");
    std::fs::write(bed.path("schemathesis.toml"), settings).expect("settings are written");
    // While all is blocked, health rightly says 503.
    for (paths, checks) in [
        ("--exclude-path-regex=^/(events|health)$", "all"),
        ("--include-path=/health", "status_code_conformance,response_schema_conformance"),
    ] {
        let output = tokio::process::Command::new(program("SCHEMATHESIS"))
            .arg("run")
            .arg(&document)
            .args(["--url", &url(&bed, ""), "--checks", checks, paths])
            .args(["--max-examples", "25", "--no-color"])
            .args(["-H", &format!("Authorization: Bearer {TOKEN}")])
            .current_dir(bed.path(""))
            .kill_on_drop(true)
            .output()
            .await
            .expect("schemathesis runs");
        let text = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "{text}");
    }
}

/// Without a token file who reaches the port may look, if no other name led there.
#[tokio::test(flavor = "multi_thread")]
async fn without_a_token_one_may_look_and_not_touch() {
    let bed = Bed::start(crate::bed::Plan { no_envoy: true, ..Default::default() }).await;
    assert_eq!(send(&bed, "GET", "dashboard", &[], "").await.status, 200);
    let rebound = send(&bed, "GET", "dashboard", &[("host", "evil.example")], "").await;
    assert_eq!(rebound.status, 403, "{}", rebound.text());
    let body = json!({"mode": "BLOCK_ALL", "reason": "x"}).to_string();
    let reply = send(&bed, "POST", "emergency-mode", &[("content-type", JSON)], &body).await;
    assert_eq!(reply.status, 403);
    assert!(reply.text().contains("token_file"), "{}", reply.text());
    assert_eq!(bed.metric("masker_mode").await, "0");
    let health = send(&bed, "GET", "health", &[], "").await;
    assert_eq!((health.status, &health.json()["status"]), (503, &json!("WARNING")));
    assert_eq!(health.json()["details"][0], "envoy: no Envoy is connected");
}
