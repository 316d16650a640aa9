//! Conversations that the provider keeps, and that go on by the name of an answer: what was
//! known before is known again, though nothing of it comes again.

use std::collections::HashMap;
use std::sync::Arc;

use masker::ext_proc::exchange::{Exchange, Output, Provided};
use masker::ext_proc::settings::Settings;
use masker::mask::{Placeholder, Value as Secret};
use masker::store::record::RecordAnswer;
use serde_json::{Value, json};

use crate::conversations::with;
use crate::driver::{
    Kept, answer_body, answer_bytes, answer_headers, outputs, request_body, request_headers,
};

const PATH: &str = "/v1/responses";
const ROLE: &str = "arn:aws:iam::123456789012:role/payments-deployer-7";
const NAME: &str = "payments-deployer-7";

/// A store, and what was asked of it.
#[derive(Default)]
struct Store {
    records: Kept,
    values: HashMap<Placeholder, String>,
    /// Writes that are to last.
    lasting: usize,
    writes: usize,
}

impl Store {
    fn drive(&mut self, exchange: &mut Exchange) -> Vec<Output> {
        loop {
            if let Some(job) = exchange.job() {
                exchange.masked(job.run());
            } else if let Some(needs) = exchange.needs() {
                for made in needs.save {
                    let value = made.value.expose().to_owned();
                    self.values.insert(made.placeholder.clone(), value);
                    self.lasting += usize::from(needs.lasting);
                }
                let value = |p: Placeholder| {
                    (p.clone(), self.values.get(&p).map(|value| Secret::new(value)))
                };
                let revealed = needs.reveal.into_iter().map(value).collect();
                self.writes += needs.records.write.len();
                let write = needs.records.write.into_iter();
                let found = write.map(|(key, plain)| self.records.insert(key, plain)).collect();
                let read = needs.records.read.iter().map(|key| self.records.get(key).cloned());
                let records = RecordAnswer { read: read.collect(), found };
                exchange.provide(Ok(Provided { revealed, records, ..Provided::default() }));
            } else {
                return outputs(exchange);
            }
        }
    }

    fn send(&mut self, exchange: &mut Exchange, body: &Value) -> String {
        exchange.input(request_headers(PATH, "application/json", false)).unwrap();
        exchange.input(request_body(body.to_string().as_bytes(), true)).unwrap();
        let part = |output: &Output| match output {
            Output::RequestBody { bytes, .. } => bytes.to_vec(),
            _ => Vec::new(),
        };
        let out = self.drive(exchange);
        String::from_utf8(out.iter().flat_map(part).collect()).unwrap()
    }

    /// The model says this, and the provider calls it so. Gives what the client gets.
    fn answer(&mut self, exchange: &mut Exchange, id: &str, text: &str, stream: bool) -> String {
        let content = json!([{"type": "output_text", "text": text}]);
        let message = json!({"type": "message", "role": "assistant", "content": content});
        let delta = |text: &str| json!({"type": "response.output_text.delta", "output_index": 0, "content_index": 0, "delta": text});
        let (first, second) = text.split_at(text.len() / 2);
        self.output(exchange, id, &[message], &[delta(first), delta(second)], stream)
    }

    /// The model calls tools, and the provider calls the answer so.
    fn calls(&mut self, exchange: &mut Exchange, id: &str, calls: &[Value], stream: bool) {
        let event = |(at, item): (usize, &Value)| {
            ["added", "done"].map(|kind| {
                json!({"type": format!("response.output_item.{kind}"), "output_index": at, "item": item})
            })
        };
        let events: Vec<_> = calls.iter().enumerate().flat_map(event).collect();
        self.output(exchange, id, calls, &events, stream);
    }

    fn output(
        &mut self,
        exchange: &mut Exchange,
        id: &str,
        output: &[Value],
        events: &[Value],
        stream: bool,
    ) -> String {
        let whole = json!({"id": id, "object": "response", "output": output});
        let media = if stream { "text/event-stream" } else { "application/json" };
        exchange.input(answer_headers(media, &[])).unwrap();
        let mut out = self.drive(exchange);
        let body = if stream {
            let head = json!({"type": "response.created", "response": {"id": id, "output": []}});
            let done = json!({"type": "response.completed", "response": whole});
            let events = [&head].into_iter().chain(events).chain([&done]);
            events.map(|event| format!("data: {event}\n\n")).collect()
        } else {
            whole.to_string()
        };
        for piece in body.as_bytes().chunks(100) {
            exchange.input(answer_body(piece, false)).unwrap();
            out.extend(self.drive(exchange));
        }
        exchange.input(answer_body(b"", true)).unwrap();
        out.extend(self.drive(exchange));
        String::from_utf8(answer_bytes(&out)).unwrap()
    }

