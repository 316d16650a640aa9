//! What is restored with care is decided alike however a stream is split.

use std::sync::{Arc, LazyLock};

use masker::body::select::Format;
use masker::detect::{Catalog, Settings};
use masker::mask::care::{Care, Rules};
use masker::mask::document::{Form, unmask};
use masker::mask::restore::Counts;
use masker::mask::stream::Stream;
use masker::mask::table::Table;
use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::setup::{DEPTH, SCOPE};
use crate::splits::cut;
use crate::streams::{pieces, read, stream};

static CATALOG: LazyLock<Arc<Catalog>> =
    LazyLock::new(|| Arc::new(Catalog::builtin(&Settings::default()).unwrap()));

/// A key, an id that is not critical, a password that is a command, and a stranger.
fn table() -> (Table, [String; 4]) {
    let mut table = Table::default();
    let mut assign = |secret, kind, value| {
        table.assign(&SCOPE, secret, kind, value).unwrap().placeholder.to_string()
    };
    let key = assign(false, "ACCESS_KEY", "AKIAIOSFODNN7EXAMPLF");
    let id = assign(false, "EC2", "i-0123456789abcdef0");
    let password = assign(true, "DB_PASSWORD", "a b;\"c\\");
    let mut care = Care::new(Arc::new(Rules::new()), Arc::clone(&CATALOG));
    care.own("the hook at own.example");
    table.set_care(care);
    (table, [key, id, password, "AWS_ACCESS_KEY_ZZZZZZZZZZZZ".to_owned()])
}

/// Text about URLs: `0` to `3` stand for placeholders.
fn text() -> impl Strategy<Value = String> {
    const WORDS: [&str; 34] = [
        "https://",
        "https:",
        "//",
        "postgres://",
        "s3://",
        "evil.example",
        "own.example",
        "a.amazonaws.com",
        "10.1.2.3",
        ":80",
        "/",
        "\\",
        "\\/",
        "?k=",
        "#",
        "@",
        ":",
        ".",
        "-",
        "_",
        "%2F",
        " ",
        "\n",
        "\n\n",
        "\t",
        "\r",
        "\"",
        "'",
        "`",
        "<",
        ">",
        "(",
        "é",
        "x",
    ];
    let word = proptest::sample::select(&WORDS[..]).prop_map(str::to_owned);
    let name = (0..4_usize).prop_map(|index| index.to_string());
    vec(prop_oneof![3 => word, 2 => name], 0..16).prop_map(|words| {
        let (_, names) = table();
        let spelled = |word: &String| match word.parse::<usize>() {
            Ok(index) if word.len() == 1 => names[index % 4].clone(),
            _ => word.clone(),
        };
        words.iter().map(spelled).collect()
    })
}

fn restored(source: &str, at: &[usize], table: &Table) -> (String, Counts) {
    let mut stream = Stream::new(Format::Event, 1 << 20, DEPTH);
    let (mut counts, mut out) = (Counts::default(), Vec::new());
    for piece in cut(source.as_bytes(), at) {
        out.extend(stream.push(piece, table, &mut counts).unwrap());
    }
    out.extend(stream.finish(table, &mut counts));
    (String::from_utf8(out).unwrap(), counts)
}

/// The block as it is restored when the answer comes whole.
fn whole(block: &Value, table: &Table) -> (Value, Counts) {
    let answer = json!({"type": "message", "content": [block]}).to_string();
    let (whole, counts) = unmask(Form::Json(Format::Messages), &answer, DEPTH, table);
    let whole: Value = serde_json::from_str(&whole).unwrap();
    (whole["content"][0].clone(), counts)
}

/// No word in two pieces: what such events split stays as it is.
fn words(pieces: Vec<String>) -> Vec<String> {
    let of_word = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric() || c == '_');
    pieces.into_iter().fold(Vec::new(), |mut out: Vec<String>, piece| {
        match out.last_mut() {
            Some(last) if of_word(last.chars().last()) && of_word(piece.chars().next()) => {
                last.push_str(&piece);
            }
            _ => out.push(piece),
        }
        out
    })
}

proptest! {
    #![proptest_config(crate::driver::cases())]

    #[test]
    fn text_is_restored_with_the_same_care(
        text in text(),
        lengths in vec(1..9_usize, 1..6),
        at in vec(0..100_000_usize, 0..8),
    ) {
        let (table, _) = table();
        let (block, expected) = whole(&json!({"type": "text", "text": text}), &table);
        let source = stream(&pieces(&text, &lengths), "text_delta", "text");
        let (streamed, counts) = restored(&source, &at, &table);
        prop_assert_eq!(read(&streamed, "text"), block["text"].as_str().unwrap());
        prop_assert_eq!(counts, expected);
    }

    #[test]
    fn tool_input_is_restored_with_the_same_care(
        text in text(),
        lengths in vec(1..9_usize, 1..6),
        at in vec(0..100_000_usize, 0..8),
    ) {
        let (table, _) = table();
        let input = json!({"command": text, "more": [text, text], "n": 1});
        let block = json!({"type": "tool_use", "id": "toolu_1", "name": "Bash", "input": input});
        let (block, expected) = whole(&block, &table);
        let source = pieces(&input.to_string(), &lengths);
        let source = stream(&source, "input_json_delta", "partial_json");
        let (streamed, counts) = restored(&source, &at, &table);
        let told: Value = serde_json::from_str(&read(&streamed, "partial_json")).unwrap();
        prop_assert_eq!(&told, &block["input"]);
        prop_assert_eq!(counts, expected);
    }

    /// Events that do not wait: what they restore, the whole answer restores too.
    #[test]
    fn events_that_do_not_wait_are_no_less_careful(
        text in text(),
        lengths in vec(1..90_usize, 1..6),
    ) {
        let (table, _) = table();
        let (block, _) = whole(&json!({"type": "text", "text": text}), &table);
        let (mut stream, mut counts) = (Stream::new(Format::Other, 1 << 20, DEPTH), Counts::default());
        let mut told = String::new();
        for piece in words(pieces(&text, &lengths)) {
            let event = json!({"choices": [{"index": 0, "delta": {"content": piece}}]});
            let event = format!("data: {event}\n\n");
            let out = stream.push(event.as_bytes(), &table, &mut counts).unwrap();
            let out = String::from_utf8(out).unwrap();
            let data: Value = serde_json::from_str(out.strip_prefix("data: ").unwrap()).unwrap();
            told += data["choices"][0]["delta"]["content"].as_str().unwrap();
        }
        let keys = |text: &str| text.matches("AKIAIOSFODNN7EXAMPLF").count();
        prop_assert!(keys(&told) <= keys(block["text"].as_str().unwrap()), "{told}");
    }
}
