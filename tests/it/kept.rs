//! Answers with what the provider kept: results of batches, stored responses. Their
//! placeholders were made by other exchanges, and the store is asked for them.

use masker::ext_proc::exchange::{Exchange, Output, Provided};
use masker::ext_proc::refuse::Reason;
use masker::mask::{Placeholder, Value};
use serde_json::json;

use crate::driver::{
    answer_body, answer_bytes, answer_headers, new, outputs, request_body, request_headers, send,
};
use crate::golden_streams::mask_text;

const ID: &str = "i-0123456789abcdef0";
const RESULTS: &str = "/v1/messages/batches/msgbatch_1/results";

/// A request without a body whose answer has begun.
fn fetching(path: &str, media: &str) -> Exchange {
    let mut exchange = new();
    send(&mut exchange, request_headers(path, "", true)).unwrap();
    drop(send(&mut exchange, answer_headers(media, &[])).unwrap());
    exchange
}

fn line(text: &str, signature: &str) -> String {
    let content = json!([{"type": "thinking", "thinking": text, "signature": signature},
        {"type": "text", "text": text}]);
    let message = json!({"type": "message", "role": "assistant", "content": content});
    let result = json!({"type": "succeeded", "message": message});
    json!({"custom_id": "one", "result": result}).to_string() + "\n"
}

/// Sends the answer in pieces; the store knows the value.
fn fetched(exchange: &mut Exchange, pieces: &[&[u8]]) -> (Vec<Output>, usize) {
    let (mut all, mut asked) = (Vec::new(), 0);
    let end = [(&b""[..], true)];
    for (piece, end) in pieces.iter().map(|piece| (*piece, false)).chain(end) {
        exchange.input(answer_body(piece, end)).unwrap();
        if let Some(needs) = exchange.needs() {
            asked += 1;
            assert!(needs.save.is_empty() && outputs(exchange).is_empty(), "it waits");
            let known = Placeholder::parse(&mask_text(ID));
            let value = |p: Placeholder| (p.clone(), (Some(p) == known).then(|| Value::new(ID)));
            let revealed = needs.reveal.into_iter().map(value).collect();
            exchange.provide(Ok(Provided { revealed, ..Provided::default() }));
        }
        all.extend(outputs(exchange));
    }
    (all, asked)
}

#[test]
fn results_of_a_batch_are_restored_line_by_line() {
    let masked = mask_text(ID);
    let other = mask_text("vpc-0a1b2c3d4e5f60718");
    let source =
        line(&format!("see {masked}."), &masked) + &line(&other, "x") + &line(&masked, "y");
    let expected = line(&format!("see {masked}."), &masked).replacen(
        &format!("\"text\":\"see {masked}"),
        &format!("\"text\":\"see {ID}"),
        1,
    ) + &line(&other, "x")
        + &line(&masked, "y").replacen(
            &format!("\"text\":\"{masked}"),
            &format!("\"text\":\"{ID}"),
            1,
        );
    for media in ["application/x-jsonl", "application/binary", "text/plain"] {
        for size in [1, 7, 100, source.len()] {
            let mut exchange = fetching(RESULTS, media);
            let pieces: Vec<&[u8]> = source.as_bytes().chunks(size).collect();
            let (all, asked) = fetched(&mut exchange, &pieces);
            let client = String::from_utf8(answer_bytes(&all)).unwrap();
            assert_eq!(client, expected, "{media} by {size}");
            assert!((1..=2).contains(&asked), "once for each new placeholder at most: {asked}");
        }
    }
}

#[test]
fn a_stored_response_is_restored_whole() {
    let output = json!([{"type": "message", "role": "assistant",
        "content": [{"type": "output_text", "text": mask_text(ID)}]}]);
    let source = json!({"object": "response", "output": output}).to_string();
    let mut exchange = fetching("/v1/responses/resp_1", "application/json");
    let (all, _) = fetched(&mut exchange, &[source.as_bytes()]);
    assert!(matches!(all.first(), Some(Output::ResponseHeaders { .. })));
    assert_eq!(answer_bytes(&all), source.replace(&mask_text(ID), ID).as_bytes());
}

#[test]
fn without_the_store_placeholders_stay_or_the_answer_is_replaced() {
    for (path, media, replaced) in [
        (RESULTS, "application/x-jsonl", false),
        ("/v1/responses/resp_1", "application/json", true),
    ] {
        let source = line(&mask_text(ID), "x");
        let mut exchange = fetching(path, media);
        exchange.input(answer_body(source.as_bytes(), true)).unwrap();
        assert!(exchange.needs().is_some());
        exchange.provide(Err(Reason::Internal));
        let said = outputs(&mut exchange);
        let refused = matches!(said.as_slice(), [Output::Refuse(reply)] if reply.status == 503);
        assert_eq!(refused, replaced, "{path}");
        assert_eq!(answer_bytes(&said) == source.as_bytes(), !replaced, "{path}");
    }
}

