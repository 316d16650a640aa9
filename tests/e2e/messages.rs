//! One request and its answer: JSON, streams in small pieces, tool calls.

use serde_json::{Value, json};

use crate::bed::{Bed, Streamed};
use crate::planted::{VALUES, assert_unseen, find, prose};

pub(crate) fn asking(text: &str) -> Value {
    json!({
        "model": "claude-sonnet-5-5",
        "max_tokens": 1000,
        "system": "You help with AWS.",
        "messages": [{"role": "user", "content": text}],
    })
}

pub(crate) fn streaming(text: &str) -> Value {
    let mut request = asking(text);
    request["stream"] = true.into();
    request
}

#[tokio::test(flavor = "multi_thread")]
async fn a_json_answer_comes_back_exactly() {
    let bed = Bed::usual().await;
    let reply = bed.post("/v1/messages", &asking(&prose())).await;
    assert_eq!(reply.status, 200, "{}", reply.text());
    assert_eq!(reply.json()["content"][0]["text"], format!("I see: {}", prose()));
    let seen = bed.seen();
    assert_eq!(seen.len(), 1);
    assert_unseen(&seen);
    assert!(memchr::memmem::find(&seen[0].body, b"AWS_").is_some(), "placeholders arrive instead");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_in_pieces_of_any_size_comes_back_exactly() {
    let bed = Bed::usual().await;
    let mut counts = Vec::new();
    for (piece, pings) in [(1, false), (2, false), (3, true), (7, false), (16, true), (4000, false)]
    {
        bed.script(json!({"piece": piece, "pings": pings}));
        let reply = bed.post("/v1/messages", &streaming(&prose())).await;
        assert_eq!(reply.status, 200, "{}", reply.text());
        assert!(reply.complete);
        let streamed = Streamed::read(&reply.text());
        assert_eq!(streamed.text, format!("I see: {}", prose()), "in pieces of {piece}");
        assert_eq!(streamed.names.last().map(String::as_str), Some("message_stop"));
        let deltas = streamed.names.iter().filter(|name| *name == "content_block_delta").count();
        counts.push((piece, deltas));
        assert_unseen(&bed.seen());
    }
    // Text moves between events; none is added or removed.
    let [one, two, ..] = counts.as_slice() else { panic!("{counts:?}") };
    assert!(one.1.abs_diff(2 * two.1) <= 1, "{counts:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn tool_calls_get_the_real_values() {
    let bed = Bed::usual().await;
    let asked = format!("instance={} role={} key={}\n", VALUES[0], role(), VALUES[3]);
    let input = json!({
        "command": "aws ec2 stop-instances --instance-ids {{instance=}}",
        "nested": {"role": "{{role=}}", "list": ["a \"quoted\" {{key=}}\n", "Zoë \\ {{instance=}}"]},
    });
    bed.script(json!({"piece": 3, "steps": [
        {"text": "I stop {{instance=}}.", "tools": [{"name": "Bash", "input": input}]},
    ]}));
    let expected = json!({
        "command": format!("aws ec2 stop-instances --instance-ids {}", VALUES[0]),
        "nested": {"role": role(), "list": [
            format!("a \"quoted\" {}\n", VALUES[3]),
            format!("Zoë \\ {}", VALUES[0]),
        ]},
    });
    let tools =
        json!([{"name": "Bash", "description": "runs", "input_schema": {"type": "object"}}]);
    for stream in [false, true] {
        let mut request = asking(&asked);
        request["tools"] = tools.clone();
        request["stream"] = stream.into();
        let reply = bed.post("/v1/messages", &request).await;
        assert_eq!(reply.status, 200, "{}", reply.text());
        let (text, input) = if stream {
            let streamed = Streamed::read(&reply.text());
            (streamed.text, serde_json::from_str(&streamed.tool_input).expect("tool input is JSON"))
        } else {
            let content = &reply.json()["content"];
            assert_eq!(content[1]["name"], "Bash");
            (content[0]["text"].as_str().expect("a text").to_owned(), content[1]["input"].clone())
        };
        assert_eq!(text, format!("I stop {}.", VALUES[0]));
        assert_eq!(input, expected, "stream: {stream}");
        assert_unseen(&bed.seen());
    }
}

fn role() -> String {
    format!("arn:aws:iam::{}:role/{}", VALUES[4], VALUES[5])
}

#[tokio::test(flavor = "multi_thread")]
async fn other_bodies_are_masked_too() {
    let bed = Bed::usual().await;
    let form = format!(
        "--cut\r\ncontent-disposition: form-data; name=\"notes\"\r\ncontent-type: text/plain\r\n\r\n{}\r\n--cut--\r\n",
        prose()
    );
    let nested = json!({"a": [{"b": prose()}], "text": json!({"inner": prose()}).to_string()});
    let lines = format!("{}\n{}\n", json!({"n": prose()}), json!({"m": [VALUES[0]]}));
    let cases = [
        ("text/plain", prose()),
        ("application/json", nested.to_string()),
        ("application/x-ndjson", lines),
        ("multipart/form-data; boundary=cut", form),
    ];
    for (media_type, body) in cases {
        let headers = [("content-type", media_type)];
        let url = bed.url("/v1/other");
        let reply = bed.client.send("POST", &url, &headers, body.clone().into_bytes()).await;
        assert_eq!(reply.status, 200, "{media_type}: {}", reply.text());
        let seen = bed.seen();
        assert_eq!(seen.len(), 1, "{media_type}");
        assert_unseen(&seen);
        assert_ne!(seen[0].body, body.as_bytes(), "{media_type}");
        if !media_type.starts_with("multipart") {
            assert_eq!(reply.text(), body, "{media_type}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_compressed_against_our_wish_are_restored() {
    let bed = Bed::usual().await;
    for encoding in ["gzip", "deflate", "br", "zstd"] {
        for stream in [false, true] {
            bed.script(json!({"encoding": encoding, "piece": 5}));
            let mut request = asking(&prose());
            request["stream"] = stream.into();
            let reply = bed.post("/v1/messages", &request).await;
            let expected = format!("I see: {}", prose());
            assert_eq!(reply.status, 200, "{encoding}");
            assert_eq!(reply.header("content-encoding"), "", "{encoding}");
            let text = if stream {
                Streamed::read(&reply.text()).text
            } else {
                reply.json()["content"][0]["text"].as_str().unwrap_or_default().to_owned()
            };
            assert_eq!(text, expected, "{encoding}, stream: {stream}");
        }
    }
    assert!(find(&bed.logs()).is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn results_of_a_batch_come_back_restored() {
    let bed = Bed::start(crate::bed::Plan { redis: true, ..Default::default() }).await;
    let params = asking(&prose());
    let batch = json!({"requests": [{"custom_id": "one", "params": params}]});
    assert_eq!(bed.post("/v1/messages/batches", &batch).await.status, 200);
    let headers = [("x-api-key", "sk-ant-api03-e2e")];
    let url = bed.url("/v1/messages/batches/msgbatch_1/results");
    let results = bed.client.send("GET", &url, &headers, Vec::new()).await;
    assert_eq!(results.status, 200);
    let result = &results.json()["result"]["message"]["content"][0]["text"];
    assert_eq!(result.as_str(), Some(format!("I see: {}", prose()).as_str()));
    assert_unseen(&bed.seen());
}
