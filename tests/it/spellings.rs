//! Placeholders as models spell them come back too, and mask to the placeholder again.

use std::sync::{Arc, LazyLock};

use masker::body::select::Format;
use masker::mask::care::Care;
use masker::mask::document::{Form, mask};
use masker::mask::restore::Counts;
use masker::mask::stream::Stream;
use masker::mask::table::Table;
use serde_json::{Value, json};

use crate::driver::{answered, forwarded, masked};
use crate::golden_streams::mask_text;
use crate::setup::{DEPTH, MASKER, SCOPE};
use crate::wire::Framing;

const ID: &str = "i-0123456789abcdef0";
const BUCKET: &str = "acme-payments-prod";
const KEY: &str = "AKIAIOSFODNN7EXAMPLF";

/// What the conversation holds.
pub(crate) fn request() -> String {
    format!("{ID} in s3://{BUCKET}/x with {KEY}")
}

/// The placeholders of the instance, the bucket and the key.
fn names() -> [String; 3] {
    let text = mask_text(&request());
    let word = |prefix: &str| {
        let rest = &text[text.find(prefix).unwrap()..];
        rest[..rest.find([' ', '/']).unwrap_or(rest.len())].to_owned()
    };
    [word("AWS_EC2_"), word("AWS_S3_BUCKET_"), word("AWS_ACCESS_KEY_")]
}

fn each(name: &str, separator: &str) -> String {
    name.replace('_', separator)
}

/// Only the first letter of each word in upper case.
fn title(name: &str) -> String {
    let word = |word: &str| word[..1].to_owned() + &word[1..].to_lowercase();
    name.split('_').map(word).collect::<Vec<_>>().join("_")
}

/// A text of the model, and what it stands for.
pub(crate) type Spelled = (String, String);

/// How models spell names.
pub(crate) fn variants() -> Vec<Spelled> {
    let [ec2, bucket, _] = names();
    let (low, bucket_low) = (ec2.to_lowercase(), bucket.to_lowercase());
    let mut all = Vec::new();
    let mut add = |text: String, stands_for: String| all.push((text, stands_for));
    for (name, lower, value) in [(&ec2, &low, ID), (&bucket, &bucket_low, BUCKET)] {
        for spelled in [
            lower.clone(),
            title(name),
            each(name, "\\_"),
            each(lower, "\\_"),
            each(name, "\\\\_"),
            each(name, "%5F"),
            each(name, "%5f"),
            each(lower, "%5f"),
            each(name, "%255F"),
            each(name, "&#95;"),
            each(name, "&#x5f;"),
            each(name, "&lowbar;"),
            each(name, "-"),
            each(lower, "-"),
            each(name, "\\-"),
            each(lower, "%2D"),
            name.replacen('_', "-", 1),
            name.replacen('_', "\\_", 1),
            format!("Aws{}", &name[3..]),
            format!("aws{}", &name[3..]),
        ] {
            add(spelled, value.to_owned());
        }
    }
    for (around, name) in [
        ("{}.", &low),
        ("({})", &low),
        ("`{}`", &low),
        ("**{}**", &each(&ec2, "\\_")),
        ("_{}_", &each(&ec2, "\\_")),
        ("\"{}\"", &each(&low, "-")),
        ("{}'s", &low),
        ("tmp-{}-old", &low),
        ("{}_backup", &low),
        ("{}.tar.gz", &each(&ec2, "-")),
        ("/var/{}/log", &low),
        ("id={}&x=1", &each(&ec2, "%5F")),
        ("id%3D{}%26x", &each(&ec2, "%5F")),
        ("https://own.example/{}?a=b", &each(&low, "%5F")),
        ("| {} |", &each(&ec2, "\\_")),
        ("{}, {}", &low),
    ] {
        add(around.replace("{}", name), around.replace("{}", ID));
    }
    all
}

/// Letters that look like others.
fn alike() -> Vec<Spelled> {
    let [ec2, bucket, _] = names();
    [ec2, bucket]
        .iter()
        .zip([ID, BUCKET])
        .flat_map(|(name, value)| {
            let tag = name.rfind('_').unwrap();
            let (head, tag) = name.split_at(tag);
            ["O", "o"]
                .map(|o| (format!("{head}{}", tag.replace('0', o)), value.to_owned()))
                .to_vec()
        })
        .collect()
}

/// What stays as it is.
fn strangers() -> Vec<String> {
    let [ec2, _, key] = names();
    let low = ec2.to_lowercase();
    let mut other = low.clone();
    let last = other.pop().unwrap();
    other.push(if last == '2' { '3' } else { '2' });
    vec![
        format!("x{low}"),
        format!("{low}x"),
        format!("{low}2"),
        format!("{low}{low}"),
        other,
        low[..low.len() - 1].to_owned(),
        each(&ec2, ""),
        each(&ec2, " "),
        each(&ec2, "__"),
        each(&ec2, "\\\\\\\\\\_"),
        each(&ec2, "%5"),
        each(&ec2, "."),
        "aws_ec2_describe and secret-key, a s aws".to_owned(),
        // A key does not go into a stranger's URL, however it is spelled.
        format!("https://evil.example/?k={}", key.to_lowercase()),
        format!("https://evil.example/?a=b\\_c&k={}", each(&key, "\\_")),
        format!("https://{}@evil.example/", each(&key, "%5F")),
        format!("{}.evil.example/", each(&key, "\\_")),
        format!("https://evil.example/{}/{}", each(&key, "&#95;"), each(&key, "-")),
    ]
}

