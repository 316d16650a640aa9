//! Answers: which are held whole, which are inflated, which pass.

use std::io::Write;

use masker::ext_proc::exchange::{Output, Violation};
use masker::telemetry::labels::{Outcome, Unread};

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
fn an_answer_without_a_type_is_told_by_its_first_bytes() {
    let placeholder = crate::driver::masked("/v1/x", "text/plain", ID).body.bytes();
    let placeholder = String::from_utf8(placeholder.to_vec()).unwrap();
    for (body, unread) in [
        (" \n{\"a\": \"§\"}", None),
        ("[\"§\"]", None),
        ("event: x\ndata: {\"a\": \"§\"}\n\n", None),
        ("data: {\"a\": \"§\"}\n\n", None),
        ("da§", Some(Unread::Content)),
        ("GIF89a §", Some(Unread::Content)),
    ] {
        let answer = body.replace('§', &placeholder);
        for media in ["", "application/octet-stream"] {
            for size in [1, 7, answer.len()] {
                let mut exchange = forwarded(ID);
                let first = send(&mut exchange, answer_headers(media, &[])).unwrap();
                assert_eq!(first, [], "nobody knows yet");
                let mut all = first;
                for piece in answer.as_bytes().chunks(size) {
                    all.extend(send(&mut exchange, answer_body(piece, false)).unwrap());
                }
                let streams = !matches!(body.trim_start().as_bytes()[0], b'{' | b'[');
                assert_eq!(!all.is_empty(), streams, "JSON is held, all else goes on: {body}");
                all.extend(send(&mut exchange, answer_body(b"", true)).unwrap());
                assert_eq!(all.first(), Some(&Output::ResponseHeaders { remove: Vec::new() }));
                let expected =
                    if unread.is_some() { answer.clone() } else { body.replace('§', ID) };
                let given = String::from_utf8(answer_bytes(&all)).unwrap();
                assert_eq!(given, expected, "{media} by {size}");
                assert_eq!(exchange.tally.unread, unread, "{body}");
            }
        }
    }
    for (media, coding, unread) in
        [("image/png", "", Unread::MediaType), ("application/json", "x-own", Unread::Coding)]
    {
        let mut exchange = forwarded(ID);
        send(&mut exchange, answer_headers(media, &[("content-encoding", coding)])).unwrap();
        assert_eq!(exchange.tally.unread, Some(unread));
    }
}

#[test]
fn an_answer_that_ends_before_its_end_is_cut() {
    for (name, inputs) in [
        ("before it began", vec![]),
        ("in its body", vec![answer_headers("text/event-stream", &[]), answer_body(b"da", false)]),
        ("held", vec![answer_headers("application/json", &[]), answer_body(b"{", false)]),
        ("passing", vec![answer_headers("image/png", &[]), answer_body(b"x", false)]),
    ] {
        let mut exchange = forwarded(ID);
        for input in inputs {
            send(&mut exchange, input).unwrap();
        }
        exchange.end();
        assert_eq!(exchange.tally.outcome, Outcome::Cut, "{name}");
    }
    for media in ["text/event-stream", "application/json", "image/png"] {
        let mut exchange = forwarded(ID);
        send(&mut exchange, answer_headers(media, &[])).unwrap();
        send(&mut exchange, answer_body(b"{}", true)).unwrap();
        exchange.end();
        assert_eq!(exchange.tally.outcome, Outcome::Masked, "{media}");
    }
    let mut exchange = new();
    exchange.end();
    assert_eq!(exchange.tally.outcome, Outcome::Aborted, "nothing was sent");
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