    /// A turn, whose answer repeats what the model was shown. Gives what that was, and what
    /// the client got.
    fn turn(
        &mut self,
        settings: &Arc<Settings>,
        body: &Value,
        id: &str,
        said: &str,
        stream: bool,
    ) -> (String, String) {
        let mut exchange = Exchange::new(Arc::clone(settings));
        let masked = self.send(&mut exchange, body);
        assert_eq!((exchange.tally.fault, exchange.tally.lost), (None, false), "{body}");
        let said =
            format!("{said} {}", masked.split('"').find(|t| t.contains("AWS_")).unwrap_or("-"));
        let got = self.answer(&mut exchange, id, &said, stream);
        (masked, got)
    }
}

fn result(text: &str) -> Value {
    json!([{"type": "function_call_output", "call_id": "c", "output": text}])
}

#[test]
fn an_answers_name_finds_names_edition_and_values_again() {
    let (before, after) = (with(&["one"], 1, false), with(&["one", "two"], 2, false));
    for stream in [false, true] {
        let mut store = Store::default();
        let first = json!({"input": format!("Look at {ROLE} the-two.")});
        let (masked, got) = store.turn(&before, &first, "resp_1", "I see", stream);
        assert!(!masked.contains(NAME) && masked.contains("the-two"), "{masked}");
        assert!(got.contains(ROLE), "{got}");
        assert_eq!(store.lasting, store.values.len(), "they live as long as the answer");
        let role = masked.split('/').nth(1).unwrap().split(' ').next().unwrap().to_owned();
        let bare = format!("Who is {NAME} the-two?");
        let next = |previous: &str, input: Value| json!({"previous_response_id": previous, "input": input});
        // Read again by now.
        let (masked, got) =
            store.turn(&after, &next("resp_1", result(&bare)), "resp_2", &role, stream);
        assert!(!masked.contains(NAME) && masked.contains("the-two"), "{masked}");
        assert!(!got.contains(&role) && got.contains(NAME), "{got}");
        // What it said in the first turn, though nothing of this request holds it.
        let (masked, got) =
            store.turn(&after, &next("resp_2", json!("Go on.")), "resp_3", &role, stream);
        assert!(masked.contains("Go on.") && got.contains(NAME), "{got}");
        // Another way from the first answer, and one from the last.
        for previous in ["resp_1", "resp_3"] {
            let (masked, _) =
                store.turn(&after, &next(previous, json!(bare)), "resp_4", "Yes", stream);
            assert!(!masked.contains(NAME) && masked.contains("the-two"), "{masked}");
        }
        // One that begins now.
        let (masked, _) = store.turn(&after, &json!({"input": bare}), "resp_5", "Yes", stream);
        assert!(masked.contains(NAME) && !masked.contains("the-two"), "{masked}");
    }
}

#[test]
fn an_answer_that_nobody_remembers_is_counted() {
    let settings = with(&["one"], 1, false);
    let mut store = Store::default();
    let mut exchange = Exchange::new(Arc::clone(&settings));
    let body = json!({"previous_response_id": "resp_9", "input": "Go on."});
    store.send(&mut exchange, &body);
    assert!(exchange.tally.lost);
    store.answer(&mut exchange, "resp_10", "Yes.", true);
    let body = json!({"previous_response_id": "resp_10", "input": "Go on."});
    store.turn(&settings, &body, "resp_11", "Yes.", true);
}

#[test]
fn what_the_provider_does_not_keep_is_not_named() {
    let settings = with(&["one"], 1, false);
    let mut store = Store::default();
    let body = json!({"input": format!("Look at {ROLE}."), "store": false});
    store.turn(&settings, &body, "resp_1", "Yes.", false);
    // Only the conversation that its client sends again.
    assert_eq!((store.lasting, store.writes), (0, 1));
    let mut exchange = Exchange::new(Arc::clone(&settings));
    let body = json!({"previous_response_id": "resp_1", "input": format!("Who is {NAME}?")});
    assert!(store.send(&mut exchange, &body).contains(NAME));
    assert!(exchange.tally.lost);
}

/// What the model wrote goes back as it wrote it, wherever in the conversation it stood.
#[test]
fn what_the_model_wrote_comes_back() {
    let settings = with(&["one"], 1, false);
    for stream in [false, true] {
        let mut store = Store::default();
        let said = "Such as i-0fedcba9876543210.";
        let first = json!({"input": "Hello i-0123456789abcdef0."});
        let mut exchange = Exchange::new(Arc::clone(&settings));
        store.send(&mut exchange, &first);
        assert!(store.answer(&mut exchange, "resp_1", said, stream).contains(said));
        let content = json!([{"type": "output_text", "text": said}]);
        let item = json!({"type": "message", "role": "assistant", "content": content});
        let body = json!({"previous_response_id": "resp_1", "input": [item,
            {"role": "user", "content": "And i-0fedcba9876543210?"}]});
        let (masked, _) = store.turn(&settings, &body, "resp_2", "Yes.", stream);
        assert_eq!(masked.matches("i-0fedcba9876543210").count(), 1, "{masked}");
        assert!(masked.contains(said), "{masked}");
    }
}

