//! Refusals: a status, a JSON error, and nothing of the body.

use std::sync::Arc;
use std::time::Duration;

use masker::detect::custom::{Find, Own, Pattern};
use masker::detect::{self, Catalog};
use masker::ext_proc::budget::Budget;
use masker::ext_proc::exchange::{Exchange, Input, Output, Provided, Violation};
use masker::ext_proc::refuse::{Reason, Reply};
use masker::ext_proc::settings::{Refuse, Route, Settings};
use masker::mask::masker::Masker;
use masker::telemetry::labels::{self, Outcome, Place};
use serde_json::json;

use crate::answers::packed;
use crate::driver::{headers, masked, new, outputs, request_body, request_headers, send, settings};

const SECRET: &str = "AKIAIOSFODNN7EXAMPLE";
const ID: &str = "i-0123456789abcdef0";

/// The reply, after which nothing else is said.
fn reply(exchange: &mut Exchange, outputs: &[Output]) -> Reply {
    let [Output::Refuse(reply)] = outputs else { panic!("{outputs:?}") };
    let error: serde_json::Value = serde_json::from_str(&reply.body).unwrap();
    assert_eq!(error["type"], "error");
    assert!(error["error"]["message"].is_string(), "{error}");
    assert!(!reply.body.contains(SECRET) && !reply.body.contains(ID), "{error}");
    assert_eq!(reply.retry_after.is_some(), matches!(reply.status, 503 | 529));
    let late = send(exchange, request_body(ID.as_bytes(), true)).unwrap();
    assert!(late.is_empty() && exchange.job().is_none() && exchange.needs().is_none());
    reply.clone()
}

/// Sends one request and gives the refusal's status and code.
fn refusal(settings: Settings, list: &[(&str, &str)], body: &[u8]) -> (u16, &'static str) {
    let mut exchange = Exchange::new(Arc::new(settings));
    let headers = headers(list);
    let start = Input::RequestHeaders { headers, end: false, fully_streamed: true };
    let mut said = send(&mut exchange, start).unwrap();
    if said.is_empty() {
        said = send(&mut exchange, request_body(body, true)).unwrap();
    }
    let reply = reply(&mut exchange, &said);
    assert_eq!(exchange.tally.code, Some(reply.code));
    (reply.status, reply.code)
}

const JSON: (&str, &str) = ("content-type", "application/json");
const PATH: (&str, &str) = (":path", "/v1/messages");

#[test]
fn what_cannot_be_masked_is_refused() {
    let deep = "[".repeat(200) + ID + &"]".repeat(200);
    let url = r#"{"messages":[{"role":"user","content":[{"type":"image","source":{"type":"url","url":"https://x/AKIAIOSFODNN7EXAMPLE"}}]}]}"#;
    let gzip = [PATH, JSON, ("content-encoding", "gzip")];
    let big = vec![b' '; (1 << 20) + 1];
    for (list, body, status, code) in [
        (&[PATH, JSON, ("content-length", "1048577")][..], &b""[..], 413, "body_too_large"),
        (&[PATH, JSON], &big, 413, "body_too_large"),
        (&gzip, &packed(&big), 413, "body_too_large"),
        (&gzip, b"i-0123456789abcdef0", 400, "content_coding_damaged"),
        (&[PATH, JSON, ("content-encoding", "compress")], b"{}", 415, "content_coding"),
        (&[PATH, JSON, ("content-encoding", "gzip, br")], b"{}", 415, "content_coding"),
        (&[PATH, ("content-type", "image/png")], b"x", 415, "media_type"),
        (&[(":method", "CONNECT")], b"x", 405, "connect"),
        (&[PATH], b"{}", 415, "media_type"),
        (&[PATH, JSON, ("authorization", "AWS4-HMAC-SHA256 Credential=x")], b"{}", 400, "signed"),
        (&[(":path", "/v1/x?X-Amz-Signature=0"), JSON], b"{}", 400, "signed"),
        (&[PATH, ("content-type", "application/vnd.amazon.eventstream")], b"x", 415, "media_type"),
        (&[PATH, ("content-type", "text/event-stream")], b"x", 415, "media_type"),
        (&[PATH, ("content-type", "text/plain; charset=latin1")], b"x", 400, "charset"),
        (&[PATH, JSON], b"\"\xff\"", 400, "not_utf8"),
        (&[PATH, JSON], b"\xef\xbb\xbf{}", 400, "byte_order_mark"),
        (&[PATH, JSON], deep.as_bytes(), 400, "too_deep"),
        (&[PATH, ("content-type", "multipart/form-data; boundary=b")], b"--c", 400, "multipart"),
        (&[PATH, JSON], url.as_bytes(), 422, "unmaskable_place"),
        (&[PATH, JSON, ("x-masker-tenant", "a b")], b"{}", 500, "tenant"),
    ] {
        assert_eq!(refusal(settings(), list, body), (status, code), "{list:?}");
    }
}