#[test]
fn other_answers_ask_nobody() {
    let mut exchange = fetching("/v1/models", "application/json");
    let said = send(&mut exchange, answer_body(mask_text(ID).as_bytes(), true)).unwrap();
    assert_eq!(answer_bytes(&said), mask_text(ID).as_bytes());
}

/// A request that goes on with what the provider kept, and whose answer has begun.
fn going_on(path: &str, body: &serde_json::Value, media: &str) -> Exchange {
    let mut exchange = new();
    send(&mut exchange, request_headers(path, "application/json", false)).unwrap();
    send(&mut exchange, request_body(body.to_string().as_bytes(), true)).unwrap();
    drop(send(&mut exchange, answer_headers(media, &[])).unwrap());
    exchange
}

#[test]
fn a_conversation_that_the_provider_keeps_is_restored_with_the_store() {
    let masked = mask_text(ID);
    let body = json!({"input": "go on", "previous_response_id": "resp_1"});
    let delta = |text: &str| {
        let delta = json!({"type": "response.output_text.delta", "output_index": 0,
            "content_index": 0, "delta": text});
        format!("data: {delta}\n\n")
    };
    let output = json!([{"type": "message", "role": "assistant",
        "content": [{"type": "output_text", "text": masked}]}]);
    let done = json!({"type": "response.completed", "response": {"output": output}});
    let end = format!("data: {done}\n\n");
    let text = format!("see {masked} and {masked}.");
    for at in 0..=text.len() {
        let source = delta(&text[..at]) + &delta(&text[at..]) + &end;
        for size in [source.len(), 37] {
            let mut exchange = going_on("/v1/responses", &body, "text/event-stream");
            let pieces: Vec<&[u8]> = source.as_bytes().chunks(size).collect();
            let (all, asked) = fetched(&mut exchange, &pieces);
            let client = String::from_utf8(answer_bytes(&all)).unwrap();
            assert_eq!(client.matches(ID).count(), 3, "{at} by {size}: {client}");
            assert!(!client.contains(&masked), "{at} by {size}");
            assert_eq!(asked, 1, "{at} by {size}");
        }
    }
    let answer = json!({"object": "response", "output": output}).to_string();
    let mut exchange = going_on("/v1/responses", &body, "application/json");
    let (all, _) = fetched(&mut exchange, &[answer.as_bytes()]);
    assert_eq!(answer_bytes(&all), answer.replace(&masked, ID).as_bytes());
}

/// An answer that holds no placeholder needs nothing of a store that is down.
#[test]
fn without_the_store_an_answer_without_placeholders_passes() {
    let body = json!({"input": "x", "previous_response_id": "resp_1"});
    let masked = mask_text(ID);
    for (text, refused) in [("plain", false), (masked.as_str(), true)] {
        let answer = json!({"object": "response", "id": "resp_2", "output": [{"type": "message",
            "role": "assistant", "content": [{"type": "output_text", "text": text}]}]});
        let mut exchange = going_on("/v1/responses", &body, "application/json");
        exchange.input(answer_body(answer.to_string().as_bytes(), true)).unwrap();
        while exchange.needs().is_some() {
            exchange.provide(Ok(Provided { degraded: true, ..Provided::default() }));
        }
        let said = outputs(&mut exchange);
        let refuse =
            |output: &Output| matches!(output, Output::Refuse(reply) if reply.status == 503);
        assert_eq!(said.iter().any(refuse), refused, "{text}");
    }
}

#[test]
fn without_the_store_a_kept_conversation_is_refused_and_others_ask_nobody() {
    for (body, kept) in [
        (json!({"input": ID, "previous_response_id": "resp_1"}), true),
        (json!({"input": ID, "conversation": {"id": "conv_1"}}), true),
        (json!({"input": ID, "previous_response_id": null}), false),
        (json!({"input": ID}), false),
    ] {
        let mut exchange = new();
        send(&mut exchange, request_headers("/v1/responses", "application/json", false)).unwrap();
        exchange.input(request_body(body.to_string().as_bytes(), true)).unwrap();
        let mut asked = 0;
        while let Some(job) = exchange.job() {
            exchange.masked(job.run());
            asked += usize::from(exchange.needs().is_some());
            exchange.provide(Ok(Provided { degraded: true, ..Provided::default() }));
        }
        assert!(asked > 0);
        let said = outputs(&mut exchange);
        let refused = matches!(said.as_slice(), [Output::Refuse(reply)] if reply.status == 503);
        assert_eq!(refused, kept, "{body}");
    }
}