fn call(id: &str, command: &str) -> Value {
    let arguments = json!({"command": command}).to_string();
    json!({"type": "function_call", "call_id": id, "name": "shell", "arguments": arguments})
}

fn printed(id: &str, text: &str) -> Value {
    json!({"type": "function_call_output", "call_id": id, "output": text})
}

/// What a command printed is read by the command, which only the answer before holds.
#[test]
fn what_a_command_printed_is_read_by_the_call_in_the_answer_before() {
    let settings = with(&["one"], 1, false);
    let list = "aws s3api list-buckets --query 'Buckets[].Name' --output text";
    let users = "aws iam list-users --query 'Users[].UserName' --output text";
    for stream in [false, true] {
        let mut store = Store::default();
        let ask = |store: &mut Store, body: &Value| {
            let mut exchange = Exchange::new(Arc::clone(&settings));
            let masked = store.send(&mut exchange, body);
            assert_eq!((exchange.tally.fault, exchange.tally.lost), (None, false), "{body}");
            (exchange, masked)
        };
        let next = |previous: &str, input: Value| json!({"previous_response_id": previous, "input": input});
        let (mut exchange, _) = ask(&mut store, &json!({"input": "What is there?"}));
        let calls = [call("c1", list), call("c2", "ls"), call("c3", users)];
        store.calls(&mut exchange, "resp_1", &calls, stream);
        // Results in another order, and one of a command that prints no names.
        let results = json!([
            printed("c3", "jane.roe"),
            printed("c2", "ledger"),
            printed("c1", "blue\tgreen"),
        ]);
        let (mut exchange, masked) = ask(&mut store, &next("resp_1", results));
        assert!(!masked.contains("jane") && masked.contains("ledger"), "{masked}");
        assert!(!masked.contains("blue") && !masked.contains("green"), "{masked}");
        // The answer to it is one of those that the store is asked for.
        store.calls(&mut exchange, "resp_2", &[call("c4", list)], stream);
        let (_, masked) = ask(&mut store, &next("resp_2", json!([printed("c4", "violet")])));
        assert!(!masked.contains("violet"), "{masked}");
        // Each answer has its own calls, as often as somebody goes on with it.
        for (previous, id) in [("resp_2", "c1"), ("resp_1", "c4"), ("resp_1", "c5")] {
            let (_, masked) = ask(&mut store, &next(previous, json!([printed(id, "violet")])));
            assert!(masked.contains("violet"), "{previous} {id}: {masked}");
        }
        let (_, masked) = ask(&mut store, &next("resp_1", json!([printed("c1", "violet")])));
        assert!(!masked.contains("violet"), "{masked}");
    }
}

/// The same where the provider keeps the conversation under a name of its own.
#[test]
fn and_by_the_calls_of_a_conversation() {
    let settings = with(&["one"], 1, false);
    let list = "aws s3api list-buckets --query 'Buckets[].Name' --output text";
    for stream in [false, true] {
        let mut store = Store::default();
        let turn = |store: &mut Store, input: Value, calls: &[Value]| {
            let mut exchange = Exchange::new(Arc::clone(&settings));
            let body = json!({"conversation": {"id": "conv_1"}, "input": input});
            let masked = store.send(&mut exchange, &body);
            store.calls(&mut exchange, "resp_1", calls, stream);
            masked
        };
        turn(&mut store, json!("What is there?"), &[call("c1", list)]);
        turn(&mut store, json!("Wait."), &[call("c2", list)]);
        for id in ["c1", "c2"] {
            let masked = turn(&mut store, json!([printed(id, "violet")]), &[]);
            assert!(!masked.contains("violet"), "{id}: {masked}");
        }
        let masked = turn(&mut store, json!([printed("c3", "violet")]), &[]);
        assert!(masked.contains("violet"), "{masked}");
    }
}

/// What was masked by one command is not what another printed.
#[test]
fn a_result_is_read_again_where_another_call_asked_for_it() {
    let settings = with(&["one"], 1, true);
    let names = (0..40).map(|n| format!("violet{n}"));
    let text = names.collect::<Vec<_>>().join("\t");
    let mut store = Store::default();
    let mut sent = Vec::new();
    let list = "aws s3api list-buckets --query 'Buckets[].Name' --output text";
    for (id, command) in [("resp_1", "ls"), ("resp_2", list), ("resp_3", "ls")] {
        let mut exchange = Exchange::new(Arc::clone(&settings));
        store.send(&mut exchange, &json!({"input": "What is there?"}));
        store.calls(&mut exchange, id, &[call("c1", command)], false);
        let mut exchange = Exchange::new(Arc::clone(&settings));
        let body = json!({"previous_response_id": id, "input": [printed("c1", &text)]});
        sent.push(store.send(&mut exchange, &body).contains("violet"));
    }
    assert_eq!(sent, [true, false, true]);
}