#[test]
fn what_the_configuration_refuses_is_refused() {
    let image = br#"{"messages":[{"role":"user","content":[{"type":"image","source":{"type":"base64","media_type":"image/png","data":"AA=="}}]}]}"#;
    let refuse = Refuse { images: true, ..Refuse::default() };
    let own = Settings { refuse, ..settings() };
    assert_eq!(refusal(own, &[PATH, JSON], image), (422, "opaque_content"));
    let own = Settings { budget: Budget::new(10), ..settings() };
    assert_eq!(refusal(own, &[PATH, JSON], b"{\"a\":\"123456\"}"), (529, "overloaded"));
    let mut own = settings();
    own.masker.limits.findings = 1;
    let two = b"{\"a\":\"i-0123456789abcdef0 i-0123456789abcdef1\"}";
    assert_eq!(refusal(own, &[PATH, JSON], two), (413, "too_many_findings"));
}

#[test]
fn own_kinds_are_refused_where_nothing_may_change_only_if_they_are_critical() {
    let body = br#"{"messages":[],"metadata":{"user_id":"PRJ-123"}}"#;
    let with = |critical| {
        let pattern = Pattern {
            name: "ticket".to_owned(),
            kind: "TICKET".to_owned(),
            critical,
            find: Find::Expression("PRJ-[0-9]{3}".to_owned()),
            examples: Vec::new(),
            counter_examples: Vec::new(),
        };
        let own = Arc::new(Own { patterns: vec![pattern], ..Own::default() });
        let catalog = Catalog::builtin(&detect::Settings { own, ..detect::Settings::default() });
        let masker = Masker { catalog: Arc::new(catalog.unwrap()), ..settings().masker };
        Settings { masker, ..settings() }
    };
    assert_eq!(refusal(with(true), &[PATH, JSON], body), (422, "unmaskable_place"));
    let mut exchange = Exchange::new(Arc::new(with(false)));
    send(&mut exchange, request_headers("/v1/messages", "application/json", false)).unwrap();
    let said = send(&mut exchange, request_body(body, true)).unwrap();
    assert!(!said.is_empty() && !said.iter().any(|output| matches!(output, Output::Refuse(_))));
    assert_eq!(exchange.tally.code, None);
}

#[test]
fn what_a_route_lets_through_is_counted() {
    let route =
        Route { path_prefix: "/v1/files".to_owned(), media_types: vec!["image/png".to_owned()] };
    let own = Arc::new(Settings { routes: vec![route], ..settings() });
    let files = (":path", "/v1/files");
    for (list, outcome) in [
        (&[files, ("content-type", "image/png")], Outcome::Unmasked),
        (&[files, JSON], Outcome::Masked),
        (&[PATH, ("content-type", "image/png")], Outcome::Refused),
        (&[files, ("content-type", "IMAGE/PNG; q=1")], Outcome::Unmasked),
        (&[files, ("content-type", "image/png-more")], Outcome::Refused),
    ] {
        let mut exchange = Exchange::new(Arc::clone(&own));
        let headers = headers(list);
        let start = Input::RequestHeaders { headers, end: false, fully_streamed: true };
        send(&mut exchange, start).unwrap();
        let body = format!("\"{ID}\"");
        let said = send(&mut exchange, request_body(body.as_bytes(), true)).unwrap();
        let tally = &exchange.tally;
        assert_eq!(tally.outcome, outcome, "{list:?}");
        let unmasked = outcome == Outcome::Unmasked;
        let counted = tally.opaque.get(&labels::Opaque::Binary).copied();
        assert_eq!(counted, unmasked.then_some(1), "{list:?}");
        if let [Output::RequestHeaders { .. }, Output::RequestBody { bytes, .. }] = said.as_slice()
        {
            assert_eq!((bytes == body.as_bytes(), tally.request_bytes), (unmasked, body.len()));
        }
    }
}

