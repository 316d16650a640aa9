//! The streamed answer has the same text as the whole one, for any text, any
//! values, any pieces of text and any split of the bytes.

use masker::body::select::Format;
use masker::mask::document::{Form, unmask};
use masker::mask::restore::Counts;
use masker::mask::stream::Stream;
use masker::mask::table::Table;
use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::golden_streams::texts;
use crate::setup::{DEPTH, SCOPE};
use crate::splits::cut;

/// A table of these values, and their placeholders.
fn table(values: &[String]) -> (Table, Vec<String>) {
    let mut table = Table::default();
    let assign = |value: &String| {
        let mapping = table.assign(&SCOPE, false, "EC2", value).unwrap();
        mapping.placeholder.to_string()
    };
    let placeholders = values.iter().map(assign).collect();
    (table, placeholders)
}

/// Text of words, of placeholders and of what looks like their beginnings.
fn answer_text(values: usize) -> impl Strategy<Value = Vec<(usize, String)>> {
    let word = prop_oneof![
        Just(" ".to_owned()),
        Just("AWS_".to_owned()),
        Just("SECRET_X_".to_owned()),
        Just("A".to_owned()),
        Just("\n".to_owned()),
        Just("\\n".to_owned()),
        Just("\"".to_owned()),
        Just("😀é".to_owned()),
        Just("AWS_EC2_ZZZZZZZZZZZZ".to_owned()),
        Just("-".to_owned()),
        "[a-zA-Z_ .,]{0,8}",
    ];
    vec((0..values * 2, word), 0..12)
}

fn text(parts: &[(usize, String)], placeholders: &[String]) -> String {
    let part = |(index, word): &(usize, String)| match placeholders.get(*index) {
        Some(placeholder) => format!("{word}{placeholder}"),
        None => word.clone(),
    };
    parts.iter().map(part).collect()
}

/// Cuts a text into pieces of these lengths in characters, over and over.
pub(crate) fn pieces(text: &str, lengths: &[usize]) -> Vec<String> {
    let chars: Vec<char> = text.chars().collect();
    let (mut out, mut at) = (Vec::new(), 0);
    for length in lengths.iter().cycle() {
        if at >= chars.len() {
            break;
        }
        let end = (at + length).min(chars.len());
        out.push(chars[at..end].iter().collect());
        at = end;
    }
    out
}

fn event(data: &Value) -> String {
    format!("event: {}\ndata: {data}\n\n", data["type"].as_str().unwrap())
}

