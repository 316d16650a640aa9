//! The state machine of one exchange: what comes when, and what never leaves.

use bytes::Bytes;
use masker::ext_proc::exchange::{Input, Output, Violation};
use masker::telemetry::labels::Outcome;

use crate::driver::{
    answer_body, answer_headers, forwarded, headers, new, outputs, request_body, request_headers,
    send,
};

const ID: &str = "i-0123456789abcdef0";
const BODY: &str = r#"{"messages":[{"role":"user","content":"i-0123456789abcdef0"}]}"#;

fn trailers() -> Input {
    Input::RequestTrailers { names: vec!["x-checksum".to_owned()] }
}

fn start() -> Input {
    request_headers("/v1/messages", "application/json", false)
}

/// An exchange in this phase.
fn phase(name: &str) -> masker::ext_proc::exchange::Exchange {
    let mut exchange = new();
    let answering = |media: &str| {
        let mut exchange = forwarded(ID);
        send(&mut exchange, answer_headers(media, &[])).unwrap();
        exchange
    };
    match name {
        "idle" => {}
        "collecting" => drop(send(&mut exchange, start())),
        "masking" | "saving" => {
            send(&mut exchange, start()).unwrap();
            exchange.input(request_body(BODY.as_bytes(), true)).unwrap();
            let job = exchange.job().unwrap();
            if name == "saving" {
                exchange.masked(job.run());
                assert!(exchange.needs().is_some());
            }
        }
        "forwarded" => exchange = forwarded(ID),
        "whole" => exchange = answering("application/json"),
        "stream" => exchange = answering("text/event-stream"),
        "passing" => drop(send(&mut exchange, answer_headers("text/html", &[]))),
        "refused" => exchange.expire(),
        "done" => {
            exchange = answering("text/plain");
            send(&mut exchange, answer_body(b"x", true)).unwrap();
        }
        _ => unreachable!("{name}"),
    }
    drop(outputs(&mut exchange));
    exchange
}

/// Each phase and each input: `ok`, or the violation that ends the stream.
/// Columns: request headers, body, trailers; answer headers, body, trailers.
const TABLE: &[(&str, [bool; 6])] = &[
    ("idle", [true, false, false, true, false, false]),
    ("collecting", [false, true, true, true, false, false]),
    ("masking", [false, false, false, false, false, false]),
    ("saving", [false, false, false, false, false, false]),
    ("forwarded", [false, true, false, true, false, false]),
    ("whole", [false, true, false, false, true, true]),
    ("stream", [false, true, false, false, true, true]),
    ("passing", [false, true, true, false, true, true]),
    ("refused", [true, true, true, true, true, true]),
    ("done", [false, false, false, false, false, false]),
];

#[test]
fn each_phase_takes_what_may_come() {
    for (name, expected) in TABLE {
        for (column, allowed) in expected.iter().enumerate() {
            let input = match column {
                0 => start(),
                1 => request_body(b"{}", true),
                2 => trailers(),
                3 => answer_headers("application/json", &[]),
                4 => answer_body(b"{}", true),
                _ => Input::ResponseTrailers,
            };
            let mut exchange = phase(name);
            let result = exchange.input(input);
            assert_eq!(result.is_ok(), *allowed, "{name}, column {column}: {result:?}");
            if let Err(violation) = result {
                assert!(matches!(violation, Violation::Order(_)), "{violation}");
                assert_eq!(exchange.output(), None, "{name}: a violation says nothing");
                assert_eq!(exchange.input(start()), Ok(()), "{name}: afterwards all is ignored");
                assert!(exchange.output().is_none() && exchange.job().is_none(), "{name}");
            }
        }
    }
}

#[test]
fn nothing_leaves_before_the_whole_body_is_masked() {
    let mut exchange = new();
    assert_eq!(send(&mut exchange, start()), Ok(Vec::new()));
    assert!(exchange.is_collecting());
    for byte in BODY.as_bytes().chunks(1) {
        exchange.input(request_body(byte, false)).unwrap();
        assert_eq!((exchange.output(), exchange.job().is_none()), (None, true));
    }
    exchange.input(request_body(b"", true)).unwrap();
    assert!(exchange.output().is_none() && !exchange.is_collecting());
    let job = exchange.job().unwrap();
    assert!(exchange.job().is_none() && exchange.output().is_none());
    exchange.masked(job.run());
    assert_eq!(exchange.output(), None, "the store is asked first");
    let needs = exchange.needs().unwrap();
    assert_eq!((needs.save.len(), needs.reveal.len()), (1, 0));
    exchange.provide(Ok(Default::default()));
    let released = outputs(&mut exchange);
    let [Output::RequestHeaders { findings: 1, remove }, Output::RequestBody { bytes, end: true }] =
        released.as_slice()
    else {
        panic!("{released:?}")
    };
    assert_eq!(remove.as_slice(), ["x-masker-tenant", "content-encoding"]);
    let placeholder = needs.save[0].placeholder.as_str();
    assert_eq!(bytes.as_ref(), BODY.replace(ID, placeholder).as_bytes());
    assert_eq!(exchange.tally.outcome, Outcome::Masked);
}

#[test]
fn trailers_end_the_body_and_are_dropped() {
    let mut exchange = new();
    send(&mut exchange, start()).unwrap();
    assert_eq!(send(&mut exchange, request_body(BODY.as_bytes(), false)), Ok(Vec::new()));
    let released = send(&mut exchange, trailers()).unwrap();
    let [Output::RequestHeaders { .. }, Output::RequestBody { end: false, .. }, last] =
        released.as_slice()
    else {
        panic!("{released:?}")
    };
    assert_eq!(*last, Output::RequestTrailers { remove: vec!["x-checksum".to_owned()] });
}

#[test]
fn a_large_body_leaves_in_chunks_with_one_end() {
    let mut exchange = new();
    let text = "x".repeat(200_000);
    send(&mut exchange, request_headers("/v1/x", "text/plain", false)).unwrap();
    let released = send(&mut exchange, request_body(text.as_bytes(), true)).unwrap();
    let mut body = Vec::new();
    let mut ends = 0;
    for output in released.iter().skip(1) {
        let Output::RequestBody { bytes, end } = output else { panic!("{output:?}") };
        assert!(bytes.len() <= 64 * 1024);
        body.extend_from_slice(bytes);
        ends += usize::from(*end);
    }
    assert_eq!((body.as_slice(), ends), (text.as_bytes(), 1));
}

#[test]
fn envoys_own_answer_passes() {
    for name in ["idle", "collecting"] {
        let mut exchange = phase(name);
        let headers =
            Input::ResponseHeaders { headers: headers(&[(":status", "413")]), end: false };
        assert_eq!(send(&mut exchange, headers).unwrap().len(), 1);
        let late = send(&mut exchange, request_body(ID.as_bytes(), true)).unwrap();
        assert_eq!(late, [], "the request's body is dropped");
        let bytes = Bytes::from_static(b"too large");
        let passed = send(&mut exchange, answer_body(&bytes, true)).unwrap();
        assert_eq!(passed, [Output::ResponseBody { bytes, end: true }]);
        assert_eq!(exchange.tally.outcome, Outcome::Passed);
    }
}
