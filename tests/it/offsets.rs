//! Offsets into an answer's text that come in a later event than the text.

use serde_json::{Value, json};

use crate::driver::{answered, forwarded_as};
use crate::golden_streams::mask_text;
use crate::wire::Framing;

const ID: &str = "i-0123456789abcdef0";
const CHAT: &str = "/v1/chat/completions";
const RESPONSES: &str = "/v1/responses";
const GEMINI: &str = "/v1beta/models/gemini-3-pro:streamGenerateContent";

/// One API's events: one that continues the text, and one with offsets into it.
struct Api {
    path: &'static str,
    framing: Framing,
    delta: fn(&str) -> Value,
    span: fn(usize, usize) -> Value,
    /// Where the offsets are in that event.
    begin: &'static str,
    end: &'static str,
    count: fn(&str) -> usize,
}

fn candidate(more: (&str, Value)) -> Value {
    let mut candidate = json!({"index": 1});
    candidate[more.0] = more.1;
    json!({"candidates": [candidate]})
}

fn apis() -> [Api; 4] {
    [
        Api {
            path: CHAT,
            framing: Framing::Sse,
            delta: |text| json!({"choices": [{"index": 1, "delta": {"content": text}}]}),
            span: |begin, end| {
                let citation =
                    json!({"url": "https://e.example/", "start_index": begin, "end_index": end});
                let annotation = json!({"type": "url_citation", "url_citation": citation});
                json!({"choices": [{"index": 1, "delta": {"annotations": [annotation]}}]})
            },
            begin: "/choices/0/delta/annotations/0/url_citation/start_index",
            end: "/choices/0/delta/annotations/0/url_citation/end_index",
            count: |text| text.chars().count(),
        },
        Api {
            path: RESPONSES,
            framing: Framing::Sse,
            delta: |text| {
                json!({"type": "response.output_text.delta", "output_index": 2, "content_index": 1,
                    "delta": text})
            },
            span: |begin, end| {
                json!({"type": "response.output_text.annotation.added", "output_index": 2,
                    "content_index": 1, "annotation_index": 0, "annotation": {"type": "url_citation",
                    "url": "https://e.example/", "start_index": begin, "end_index": end}})
            },
            begin: "/annotation/start_index",
            end: "/annotation/end_index",
            count: |text| text.chars().count(),
        },
        Api {
            path: GEMINI,
            framing: Framing::Sse,
            delta: |text| candidate(("content", json!({"parts": [{"text": text}]}))),
            span: |begin, end| {
                let segment = json!({"partIndex": 0, "startIndex": begin, "endIndex": end});
                candidate((
                    "groundingMetadata",
                    json!({"groundingSupports": [{"segment": segment}]}),
                ))
            },
            begin: "/candidates/0/groundingMetadata/groundingSupports/0/segment/startIndex",
            end: "/candidates/0/groundingMetadata/groundingSupports/0/segment/endIndex",
            count: str::len,
        },
        Api {
            path: GEMINI,
            framing: Framing::Array,
            delta: |text| candidate(("content", json!({"parts": [{"text": text}]}))),
            span: |begin, end| {
                candidate((
                    "citationMetadata",
                    json!({"citations": [{"startIndex": begin, "endIndex": end}]}),
                ))
            },
            begin: "/candidates/0/citationMetadata/citations/0/startIndex",
            end: "/candidates/0/citationMetadata/citations/0/endIndex",
            count: str::len,
        },
    ]
}

/// The offsets that the client gets of words of the text.
fn offsets(api: &Api, text: &str, at: usize, words: &[&str]) -> Vec<(u64, u64)> {
    let place = |word: &str| {
        let from = text.rfind(word).unwrap();
        ((api.count)(&text[..from]), (api.count)(&text[..from + word.len()]))
    };
    let (head, tail) = text.split_at(at);
    let mut events = vec![(api.delta)(head), (api.delta)(tail)];
    events.extend(words.iter().map(|word| place(word)).map(|(from, to)| (api.span)(from, to)));
    events.push((api.delta)(" and more"));
    let stream = api.framing.write(&events);
    let mut exchange = forwarded_as(api.path, "text/plain", ID);
    let client = api.framing.read(&answered(&mut exchange, api.framing.media(), &[&stream]));
    assert_eq!(client.len(), events.len());
    let read = |event: &Value, at| event.pointer(at).and_then(Value::as_u64).unwrap();
    let spans = client.iter().filter(|event| event.pointer(api.end).is_some());
    spans.map(|event| (read(event, api.begin), read(event, api.end))).collect()
}

#[test]
fn offsets_that_come_later_move_with_the_text() {
    let masked = mask_text(ID);
    let text = format!("é \"{masked}\"\né {masked} stops {masked}");
    let restored = text.replace(&masked, ID);
    for api in apis() {
        let expected: Vec<_> = ["é \"", "stops", ID]
            .iter()
            .map(|word| {
                let from = restored.rfind(word).unwrap();
                let count = |to| u64::try_from((api.count)(&restored[..to])).unwrap();
                (count(from), count(from + word.len()))
            })
            .collect();
        for at in (0..=text.len()).filter(|&at| text.is_char_boundary(at)) {
            let found = offsets(&api, &text, at, &["é \"", "stops", &masked]);
            assert_eq!(found, expected, "{} {at}", api.path);
        }
    }
}

#[test]
fn a_part_of_gemini_has_offsets_of_its_own() {
    let masked = mask_text(ID);
    let body = |id: &str| {
        let texts = [format!("{id} é"), format!("see {id}, it runs")];
        let segment = |part: usize, word: &str| {
            let from = texts[part].find(word).unwrap();
            json!({"segment": {"partIndex": part, "startIndex": from, "endIndex": from + word.len()}})
        };
        let supports = json!([segment(0, "é"), segment(1, "it runs"), segment(1, id)]);
        json!({"candidates": [{"content": {"parts": [{"text": texts[0]}, {"text": texts[1]}]},
            "groundingMetadata": {"groundingSupports": supports}}]})
    };
    let mut exchange = forwarded_as("/v1beta/models/g:generateContent", "text/plain", ID);
    let client =
        answered(&mut exchange, "application/json", &[body(&masked).to_string().as_bytes()]);
    assert_eq!(serde_json::from_slice::<Value>(&client).unwrap(), body(ID));
}

#[test]
fn offsets_into_documents_of_the_request_stay() {
    let masked = mask_text(ID);
    let claude = |id: &str| {
        json!({"type": "message", "content": [{"type": "text", "text": format!("see {id}"),
            "citations": [{"type": "char_location", "cited_text": id, "document_index": 0,
            "start_char_index": 40, "end_char_index": 60}]}]})
    };
    let converse = |id: &str| {
        json!({"output": {"message": {"role": "assistant", "content": [{"citationsContent":
            {"content": [{"text": format!("see {id}")}], "citations": [{"location": {"documentChar":
            {"documentIndex": 0, "start": 40, "end": 60}}}]}}]}}})
    };
    for (path, body) in [
        ("/v1/messages", [claude(&masked), claude(ID)]),
        ("/model/a/converse", [converse(&masked), converse(ID)]),
    ] {
        let mut exchange = forwarded_as(path, "text/plain", ID);
        let source = body[0].to_string();
        let client = answered(&mut exchange, "application/json", &[source.as_bytes()]);
        assert_eq!(serde_json::from_slice::<Value>(&client).unwrap(), body[1], "{path}");
    }
}
