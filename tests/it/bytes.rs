//! Bytes that nobody expects: nothing panics, and limits hold.

use masker::body::encoding::{Coding, Inflater};
use masker::body::multipart;
use masker::body::select::Format;
use masker::body::sse::Framer;
use masker::mask::document::{Form, mask, unmask};
use masker::mask::restore::Counts;
use masker::mask::stream::Stream;
use masker::mask::table::Table;
use proptest::collection::vec;
use proptest::prelude::*;

use crate::driver::{
    answer_body, answer_headers, forwarded, new, request_body, request_headers, send,
};
use crate::setup::{DEPTH, MASKER, SCOPE};

const MEDIA: [&str; 8] = [
    "application/json",
    "application/x-ndjson",
    "text/plain",
    "multipart/form-data; boundary=b",
    "text/event-stream",
    "application/json; charset=utf-16",
    "image/png",
    "",
];

const TOKENS: &[&[u8]] = &[
    b"{",
    b"}",
    b"[",
    b"\"",
    b"\\",
    b"\\u",
    b"\\ud83d",
    b"d",
    b":",
    b",",
    b"\n",
    b"\r\n\r\n",
    b"data: ",
    b"--b",
    b"--",
    b"AWS_EC2_",
    b"BF3K9Q2MX4TB",
    b"SECRET_",
    b"i-0123456789abcdef0",
    b"arn:aws:iam::123456789012:role/",
    b"\xc3",
    b"\xa9",
    b"\"type\":\"content_block_delta\"",
    b"%2F",
    b"s3.amazonaws.com/",
    b"password=",
    b"-----BEGIN PRIVATE KEY-----",
    b"\x1b[1m",
    b"123456789012",
    b"account ",
    b"::1",
    b"10.0.0.1",
];

fn noise() -> impl Strategy<Value = Vec<u8>> {
    let token = proptest::sample::select(TOKENS);
    prop_oneof![vec(any::<u8>(), 0..200), vec(token, 0..40).prop_map(|tokens| tokens.concat()),]
}

fn inflate(coding: Coding, bytes: &[u8]) -> usize {
    let mut inflater = Inflater::new(coding, 10_000);
    let pushed = bytes.chunks(7).map(|piece| inflater.push(piece).map_or(0, |out| out.len()));
    let pushed: usize = pushed.sum();
    pushed + inflater.finish().map_or(0, |out| out.len())
}

proptest! {
    #![proptest_config(crate::driver::cases())]

    #[test]
    fn nothing_panics_on_any_bytes(bytes in noise(), other in noise(), media in 0..MEDIA.len()) {
        let text = String::from_utf8_lossy(&bytes);
        for form in [Form::Text, Form::Json(Format::Messages), Form::Json(Format::Event)] {
            let (masked, table, _) = mask(&MASKER, &SCOPE, form, &text).unwrap();
            let (_, _) = unmask(form, &masked, DEPTH, &table);
        }
        for coding in [Coding::Gzip, Coding::Deflate, Coding::Brotli, Coding::Zstd] {
            prop_assert!(inflate(coding, &bytes) <= 10_000);
        }
        let parts = multipart::parts(&text, "b").unwrap_or_default();
        prop_assert!(parts.iter().all(|part| text.get(part.span.clone()).is_some()));
        let mut framer = Framer::new(50);
        framer.push(&bytes);
        while let Ok(Some(event)) = framer.event() {
            prop_assert!(event.with_data(&text).len() <= event.raw().len() + text.len() * 7);
        }
        let mut stream = Stream::new(Format::Event, 1 << 16, DEPTH);
        let (table, mut counts) = (Table::default(), Counts::default());
        stream.push(&bytes, &table, &mut counts).unwrap();
        stream.push(&other, &table, &mut counts).unwrap();
        prop_assert!(stream.finish(&table, &mut counts).len() <= bytes.len() + other.len());
        let mut exchange = new();
        if send(&mut exchange, request_headers("/v1/messages", MEDIA[media], false)).is_ok() {
            send(&mut exchange, request_body(&bytes, true)).unwrap();
        }
        let mut exchange = forwarded("i-0123456789abcdef0");
        send(&mut exchange, answer_headers(MEDIA[media], &[])).unwrap();
        send(&mut exchange, answer_body(&bytes, false)).unwrap();
        send(&mut exchange, answer_body(&other, true)).unwrap();
    }

    #[test]
    fn an_event_stream_that_holds_nothing_passes_byte_for_byte(bytes in noise(), cut in 0..200_usize) {
        let mut stream = Stream::new(Format::Event, 1 << 16, DEPTH);
        let (table, mut counts) = (Table::default(), Counts::default());
        let (head, tail) = bytes.split_at(cut.min(bytes.len()));
        let mut out = stream.push(head, &table, &mut counts).unwrap();
        out.extend(stream.push(tail, &table, &mut counts).unwrap());
        out.extend(stream.finish(&table, &mut counts));
        prop_assert_eq!(out, bytes);
    }
}
