//! What a Claude model thought over Bedrock's Converse, shown to the client, and sent back as the
//! model wrote it.

use std::sync::Arc;

use masker::ext_proc::exchange::{Exchange, Input, Output};
use masker::ext_proc::settings::Settings;
use masker::telemetry::labels::Cause;
use serde_json::{Value, json};

use crate::driver::{
    Kept, answer_body, answer_bytes, answer_headers, headers, request_body, send_to,
};
use crate::thinking::{ID, INVENTED, SAID, placeholder, with};
use crate::wire::Framing;

struct Client<'k> {
    settings: Arc<Settings>,
    kept: &'k mut Kept,
    messages: Vec<Value>,
    /// What the provider was sent, and what it wrote.
    provider: Vec<Value>,
    streams: bool,
    originals: usize,
    fault: Option<Cause>,
}

impl<'k> Client<'k> {
    fn new(thinking: bool, kept: &'k mut Kept, streams: bool) -> Self {
        let (messages, provider) = Default::default();
        let settings = with(thinking);
        Self { settings, kept, messages, provider, streams, originals: 0, fault: None }
    }

    /// The user says something, the model answers with blocks. Gives what the client got of them.
    fn turn(&mut self, said: &str, blocks: impl Fn(&str) -> Value) -> Value {
        self.messages.push(json!({"role": "user", "content": [{"text": said}]}));
        let mut exchange = Exchange::new(Arc::clone(&self.settings));
        let path = if self.streams { "converse-stream" } else { "converse" };
        let path = format!("/model/anthropic.claude-x%3A0/{path}");
        let list = [(":method", "POST"), (":path", &path), ("content-type", "application/json")];
        let begin =
            Input::RequestHeaders { headers: headers(&list), end: false, fully_streamed: true };
        send_to(&mut exchange, begin, self.kept).unwrap();
        let body = json!({"messages": self.messages}).to_string();
        let out = send_to(&mut exchange, request_body(body.as_bytes(), true), self.kept).unwrap();
        let part = |output: &Output| match output {
            Output::RequestBody { bytes, .. } => bytes.to_vec(),
            _ => Vec::new(),
        };
        let sent = out.iter().flat_map(part).collect::<Vec<_>>();
        let sent: Value = serde_json::from_slice(&sent).unwrap();
        let sent = sent["messages"].as_array().unwrap();
        assert!(sent.starts_with(&self.provider), "{sent:#?}");
        self.fault = self.fault.or(exchange.tally.fault);
        let wrote = blocks(sent.last().unwrap()["content"][0]["text"].as_str().unwrap());
        let got = if self.streams {
            let stream = Framing::Messages.write(&events(&wrote));
            read(&Framing::Messages.read(&self.answer(
                &mut exchange,
                Framing::Messages.media(),
                &stream,
            )))
        } else {
            let whole = json!({"output": {"message": {"role": "assistant", "content": wrote}}});
            let whole = whole.to_string();
            let got = self.answer(&mut exchange, "application/json", whole.as_bytes());
            let got: Value = serde_json::from_slice(&got).unwrap();
            got["output"]["message"]["content"].clone()
        };
        self.originals += exchange.tally.originals;
        self.provider.clone_from(sent);
        self.provider.push(json!({"role": "assistant", "content": wrote}));
        self.messages.push(json!({"role": "assistant", "content": got}));
        got
    }

    fn answer(&mut self, exchange: &mut Exchange, media: &str, body: &[u8]) -> Vec<u8> {
        let mut all = send_to(exchange, answer_headers(media, &[]), self.kept).unwrap();
        for piece in body.chunks(11) {
            all.extend(send_to(exchange, answer_body(piece, false), self.kept).unwrap());
        }
        all.extend(send_to(exchange, answer_body(b"", true), self.kept).unwrap());
        answer_bytes(&all)
    }
}

fn delta(index: usize, delta: &Value) -> Value {
    json!({"@": "contentBlockDelta", "contentBlockIndex": index, "delta": delta})
}

/// The events of an answer, its texts in pieces of three characters.
fn events(blocks: &Value) -> Vec<Value> {
    let mut out = vec![json!({"@": "messageStart", "role": "assistant"})];
    for (index, block) in blocks.as_array().unwrap().iter().enumerate() {
        let reasoning = &block["reasoningContent"];
        let thought = &reasoning["reasoningText"];
        let text: Vec<char> = block["text"]
            .as_str()
            .or(thought["text"].as_str())
            .unwrap_or_default()
            .chars()
            .collect();
        for piece in text.chunks(3) {
            let text = json!({"text": piece.iter().collect::<String>()});
            let thinks = thought.is_object();
            out.push(delta(index, &if thinks { json!({"reasoningContent": text}) } else { text }));
        }
        for (name, value) in [
            ("signature", &thought["signature"]),
            ("redactedContent", &reasoning["redactedContent"]),
        ] {
            if value.is_string() {
                out.push(delta(index, &json!({"reasoningContent": {name: value}})));
            }
        }
        out.push(json!({"@": "contentBlockStop", "contentBlockIndex": index}));
    }
    out.push(json!({"@": "messageStop", "stopReason": "end_turn"}));
    out
}