pub(crate) fn stream(pieces: &[String], kind: &str, field: &str) -> String {
    // As the API writes them: most take the short way.
    let delta = |piece: &String| {
        let text = Value::from(piece.as_str());
        let delta = format!(r#"{{"type":"{kind}","{field}":{text}}}"#);
        let data = format!(r#"{{"type":"content_block_delta","index":0,"delta":{delta}}}"#);
        format!("event: content_block_delta\ndata: {data}\n\n")
    };
    let ping = event(&json!({"type": "ping"}));
    let deltas: Vec<_> = pieces.iter().map(delta).collect();
    let start = json!({"type": "content_block_start", "index": 0,
        "content_block": {"type": "text", "text": ""}});
    let stop = json!({"type": "content_block_stop", "index": 0});
    event(&start) + &deltas.join(&ping) + &event(&stop) + &event(&json!({"type": "message_stop"}))
}

fn restored(source: &str, at: &[usize], table: &Table) -> String {
    let mut stream = Stream::new(Format::Event, 1 << 20, DEPTH);
    let mut counts = Counts::default();
    let mut out = Vec::new();
    for piece in cut(source.as_bytes(), at) {
        out.extend(stream.push(piece, table, &mut counts).unwrap());
    }
    out.extend(stream.finish(table, &mut counts));
    String::from_utf8(out).unwrap()
}

/// The same stream in a spelling that always takes the long way.
fn long_way(stream: &str, at: &[usize], table: &Table) -> String {
    let (short, long) = (r#""index":0"#, r#""index": 0"#);
    restored(&stream.replace(short, long), at, table).replace(long, short)
}

pub(crate) fn read(stream: &str, field: &str) -> String {
    texts(stream).remove(&(0, field.to_owned())).unwrap_or_default()
}

/// An answer that comes in pieces.
#[derive(Debug)]
struct Scene {
    /// For the message of a failure: a table shows no values.
    #[expect(dead_code, reason = "printed when a case fails")]
    values: Vec<String>,
    table: Table,
    text: String,
    /// Characters of each event.
    lengths: Vec<usize>,
    /// Where the bytes are cut.
    at: Vec<usize>,
}

fn scene() -> impl Strategy<Value = Scene> {
    let values = vec(".{1,20}", 1..3);
    let (lengths, at) = (vec(1..9_usize, 1..6), vec(0..100_000_usize, 0..8));
    (values, answer_text(2), lengths, at).prop_map(|(values, parts, lengths, at)| {
        let number = |(n, value): (usize, &String)| format!("{n}{value}");
        let values: Vec<String> = values.iter().enumerate().map(number).collect();
        let (table, placeholders) = table(&values);
        let text = text(&parts, &placeholders);
        Scene { values, table, text, lengths, at }
    })
}

/// The answer as it is restored when it comes whole.
fn whole(answer: &Value, table: &Table) -> Value {
    let (whole, _) = unmask(Form::Json(Format::Messages), &answer.to_string(), DEPTH, table);
    serde_json::from_str(&whole).unwrap()
}

/// One event of a stream of several blocks.
#[derive(Clone, Debug)]
enum Step {
    Text(u8, String),
    Source(u8, String),
    Thinking(u8, String),
    /// The end of a block, after which it may go on all the same.
    Stop(u8),
    Ping,
    Comment,
    /// What stands whole in its event.
    Start(String),
    /// Of no known spelling.
    Other(&'static str),
}

fn steps() -> impl Strategy<Value = Vec<(Step, bool)>> {
    const BEGINNINGS: [&str; 14] = [
        "A",
        "AW",
        "AWS_",
        "AWS_EC2",
        "AWS_EC2_",
        "S",
        "SECRET_",
        "SECRET_X_AWS_",
        "\"",
        "\"A",
        "AWS_ACCOUNT_NUMBER_",
        "\\n",
        "\\\"",
        "\\\\u001b[0m",
    ];
    const OTHERS: [&str; 5] = [
        "data: {\"type\":\"content_block_delta\",\"index\":0}\n\n",
        "data: {\ndata: \"a\":\"AWS_\"}\n\n",
        "event: content_block_delta\n\n",
        "\r\n",
        "data: no json\r\r",
    ];
    // Of a placeholder that the table has, a part; and a beginning before it.
    let piece = (proptest::sample::select(&BEGINNINGS[..]), 0..6_usize, 0..32_usize, 0..32_usize)
        .prop_map(|(begin, which, from, to)| format!("{begin}|{which}|{from}|{to}"));
    let text = prop_oneof![
        3 => piece,
        1 => "[a-zA-Z_ .,é😀]{0,8}",
        1 => Just("\\ud83d".to_owned()),
        1 => Just("\\ude00 ".to_owned()),
    ];
    let block = 0..2_u8;
    let step = prop_oneof![
        6 => (block.clone(), text.clone()).prop_map(|(block, text)| Step::Text(block, text)),
        6 => (block.clone(), text.clone()).prop_map(|(block, text)| Step::Source(block + 2, text)),
        1 => (block.clone(), text.clone()).prop_map(|(block, text)| Step::Thinking(block, text)),
        1 => (0..4_u8).prop_map(Step::Stop),
        1 => Just(Step::Ping),
        1 => Just(Step::Comment),
        1 => text.prop_map(Step::Start),
        1 => proptest::sample::select(&OTHERS[..]).prop_map(Step::Other),
    ];
    vec((step, any::<bool>()), 0..24)
}

/// The JSON source of a string: what `|` separates names a part of a placeholder.
fn piece(text: &str, placeholders: &[String]) -> String {
    let mut parts = text.split('|');
    let begin = parts.next().unwrap();
    let numbers: Vec<usize> = parts.map_while(|part| part.parse().ok()).collect();
    let &[which, from, to] = numbers.as_slice() else { return begin.to_owned() };
    let begin = if from % 2 == 0 { "" } else { begin };
    let whole = format!("{}\" ,", placeholders[which % placeholders.len()]);
    let (from, to) = (from.min(to).min(whole.len()), from.max(to).min(whole.len()));
    Value::from(format!("{begin}{}", &whole[if to > 24 { 0 } else { from }..to]))
        .to_string()
        .trim_matches('"')
        .to_owned()
}

/// The stream in the spelling of the API, and the same in one that takes the long way.
fn spelled(steps: &[(Step, bool)], placeholders: &[String]) -> (String, String) {
    let (mut short, mut long) = (String::new(), String::new());
    for (step, named) in steps {
        let delta = |block: &u8, kind: &str, field: &str, text: &str| {
            let name = if *named { "event: content_block_delta\n" } else { "" };
            let delta = format!(r#"{{"type":"{kind}","{field}":"{}"}}"#, piece(text, placeholders));
            format!(
                "{name}data: {{\"type\":\"content_block_delta\",\"index\":{block},\"delta\":{delta}}}\n\n"
            )
        };
        let event = match step {
            Step::Text(block, text) => delta(block, "text_delta", "text", text),
            Step::Source(block, text) => delta(block, "input_json_delta", "partial_json", text),
            Step::Thinking(block, text) => delta(block, "thinking_delta", "thinking", text),
            Step::Stop(block) => event(&json!({"type": "content_block_stop", "index": block})),
            Step::Ping => event(&json!({"type": "ping"})),
            Step::Comment => ": waits\n\n".to_owned(),
            Step::Start(text) => format!(
                "data: {{\"type\":\"content_block_start\",\"index\":1,\"content_block\":\
                 {{\"type\":\"text\",\"text\":\"{}\"}}}}\n\n",
                piece(text, placeholders)
            ),
            Step::Other(event) => (*event).to_owned(),
        };
        long += &event.replace(",\"delta\":", LONG_DELTA);
        short += &event;
    }
    (short, long)
}

const LONG_DELTA: &str = ", \"delta\":";

proptest! {
    #![proptest_config(crate::driver::cases())]

    #[test]
    fn the_short_way_and_the_long_way_agree(
        steps in steps(),
        (numbers, thinking) in any::<(bool, bool)>(),
        at in vec(0..100_000_usize, 0..8),
    ) {
        let (mut table, mut placeholders) = table(&["i-1".to_owned(), "a\"b".to_owned()]);
        if thinking {
            table.show_thinking();
        }
        if numbers {
            let number = table.assign(&SCOPE, false, "ACCOUNT_NUMBER", "123456789012").unwrap();
            placeholders.push(number.placeholder.to_string());
        }
        placeholders.push("AWS_EC2_ZZZZZZZZZZZZ".to_owned());
        let (short, long) = spelled(&steps, &placeholders);
        let whole = restored(&short, &[], &table);
        prop_assert_eq!(&restored(&short, &at, &table), &whole);
        let long = restored(&long, &at, &table).replace(LONG_DELTA, ",\"delta\":");
        prop_assert_eq!(&long, &whole);
    }

    #[test]
    fn streamed_text_is_the_whole_text(scene in scene()) {
        let Scene { table, text, lengths, at, .. } = scene;
        let answer = json!({"type": "message", "content": [{"type": "text", "text": text}]});
        let whole = whole(&answer, &table);
        let source = stream(&pieces(&text, &lengths), "text_delta", "text");
        let streamed = restored(&source, &at, &table);
        prop_assert_eq!(&streamed, &long_way(&source, &at, &table));
        let whole = whole["content"][0]["text"].as_str().unwrap();
        prop_assert_eq!(read(&streamed, "text"), whole);
        let events = |stream: &str| stream.matches("\n\n").count();
        prop_assert_eq!(events(&streamed), events(&source));
    }

    #[test]
    fn streamed_tool_input_is_the_whole_input(scene in scene()) {
        let Scene { table, text, lengths, at, .. } = scene;
        let input = json!({"command": text, "n": 1});
        let answer = json!({"type": "message", "content": [
            {"type": "tool_use", "id": "toolu_1", "name": "Bash", "input": input}]});
        let whole = whole(&answer, &table);
        let source = pieces(&input.to_string(), &lengths);
        let source = stream(&source, "input_json_delta", "partial_json");
        let streamed = restored(&source, &at, &table);
        prop_assert_eq!(&streamed, &long_way(&source, &at, &table));
        let streamed = read(&streamed, "partial_json");
        let streamed: Value = serde_json::from_str(&streamed).map_err(|error| {
            TestCaseError::fail(format!("{error}: {streamed}"))
        })?;
        prop_assert_eq!(&streamed, &whole["content"][0]["input"]);
    }
}
