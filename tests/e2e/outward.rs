//! What masker tells others: a webhook, channels and a stream of a real Redis.

use std::fs;
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{sleep, timeout};

use crate::bed::{Bed, Plan, Signal};
use crate::messages::{asking, streaming};
use crate::modes::TOKEN;
use crate::monitoring::block;
use crate::planted::{VALUES, find, header, prose};

const PATIENCE: Duration = Duration::from_secs(30);

/// How many requests came, and what was taken, behind its authorization.
type Came = (u32, Vec<(String, Value)>);

/// Refuses the first request, and keeps the others.
#[derive(Clone, Debug, Default)]
struct Hook(Arc<Mutex<Came>>);

impl Hook {
    async fn start(self) -> u16 {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let own = self.clone();
                let service = service_fn(move |request| own.clone().take(request));
                let served = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
                tokio::spawn(async move { served.await.ok() });
            }
        });
        port
    }

    async fn take(self, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, hyper::Error> {
        let authorization = request.headers().get("authorization").cloned();
        let authorization = authorization.expect("a token").to_str().expect("text").to_owned();
        let path = request.uri().path().to_owned();
        let body = request.into_body().collect().await?.to_bytes();
        let mut own = self.0.lock().expect("no panic");
        own.0 += 1;
        let status = if own.0 == 1 { 503 } else { 204 };
        if status == 204 {
            let body = serde_json::from_slice(&body).expect("JSON");
            own.1.push((format!("{authorization} {path}"), body));
        }
        Ok(Response::builder().status(status).body(Full::default()).expect("an answer"))
    }

    /// What came, once there are so many.
    async fn until(&self, count: usize) -> Vec<(String, Value)> {
        for _ in 0..600 {
            let came = self.0.lock().expect("no panic").1.clone();
            if came.len() >= count {
                return came;
            }
            sleep(Duration::from_millis(50)).await;
        }
        panic!("{:?}", self.0);
    }
}

/// A bed whose masker is configured by what was written into its directory.
async fn configured(config: impl FnOnce(&Bed) -> String) -> Bed {
    let plan = Plan { redis: true, no_masker: true, no_envoy: true, ..Plan::default() };
    let mut bed = Bed::start(plan).await;
    let text = config(&bed);
    fs::write(bed.path("masker.toml"), text).expect("the configuration is written");
    bed.start_masker(true).await;
    bed.with_envoy().await
}

fn written(bed: &Bed, name: &str, text: &str) -> Value {
    use std::os::unix::fs::PermissionsExt as _;
    let path = bed.path(name);
    fs::write(&path, text).expect("written");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).expect("private");
    json!(path)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_webhook_is_told_of_alerts_and_tried_again() {
    let hook = Hook::default();
    let port = hook.clone().start().await;
    let bed = configured(|bed| {
        let url = written(bed, "url", &format!("http://127.0.0.1:{port}/hooks/canary\n"));
        let token = written(bed, "token", "hook-token\n");
        let admin = written(bed, "admin-token", TOKEN);
        format!(
            "[admin]\ntoken_file = {admin}\n[alerts.webhook]\nurl_file = {url}\ntoken_file = {token}\n"
        )
    })
    .await;
    assert_eq!(block(&bed).await.status, 200);
    let came = hook.until(1).await;
    let (to, message) = &came[0];
    assert_eq!(to, "Bearer hook-token /hooks/canary");
    assert_eq!((&message["source"], &message["alert"]["active"]), (&json!("masker"), &json!(true)));
    let text = message["text"].as_str().expect("a text");
    assert!(text.starts_with("masker: ") && text.contains("BLOCK"), "{message}");
    bed.until_metric("masker_webhook_total{result=\"sent\"}", "1").await;
    let logs = String::from_utf8_lossy(&bed.logs()).into_owned();
    assert!(!logs.contains("hooks/canary") && !logs.contains("hook-token"), "{logs}");
}

/// The spans of a request to the collector, by name.
fn spans(body: &Value) -> Vec<&Value> {
    let all = body["resourceSpans"][0]["scopeSpans"][0]["spans"].as_array();
    all.expect("spans").iter().collect()
}