#[test]
fn findings_are_counted_by_their_place() {
    let source = |source: &str| format!(r#"{{"type":"image","source":{source}}}"#);
    let body = format!(
        r#"{{"model":"{ID}","metadata":{{"user_id":"{ID}"}},
        "mcp_servers":[{{"type":"url","url":"https://x/{ID}","name":"n","authorization_token":"{ID}"}}],
        "messages":[{{"role":"user","content":[{{"type":"tool_use","id":"{ID}","name":"n"}},{},{},{}]}}]}}"#,
        source(r#"{"type":"base64","media_type":"image/png","data":"AA=="}"#),
        source(r#"{"type":"base64","media_type":"application/pdf","data":"/w=="}"#),
        source(r#"{"type":"file","file_id":"file_1"}"#),
    );
    let own = Arc::new(Settings { refuse: Refuse::default(), ..settings() });
    let places = |path: &str, body: &str| {
        let mut exchange = Exchange::new(Arc::clone(&own));
        let headers = headers(&[(":path", path), JSON, ("x-trace", ID), ("x-api-key", ID)]);
        let start = Input::RequestHeaders { headers, end: false, fully_streamed: true };
        send(&mut exchange, start).unwrap();
        send(&mut exchange, request_body(body.as_bytes(), true)).unwrap();
        let opaque: Vec<_> = exchange.tally.opaque.into_keys().collect();
        (exchange.tally.unmaskable.into_keys().collect::<Vec<_>>(), opaque)
    };
    let (inside, opaque) = places("/v1/messages", &body);
    let body = [Place::Name, Place::Id, Place::Metadata, Place::Url, Place::Credential];
    assert_eq!(inside, [&body[..], &[Place::Header]].concat());
    use labels::Opaque::{Document, File, Image};
    assert_eq!(opaque, [Image, Document, File]);
    let (outside, _) = places(&format!("/v1/{ID}?a=1&b={ID}"), "{}");
    assert_eq!(outside, [Place::Path, Place::Query, Place::Header]);
    assert_eq!(Place::ALL.len(), body.len() + outside.len(), "each place is one of these");
}

#[test]
fn late_bodies_failures_and_the_store_are_refusals() {
    let collecting = || {
        let mut exchange = new();
        let path = "/v1/messages/batches";
        send(&mut exchange, request_headers(path, "application/json", false)).unwrap();
        exchange
    };
    let mut slow = collecting();
    slow.expire();
    let said = outputs(&mut slow);
    assert_eq!(reply(&mut slow, &said).status, 408);
    let mut failed = collecting();
    failed.input(request_body(b"{}", true)).unwrap();
    drop(failed.job());
    failed.masked(Err(Reason::Internal));
    let said = outputs(&mut failed);
    assert_eq!(reply(&mut failed, &said).status, 503);
    let down = Ok(Provided { degraded: true, ..Provided::default() });
    for (provided, code) in [(down, "store_down"), (Err(Reason::Internal), "internal")] {
        let mut exchange = collecting();
        exchange.input(request_body(format!("\"{ID}\"").as_bytes(), true)).unwrap();
        let job = exchange.job().unwrap();
        exchange.masked(job.run());
        exchange.provide(provided);
        let said = outputs(&mut exchange);
        assert_eq!((reply(&mut exchange, &said).status, exchange.tally.code), (503, Some(code)));
    }
    let mut broken = collecting();
    broken.input(request_body(b"{}", true)).unwrap();
    broken.masked(Err(Reason::Slow(Duration::from_secs(1))));
    assert!(matches!(outputs(&mut broken).as_slice(), [Output::Refuse(_)]));
}

#[test]
fn another_body_mode_ends_the_stream() {
    let headers = headers(&[PATH, JSON]);
    let start = Input::RequestHeaders { headers, end: false, fully_streamed: false };
    let mut exchange = new();
    assert_eq!(exchange.input(start), Err(Violation::BodyMode));
    assert_eq!(exchange.output(), None);
}

/// Claude Code says in `metadata` which account and which session it is: one session in 280 ends
/// in twelve digits.
#[test]
fn a_clients_own_session_is_no_finding() {
    let user = json!({"device_id": "57e46f8924e766e391134ef4bbae3ec3f5e962afb5917f5899576ce1fb438a21",
        "account_uuid": "", "session_id": "da0974ca-a60e-4f67-846f-321057918126"});
    let body = json!({"metadata": {"user_id": user.to_string()}, "messages": []}).to_string();
    assert_eq!(masked("/v1/messages", "application/json", &body).body.bytes(), body.as_bytes());
}