/// The blocks that a client puts together.
fn read(events: &[Value]) -> Value {
    let mut blocks = Vec::<Value>::new();
    for event in events {
        let (Some(index), delta) = (event["contentBlockIndex"].as_u64(), &event["delta"]) else {
            continue;
        };
        if blocks.len() <= usize::try_from(index).unwrap() {
            blocks.push(json!({}));
        }
        let block = blocks.last_mut().unwrap();
        let reasoning = &delta["reasoningContent"];
        for (from, to) in [
            (&delta["text"], "/text"),
            (&reasoning["text"], "/reasoningContent/reasoningText/text"),
            (&reasoning["signature"], "/reasoningContent/reasoningText/signature"),
            (&reasoning["redactedContent"], "/reasoningContent/redactedContent"),
        ] {
            let Some(more) = from.as_str() else { continue };
            let mut at = &mut *block;
            for name in to.split('/').skip(1) {
                at = &mut at[name];
            }
            *at = json!(at.as_str().unwrap_or_default().to_owned() + more);
        }
    }
    blocks.into()
}

fn thought(text: &str, signature: &str) -> Value {
    json!({"reasoningContent": {"reasoningText": {"text": text, "signature": signature}}})
}

/// What a model thinks of it, and then says.
fn answers(masked: &str) -> Vec<Value> {
    let (id, name) = (placeholder(masked, "AWS_EC2_"), placeholder(masked, "AWS_RDS_"));
    let said = json!({"text": format!("See {id}.")});
    let weak = format!("The {name} one, {INVENTED} and {}", id.to_lowercase());
    vec![
        json!([thought(&format!("About {id}\n\"{id}\""), "c2ln"), said]),
        json!([thought(&weak, "c2lnMg=="), said]),
        json!([
            thought(&format!("First {name}"), "a"),
            {"reasoningContent": {"redactedContent": "QVdTX0VDMl8="}},
            thought(&format!("Then {name} again"), "b"),
            said
        ]),
    ]
}

fn shown(got: &Value) -> Vec<&str> {
    let blocks = got.as_array().unwrap().iter();
    let text = |block: &'_ Value| block.pointer("/reasoningContent/reasoningText/text").is_some();
    let shown = blocks.filter(|block| text(block));
    shown
        .map(|block| block["reasoningContent"]["reasoningText"]["text"].as_str().unwrap())
        .collect()
}

#[test]
fn it_is_restored_for_the_client_and_goes_back_as_it_was() {
    for streams in [true, false] {
        let mut kept = Kept::new();
        let mut client = Client::new(true, &mut kept, streams);
        for (which, expected) in [
            vec![format!("About {ID}\n\"{ID}\"")],
            vec![format!("The prod one, {INVENTED} and {ID}")],
            vec!["First prod".to_owned(), "Then prod again".to_owned()],
        ]
        .into_iter()
        .enumerate()
        {
            let got = client.turn(SAID, |said| answers(said)[which].clone());
            assert_eq!(shown(&got), expected, "{which}");
            assert!(!got.to_string().contains("AWS_EC2_"), "{got}");
        }
        // Each turn compares what is sent with what the model wrote.
        client.turn("And now?", |said| json!([{"text": said}]));
        assert_eq!(client.fault, None);
        assert_eq!(client.originals, 3, "what masking gives again is not kept");
    }
}

#[test]
fn without_the_option_nothing_of_it_is_touched() {
    for streams in [true, false] {
        let mut kept = Kept::new();
        let mut client = Client::new(false, &mut kept, streams);
        for which in [0, 1, 2, 0] {
            let got = client.turn(SAID, |said| answers(said)[which].clone());
            assert!(shown(&got).iter().all(|text| text.contains("AWS_")), "{got}");
            client.kept.clear();
        }
        assert_eq!(client.fault, None);
    }
}

/// Nobody remembers: it is masked as a text is.
#[test]
fn what_was_shown_never_goes_out_restored() {
    for streams in [true, false] {
        let mut kept = Kept::new();
        let mut client = Client::new(true, &mut kept, streams);
        client.turn(SAID, |said| answers(said)[1].clone());
        client.kept.clear();
        client.provider.clear();
        client.turn("Thanks.", |said| json!([{"text": said}]));
        let sent = json!(client.provider).to_string();
        assert!(!sent.contains(ID) && sent.contains("The prod one"), "{sent}");
    }
}