fn attribute<'v>(span: &'v Value, key: &str) -> &'v Value {
    let all = span["attributes"].as_array().expect("attributes");
    &all.iter().find(|own| own["key"] == key).expect("the attribute")["value"]
}

#[tokio::test(flavor = "multi_thread")]
async fn spans_go_to_a_collector_under_the_trace_of_the_client() {
    let hook = Hook(Arc::new(Mutex::new((1, Vec::new()))));
    let port = hook.clone().start().await;
    let bed = configured(|bed| {
        let url = written(bed, "url", &format!("http://127.0.0.1:{port}/v1/traces"));
        let token = written(bed, "token", "collector-token");
        format!("[traces]\nurl_file = {url}\ntoken_file = {token}\npercent = 0\n")
    })
    .await;
    let (trace, parent) = ("4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7");
    for (flags, request) in [("00", asking("no trace")), ("01", asking(&prose()))] {
        let parent = format!("00-{trace}-{parent}-{flags}");
        let headers = [("content-type", "application/json"), ("traceparent", parent.as_str())];
        let body = request.to_string().into_bytes();
        let reply = bed.client.send("POST", &bed.url("/v1/messages"), &headers, body).await;
        assert_eq!(reply.status, 200);
        let seen = bed.seen();
        let went_on = header(seen.last().expect("a request"), "traceparent");
        assert!(went_on.is_some_and(|went_on| went_on.contains(trace)), "{went_on:?}");
    }
    assert_eq!(bed.post("/v1/messages", &asking("none of a hundred")).await.status, 200);
    let (to, body) = hook.until(1).await.remove(0);
    assert_eq!(to, "Bearer collector-token /v1/traces");
    assert_eq!(find(body.to_string().as_bytes()), None);
    let service = &body["resourceSpans"][0]["resource"]["attributes"][0];
    assert_eq!(service["value"]["stringValue"], "masker");
    let spans = spans(&body);
    let [exchange, mask] = spans.as_slice() else { panic!("{body}") };
    assert_eq!((&exchange["name"], &exchange["traceId"]), (&json!("exchange"), &json!(trace)));
    assert_eq!(exchange["parentSpanId"], parent);
    assert_eq!((&mask["name"], &mask["parentSpanId"]), (&json!("mask"), &exchange["spanId"]));
    let masked = attribute(exchange, "masker.masked")["intValue"].as_str().expect("a number");
    assert!(masked.parse::<usize>().expect("a number") >= VALUES.len());
    assert_eq!(attribute(exchange, "masker.outcome")["stringValue"], "masked");
    let nanos = |span: &Value, key: &str| -> u128 {
        span[key].as_str().expect("a time").parse().expect("a number")
    };
    let [began, from, until, ended] = [
        nanos(exchange, "startTimeUnixNano"),
        nanos(mask, "startTimeUnixNano"),
        nanos(mask, "endTimeUnixNano"),
        nanos(exchange, "endTimeUnixNano"),
    ];
    assert!(began <= from && from < until && until <= ended, "{body}");
    let log = String::from_utf8_lossy(&bed.logs()).into_owned();
    assert!(log.contains(trace) && !log.contains("collector-token"), "{log}");
    bed.until_metric("masker_traces_total{result=\"sent\"}", "1").await;
}

/// Everything that is published, from now on.
struct Subscribed(BufReader<TcpStream>);

impl Subscribed {
    async fn to_all(bed: &Bed) -> Self {
        let stream = TcpStream::connect(("127.0.0.1", bed.redis_port)).await;
        let mut stream = stream.expect("Redis listens");
        stream.write_all(b"PSUBSCRIBE aws-masker:*\r\n").await.expect("sent");
        let mut own = Self(BufReader::new(stream));
        own.array().await;
        own
    }

    /// The texts of one array of the protocol, numbers left out.
    async fn array(&mut self) -> Vec<String> {
        let count: usize =
            self.line().await.trim_start_matches(['*', '>']).parse().expect("a count");
        let mut texts = Vec::new();
        for _ in 0..count {
            let head = self.line().await;
            if let Some(length) = head.strip_prefix('$') {
                let mut text = vec![0; length.parse::<usize>().expect("a length") + 2];
                self.0.read_exact(&mut text).await.expect("a text");
                texts.push(String::from_utf8_lossy(&text).trim_end().to_owned());
            }
        }
        texts
    }