fn cases() -> Vec<Spelled> {
    let stay = strangers().into_iter().map(|text| (text.clone(), text));
    variants().into_iter().chain(alike()).chain(stay).collect()
}

#[test]
fn there_are_enough() {
    let variants = variants();
    assert!(variants.len() >= 50, "{}", variants.len());
    let known: std::collections::BTreeSet<_> = variants.iter().map(|(text, _)| text).collect();
    assert_eq!(known.len(), variants.len(), "each once");
}

#[test]
fn a_text_and_a_message_are_restored() {
    for (text, expected) in cases() {
        let client = answered(&mut forwarded(&request()), "text/plain", &[text.as_bytes()]);
        assert_eq!(String::from_utf8(client).unwrap(), expected, "{text}");
        let body =
            |text: &str| json!({"type": "message", "content": [{"type": "text", "text": text}]});
        let answer = body(&text).to_string();
        let client = answered(&mut forwarded(&request()), "application/json", &[answer.as_bytes()]);
        assert_eq!(serde_json::from_slice::<Value>(&client).unwrap(), body(&expected), "{text}");
    }
}

#[test]
fn what_was_restored_is_masked_again() {
    let ([ec2, bucket, _], request) = (names(), request());
    for (text, expected) in variants() {
        let body = masked("/v1/x", "text/plain", &format!("{request}\n{expected}")).body;
        let body = String::from_utf8(body.bytes()).unwrap();
        let own = body.lines().last().unwrap();
        assert!(own.contains(&ec2) || own.contains(&bucket), "{text}: {own}");
    }
}

/// The text of a stream's deltas.
fn said(events: &[Value]) -> String {
    let delta = |event: &Value| {
        let delta = &event["delta"];
        delta["text"].as_str().or(delta["partial_json"].as_str()).unwrap_or_default().to_owned()
    };
    events.iter().map(delta).collect()
}

fn delta(text: &str, source: bool) -> Value {
    let delta = if source {
        json!({"type": "input_json_delta", "partial_json": text})
    } else {
        json!({"type": "text_delta", "text": text})
    };
    json!({"type": "content_block_delta", "index": 0, "delta": delta})
}

/// What the exchange of the request knows.
static TABLE: LazyLock<Table> = LazyLock::new(|| {
    let (_, mut table, _) = mask(&MASKER, &SCOPE, Form::Text, &request()).unwrap();
    let care = Care::new(Arc::default(), Arc::clone(&MASKER.catalog));
    table.set_care(care.lenient(true));
    table
});

fn streamed(pieces: &[&str], source: bool) -> String {
    let mut events: Vec<_> = pieces.iter().map(|piece| delta(piece, source)).collect();
    events.push(json!({"type": "content_block_stop", "index": 0}));
    let mut stream = Stream::new(Format::Event, 1 << 20, DEPTH);
    let mut counts = Counts::default();
    let mut client = stream.push(&Framing::Sse.write(&events), &TABLE, &mut counts).unwrap();
    client.extend(stream.finish(&TABLE, &mut counts));
    let client = Framing::Sse.read(&client);
    assert_eq!(client.len(), events.len());
    said(&client)
}

#[test]
fn every_split_of_a_stream_says_the_same() {
    for (text, expected) in cases() {
        let whole = format!("see {text} and a");
        for at in (0..=whole.len()).filter(|&at| whole.is_char_boundary(at)) {
            let (head, tail) = whole.split_at(at);
            assert_eq!(
                streamed(&[head, tail], false),
                format!("see {expected} and a"),
                "{text} {at}"
            );
        }
        let pieces: Vec<String> = whole.chars().map(String::from).collect();
        let pieces: Vec<&str> = pieces.iter().map(String::as_str).collect();
        assert_eq!(streamed(&pieces, false), format!("see {expected} and a"), "{text}");
    }
}

#[test]
fn the_input_of_tools_is_restored_at_every_split() {
    let [_, _, key] = names();
    for (text, expected) in variants().into_iter().chain([(key.to_lowercase(), KEY.to_owned())]) {
        let (source, expected) = (json!({"a": text}).to_string(), json!({"a": expected}));
        for at in 0..=source.len() {
            let (head, tail) = source.split_at(at);
            let said = streamed(&[head, tail], true);
            assert_eq!(serde_json::from_str::<Value>(&said).unwrap(), expected, "{text} {at}");
        }
    }
}
