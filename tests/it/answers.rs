//! Answers: which are held whole, which are inflated, which pass.

use std::io::Write;

use masker::ext_proc::exchange::{Output, Violation};
use masker::telemetry::labels::Outcome;

use crate::driver::{
    answer_body, answer_bytes, answer_headers, forwarded, new, request_headers, send,
};

const ID: &str = "i-0123456789abcdef0";

pub(crate) fn packed(body: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(body).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn a_request_without_a_body_goes_at_once() {
    let mut exchange = new();
    let released = send(&mut exchange, request_headers("/v1/models", "", true)).unwrap();
    assert!(matches!(released.as_slice(), [Output::RequestHeaders { findings: 0, .. }]));
    assert_eq!(exchange.tally.outcome, Outcome::Empty);
    let passed = send(&mut exchange, answer_headers("application/json", &[])).unwrap();
    assert_eq!(passed, [Output::ResponseHeaders { remove: Vec::new() }]);
    let body = answer_body(b"{\"a\":1}", true);
    assert_eq!(answer_bytes(&send(&mut exchange, body).unwrap()), b"{\"a\":1}");
}

#[test]
fn answers_hold_their_headers_when_they_are_held_whole() {
    let placeholder = crate::driver::masked("/v1/x", "text/plain", ID).body.bytes();
    let answer = [b"\"".as_slice(), &placeholder, b"\""].concat();
    let expected = format!("\"{ID}\"");
    for (media, coded) in
        [("application/json", false), ("application/json", true), ("text/plain", true)]
    {
        let mut exchange = forwarded(ID);
        let coding: &[_] = if coded { &[("content-encoding", "gzip")] } else { &[] };
        let remove = if coded { vec!["content-encoding"] } else { Vec::new() };
        let body = if coded { packed(&answer) } else { answer.clone() };
        let first = send(&mut exchange, answer_headers(media, coding)).unwrap();
        assert_eq!(first.is_empty(), media == "application/json", "{media}");
        let mut all = first;
        all.extend(send(&mut exchange, answer_body(&body, false)).unwrap());
        all.extend(send(&mut exchange, answer_body(b"", true)).unwrap());
        assert_eq!(all.first(), Some(&Output::ResponseHeaders { remove }), "{media}");
        assert_eq!(answer_bytes(&all), expected.as_bytes(), "{media}");
    }
    let mut exchange = forwarded(ID);
    let first = send(&mut exchange, answer_headers("text/event-stream", &[])).unwrap();
    assert_eq!(first.len(), 1, "a stream's headers go at once");
}

#[test]
fn an_answer_that_cannot_be_restored_is_replaced_or_cut() {
    let coding = [("content-encoding", "gzip")];
    for (media, replaced) in [("application/json", true), ("text/event-stream", false)] {
        let mut exchange = forwarded(ID);
        send(&mut exchange, answer_headers(media, &coding)).unwrap();
        let result = send(&mut exchange, answer_body(b"this is no gzip at all", true));
        let refused =
            matches!(result.as_deref(), Ok([Output::Refuse(reply)]) if reply.status == 502);
        assert_eq!(refused, replaced, "{media}: {result:?}");
        assert_eq!(matches!(result, Err(Violation::Answer(_))), !replaced, "{media}");
    }
}