    async fn line(&mut self) -> String {
        let mut line = String::new();
        timeout(PATIENCE, self.0.read_line(&mut line)).await.expect("in time").expect("a line");
        line.trim_end().to_owned()
    }

    /// The next message of this channel; others are read over, and hold nothing planted.
    async fn next(&mut self, channel: &str) -> Value {
        loop {
            let parts = self.array().await;
            let [_, _, name, text] = parts.as_slice() else { panic!("{parts:?}") };
            assert_eq!(find(text.as_bytes()), None, "{text}");
            if name == channel {
                return serde_json::from_str(text).expect("JSON");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn events_are_published_under_their_old_names() {
    let bed = configured(|bed| {
        let admin = written(bed, "admin-token", TOKEN);
        format!(
            "[admin]\ntoken_file = {admin}\n[events]\nevery = \"1s\"\n\
             channels = [\"masking\", \"unmasking\", \"security\", \"performance\"]\n"
        )
    })
    .await;
    let mut heard = Subscribed::to_all(&bed).await;
    for request in [asking(&prose()), streaming(&prose())] {
        assert_eq!(bed.post("/v1/messages", &request).await.status, 200);
    }
    let masking = heard.next("aws-masker:events:masking").await;
    assert_eq!(
        (&masking["event_type"], &masking["success"]),
        (&json!("masking_applied"), &json!(true))
    );
    assert_eq!(masking["patterns_applied"]["ACCESS_KEY"], 1);
    assert!(masking["patterns_applied"].as_object().is_some_and(|kinds| kinds.len() >= 6));
    assert!(masking["event_id"].as_str().is_some_and(|id| id.starts_with("masking_")));
    assert!(masking["request_size_bytes"].as_u64().is_some_and(|bytes| bytes > 300), "{masking}");
    assert!(masking["request_id"].is_string() && masking["processing_time_ms"].is_number());
    let unmasking = heard.next("aws-masker:events:unmasking").await;
    assert!(unmasking["patterns_restored"].as_u64().is_some_and(|n| n >= VALUES.len() as u64));
    let performance = heard.next("aws-masker:metrics:performance").await;
    assert!(performance["requests_per_second"].is_number(), "{performance}");
    assert_eq!(block(&bed).await.status, 200);
    let alert = heard.next("aws-masker:alerts:security").await;
    assert_eq!((&alert["event_type"], &alert["active"]), (&json!("security_alert"), &json!(true)));
}

fn verify(bed: &Bed) -> (bool, String) {
    let store = format!("redis://127.0.0.1:{}/0", bed.redis_port);
    let masker = Command::new(env!("CARGO_BIN_EXE_masker"))
        .args(["audit", "verify", "--stream", "--store", &store, "--config"])
        .arg(bed.path("masker.toml"))
        .output()
        .expect("masker runs");
    let said = [masker.stdout, masker.stderr].concat();
    (masker.status.success(), String::from_utf8_lossy(&said).into_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_audit_log_is_a_stream_too() {
    let mut bed = configured(|bed| {
        let admin = written(bed, "admin-token", TOKEN);
        format!("[admin]\ntoken_file = {admin}\n[audit]\nstream = \"masker:audit\"\n")
    })
    .await;
    assert_eq!(block(&bed).await.status, 200);
    bed.until_metric("masker_audit_stream_total{result=\"sent\"}", "2").await;
    // Its end is in it, and another process begins another chain.
    let mut masker = bed.masker.take().expect("masker runs");
    masker.signal(Signal::Terminate);
    assert_eq!(masker.ended(PATIENCE).await, Some(0));
    assert_eq!(verify(&bed), (true, "3 entries in 1 chains, each whole\n".to_owned()));
    bed.start_masker(true).await;
    bed.until_metric("masker_audit_stream_total{result=\"sent\"}", "1").await;
    assert_eq!(verify(&bed), (true, "4 entries in 2 chains, each whole\n".to_owned()));
    // What was added by somebody else shows.
    let forged = "XADD masker:audit * chain x line forged";
    bed.redis_answer(forged).await;
    let (whole, said) = verify(&bed);
    assert!(!whole && said.contains("of the audit stream has no hash"), "{said}");
}
