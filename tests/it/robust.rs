//! Every example of the catalog, and bytes that nobody expects.

use std::fs;
use std::path::Path;

use masker::body::encoding::{Coding, Inflater};
use masker::body::multipart;
use masker::body::select::Format;
use masker::body::sse::Framer;
use masker::mask::document::{Form, mask, unmask};
use masker::mask::placeholder;
use masker::mask::restore::Counts;
use masker::mask::stream::Stream;
use masker::mask::table::Table;
use proptest::collection::vec;
use proptest::prelude::*;

use crate::driver::{
    DEPTH, SCOPE, SETTINGS, answer_body, answer_headers, forwarded, new, request_body,
    request_headers, send,
};

/// The examples and counter-examples of all patterns.
fn examples() -> Vec<String> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/detect/patterns");
    let mut found = Vec::new();
    for entry in fs::read_dir(dir).unwrap() {
        let text = fs::read_to_string(entry.unwrap().path()).unwrap();
        let table: toml::Table = text.parse().unwrap();
        let classes = table.get("class").and_then(|list| list.as_array()).cloned();
        for class in classes.unwrap_or_default() {
            for list in ["examples", "counter_examples"] {
                let list = class.get(list).and_then(|list| list.as_array()).cloned();
                let texts = list.into_iter().flatten();
                found.extend(texts.filter_map(|text| text.as_str().map(str::to_owned)));
            }
        }
    }
    assert!(found.len() > 200, "the examples are found");
    found
}

#[test]
fn every_example_comes_back_and_is_masked_once() {
    let mut wrong = Vec::new();
    for example in examples() {
        for text in [
            example.clone(),
            format!("see {example}, and \"{example}\"\\n{example}/2024/x"),
            format!("https://{example}/my-data/2024?x={example}&y=%2F{example}"),
            format!("x.{example} ({example}) '{example}':{example}"),
        ] {
            let (once, table, _) = mask(&SETTINGS.masker, &SCOPE, Form::Text, &text).unwrap();
            let (back, _) = unmask(Form::Text, &once, DEPTH, &table);
            assert_eq!(back, text);
            let (twice, ..) = mask(&SETTINGS.masker, &SCOPE, Form::Text, &once).unwrap();
            if twice != once {
                wrong.push(format!("{text}\n  {once}\n  {twice}"));
            }
        }
    }
    assert!(wrong.is_empty(), "masked again, {}:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn every_kind_gives_placeholders_that_are_read_back() {
    for (_, info) in SETTINGS.masker.catalog.kinds() {
        let made = SCOPE.mapping(info.secret, &info.name, "value").placeholder;
        let text = format!("a {made}.");
        assert_eq!(placeholder::spans(&text), [2..2 + made.as_str().len()], "{made}");
    }
}

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
            let (masked, table, _) = mask(&SETTINGS.masker, &SCOPE, form, &text).unwrap();
            let (_, _) = unmask(form, &masked, DEPTH, &table);
        }
        for coding in [Coding::Gzip, Coding::Deflate, Coding::Brotli, Coding::Zstd] {
            prop_assert!(inflate(coding, &bytes) <= 10_000);
        }
        multipart::parts(&text, "b").map_or(0, |parts| parts.len());
        let mut framer = Framer::new(50);
        framer.push(&bytes);
        while let Ok(Some(event)) = framer.event() {
            event.with_data(&text);
        }
        let mut stream = Stream::new(Format::Event, 1 << 16, DEPTH);
        let (table, mut counts) = (Table::default(), Counts::default());
        stream.push(&bytes, &table, &mut counts).unwrap();
        stream.push(&other, &table, &mut counts).unwrap();
        stream.finish(&table, &mut counts);
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
