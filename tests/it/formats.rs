//! Every format's stream: a placeholder that is split anywhere, over any two events of its
//! channel, with another channel between, and whatever the bytes are cut into.

use serde_json::{Value, json};

use crate::driver::{
    Answers, answer_body, answer_bytes, answer_headers, answered, forwarded_as, send,
};
use crate::golden_streams::mask_text;
use crate::wire::{Framing, message};

const ID: &str = "i-0123456789abcdef0";
const OTHER: &str = "vpc-0a1b2c3d4e5f60718";

/// One text of one format.
struct Case {
    name: &'static str,
    path: &'static str,
    framings: &'static [Framing],
    /// An event that continues the text.
    delta: fn(&str) -> Value,
    /// Where the text is in an event.
    text: &'static str,
    /// An event that continues another text.
    other: Value,
    /// The events that end the stream.
    end: fn() -> Vec<Value>,
    /// JSON source.
    source: bool,
}

const SSE: &[Framing] = &[Framing::Sse, Framing::OddSse];
const CHAT: &str = "/v1/chat/completions";
const RESPONSES: &str = "/v1/responses";
const GEMINI: &str = "/v1beta/models/gemini-3-pro:streamGenerateContent";
const CONVERSE: &str = "/model/arn%3Aaws%3Abedrock%3Ax%2Fy/converse-stream";
const INVOKE: &str = "/model/anthropic.claude-v1%3A0/invoke-with-response-stream";

fn chat(delta: &Value) -> Value {
    json!({"id": "c1", "object": "chat.completion.chunk", "model": "gpt",
        "choices": [{"index": 0, "delta": delta, "logprobs": null, "finish_reason": null}]})
}

fn chat_end() -> Vec<Value> {
    let choice = json!({"index": 0, "delta": {}, "finish_reason": "stop"});
    vec![json!({"choices": [choice]}), json!({"choices": [], "usage": {"total_tokens": 1}})]
}

fn responses(kind: &str, delta: &str) -> Value {
    json!({"type": format!("response.{kind}.delta"), "sequence_number": 4, "item_id": "m1",
        "output_index": 0, "content_index": 0, "delta": delta, "logprobs": []})
}

fn responses_end() -> Vec<Value> {
    vec![json!({"type": "response.completed", "response": {"id": "r", "output": []}})]
}

fn gemini(part: &Value) -> Value {
    json!({"candidates": [{"content": {"role": "model", "parts": [part]}, "index": 0}]})
}

fn gemini_end() -> Vec<Value> {
    let candidate =
        json!({"content": {"parts": [{"text": ""}]}, "finishReason": "STOP", "index": 0});
    vec![json!({"candidates": [candidate], "usageMetadata": {}})]
}

fn converse(delta: &Value) -> Value {
    json!({"@": "contentBlockDelta", "contentBlockIndex": 1, "delta": delta, "p": "abcdef"})
}

fn converse_end() -> Vec<Value> {
    vec![
        json!({"@": "contentBlockStop", "contentBlockIndex": 1, "p": "a"}),
        json!({"@": "messageStop", "stopReason": "end_turn"}),
        json!({"@": "metadata", "usage": {"inputTokens": 1}}),
    ]
}

fn claude(delta: &Value) -> Value {
    json!({"type": "content_block_delta", "index": 0, "delta": delta})
}

fn claude_end() -> Vec<Value> {
    vec![json!({"type": "content_block_stop", "index": 0}), json!({"type": "message_stop"})]
}

macro_rules! family {
    ($name:literal, $source:literal) => {
        Case {
            name: $name,
            path: RESPONSES,
            framings: SSE,
            delta: |text| responses($name, text),
            text: "/delta",
            other: json!({"type": "response.output_text.delta", "output_index": 3,
                "content_index": 0, "delta": "AWS"}),
            end: responses_end,
            source: $source,
        }
    };
}

fn chats() -> Vec<Case> {
    let case = |name, delta, text, source| Case {
        name,
        path: CHAT,
        framings: SSE,
        delta,
        text,
        other: json!({"choices": [{"index": 1, "delta": {"content": "AWS", "refusal": "SEC"}}]}),
        end: chat_end,
        source,
    };
    vec![
        case("content", |t| chat(&json!({"content": t})), "/choices/0/delta/content", false),
        case("refusal", |t| chat(&json!({"refusal": t})), "/choices/0/delta/refusal", false),
        case(
            "tool call",
            |t| chat(&json!({"tool_calls": [{"index": 2, "function": {"arguments": t}}]})),
            "/choices/0/delta/tool_calls/0/function/arguments",
            true,
        ),
        case(
            "legacy function",
            |t| chat(&json!({"function_call": {"arguments": t}})),
            "/choices/0/delta/function_call/arguments",
            true,
        ),
        Case {
            path: "/v1/completions",
            ..case(
                "completion",
                |t| json!({"choices": [{"index": 0, "text": t, "finish_reason": null}]}),
                "/choices/0/text",
                false,
            )
        },
    ]
}

fn geminis() -> Vec<Case> {
    let case = |name, delta, text| Case {
        name,
        path: GEMINI,
        framings: &[Framing::Sse, Framing::OddSse, Framing::Array],
        delta,
        text,
        other: json!({"candidates": [{"content": {"parts": [{"text": "AWS"}]}, "index": 1}]}),
        end: gemini_end,
        source: false,
    };
    vec![
        case("gemini", |t| gemini(&json!({"text": t})), "/candidates/0/content/parts/0/text"),
        case(
            "arguments",
            |t| {
                let arg = json!({"jsonPath": "$.a", "stringValue": t, "willContinue": true});
                gemini(&json!({"functionCall": {"name": "f", "partialArgs": [arg]}}))
            },
            "/candidates/0/content/parts/0/functionCall/partialArgs/0/stringValue",
        ),
    ]
}

fn bedrocks() -> Vec<Case> {
    let case = |name, delta, text, source| Case {
        name,
        path: CONVERSE,
        framings: &[Framing::Messages],
        delta,
        text,
        other: json!({"@": "contentBlockDelta", "contentBlockIndex": 0, "delta": {"text": "AWS"}}),
        end: converse_end,
        source,
    };
    let invoke = |name, delta, text, source| Case {
        path: INVOKE,
        framings: &[Framing::Chunks],
        other: json!({"type": "content_block_delta", "index": 5, "delta": {"type": "text_delta", "text": "AWS"}}),
        end: claude_end,
        ..case(name, delta, text, source)
    };
    vec![
        case("converse", |t| converse(&json!({"text": t})), "/delta/text", false),
        case(
            "tool use",
            |t| converse(&json!({"toolUse": {"input": t}})),
            "/delta/toolUse/input",
            true,
        ),
        case(
            "tool result",
            |t| converse(&json!({"toolResult": [{"text": t}]})),
            "/delta/toolResult/0/text",
            false,
        ),
        invoke(
            "invoke",
            |t| claude(&json!({"type": "text_delta", "text": t})),
            "/delta/text",
            false,
        ),
        invoke(
            "invoke, tool use",
            |t| claude(&json!({"type": "input_json_delta", "partial_json": t})),
            "/delta/partial_json",
            true,
        ),
        Case {
            other: json!({"contentBlockDelta": {"contentBlockIndex": 4, "delta": {"text": "AWS"}}}),
            end: || vec![json!({"contentBlockStop": {"contentBlockIndex": 0}})],
            ..invoke(
                "invoke, named events",
                |t| json!({"contentBlockDelta": {"contentBlockIndex": 0, "delta": {"text": t}}}),
                "/contentBlockDelta/delta/text",
                false,
            )
        },
        Case {
            path: "/v1/messages",
            framings: &[Framing::Sse, Framing::OddSse],
            ..invoke(
                "messages",
                |t| claude(&json!({"type": "text_delta", "text": t})),
                "/delta/text",
                false,
            )
        },
    ]
}

fn cases() -> Vec<Case> {
    let mut cases = chats();
    cases.extend([
        family!("output_text", false),
        family!("refusal", false),
        family!("function_call_arguments", true),
        family!("mcp_call_arguments", true),
        family!("custom_tool_call_input", false),
        family!("code_interpreter_call_code", false),
        family!("shell_call_command", false),
        family!("reasoning_text", false),
        family!("reasoning_summary_text", false),
        family!("audio.transcript", false),
    ]);
    cases.extend(geminis());
    cases.extend(bedrocks());
    cases
}

impl Case {
    fn answers(&self, framing: Framing) -> Answers {
        Answers::new(self.path, framing.media(), &format!("{ID} {OTHER}"))
    }

    /// The text of all events that continue it.
    fn said(&self, events: &[Value]) -> String {
        let own = (self.delta)("").to_string();
        let same = |event: &&Value| {
            let mut event = (*event).clone();
            let text = event.pointer_mut(self.text);
            let mut with = (self.delta)("");
            with.as_object_mut().unwrap().remove("@");
            text.is_some_and(|text| {
                *text = json!("");
                true
            }) && event == with
        };
        assert!(!own.is_empty());
        events.iter().filter(same).filter_map(|event| event.pointer(self.text)?.as_str()).collect()
    }

    /// The stream of these pieces of text, with the other text between.
    fn stream(&self, framing: Framing, pieces: &[&str]) -> (Vec<u8>, usize) {
        let mut events = Vec::new();
        for piece in pieces {
            events.push((self.delta)(piece));
            events.push(self.other.clone());
        }
        events.extend((self.end)());
        (framing.write(&events), events.len())
    }

    fn text(&self) -> (String, String) {
        let plain = format!("see {ID}, {OTHER}: 😀{ID}😀 \"é\\ and AWS_REGION AWS_");
        let text = if self.source { json!({"a": plain}).to_string() } else { plain };
        (text.replace(ID, &mask_text(ID)).replace(OTHER, &mask_text(OTHER)), text)
    }
}

#[test]
fn a_placeholder_that_is_split_over_any_two_events_is_restored() {
    for case in cases() {
        let (masked, expected) = case.text();
        for &framing in case.framings {
            let answers = case.answers(framing);
            for at in (0..=masked.len()).filter(|&at| masked.is_char_boundary(at)) {
                let (head, tail) = masked.split_at(at);
                let (stream, events) = case.stream(framing, &[head, tail]);
                let client = framing.read(&answers.restored(&[&stream]));
                assert_eq!(case.said(&client), expected, "{} {framing:?} {at}", case.name);
                assert_eq!(client.len(), events, "{}: no event more or less", case.name);
            }
        }
    }
}

#[test]
fn a_placeholder_may_be_split_over_any_three_events() {
    let masked = mask_text(ID);
    for case in cases() {
        let framing = case.framings[0];
        let answers = case.answers(framing);
        let text = |id: &str| if case.source { json!([id]).to_string() } else { id.to_owned() };
        let (before, after) = text("|").split_once('|').map(|(a, b)| (a.len(), b.len())).unwrap();
        let (text, expected) = (text(&masked), text(ID));
        for first in before..=text.len() - after {
            for second in (first + 1..=text.len() - after).take(3) {
                let pieces = [&text[..first], &text[first..second], &text[second..]];
                let (stream, events) = case.stream(framing, &pieces);
                let client = framing.read(&answers.restored(&[&stream]));
                assert_eq!(case.said(&client), expected, "{} {first} {second}", case.name);
                assert_eq!(client.len(), events, "{}", case.name);
            }
        }
    }
}

#[test]
fn a_damaged_message_passes_with_all_that_follows() {
    let delta =
        |text: &str| message("contentBlockDelta", &converse(&json!({"text": text})).to_string());
    let masked = mask_text(ID);
    let (first, mut bad, last) = (delta(&masked[..9]), delta(&masked[9..]), delta("later"));
    let middle = bad.len() / 2;
    bad[middle] ^= 1;
    let stream = [first, bad, last].concat();
    for size in [1, 50, stream.len()] {
        let mut exchange = forwarded_as(CONVERSE, "text/plain", ID);
        let pieces: Vec<&[u8]> = stream.chunks(size).collect();
        let client = answered(&mut exchange, Framing::Messages.media(), &pieces);
        assert!(client == stream, "by {size}");
        assert_eq!(exchange.tally.code, Some("answer_damaged"));
    }
}

#[test]
fn exceptions_pass_and_what_was_held_goes_first() {
    let masked = mask_text(ID);
    let delta = message("contentBlockDelta", &converse(&json!({"text": &masked[..9]})).to_string());
    let wrong = message("throttlingException", &json!({"message": "slow down"}).to_string());
    let stream = [delta, wrong].concat();
    let mut exchange = forwarded_as(CONVERSE, "text/plain", ID);
    let client = answered(&mut exchange, Framing::Messages.media(), &[&stream]);
    assert!(client == stream);
}

#[test]
fn an_error_event_lets_what_was_held_go_first() {
    for case in cases().into_iter().filter(|case| case.framings.contains(&Framing::Sse)) {
        let (masked, _) = case.text();
        let half = &masked[..masked.find("AWS_").unwrap() + 9];
        let error =
            json!({"type": "error", "error": {"type": "overloaded_error", "message": "later"}});
        let stream = Framing::Sse.write(&[(case.delta)(half), error]);
        let (held, _) = stream.split_at(stream.len() - 14);
        let mut exchange = forwarded_as(case.path, "text/plain", ID);
        let out = send(&mut exchange, answer_headers(Framing::Sse.media(), &[])).unwrap();
        assert!(answer_bytes(&out).is_empty());
        // All is out when the error is, before the stream ends.
        let out = send(&mut exchange, answer_body(held, false)).unwrap();
        assert!(answer_bytes(&out) == held, "{}", case.name);
    }
}

#[test]
fn texts_that_are_repeated_whole_are_restored() {
    let masked = mask_text(ID);
    let arguments = json!({"a": masked, "n": [1, masked]}).to_string();
    let output = json!([
        {"type": "message", "id": "m", "role": "assistant", "content": [
            {"type": "output_text", "text": masked, "annotations": [],
             "logprobs": [{"token": masked, "logprob": -1}]}]},
        {"type": "function_call", "call_id": "c", "name": "f", "arguments": arguments},
        {"type": "reasoning", "summary": [{"type": "summary_text", "text": masked}],
         "encrypted_content": masked}]);
    let events = [
        json!({"type": "response.output_text.done", "output_index": 0, "content_index": 0, "text": masked}),
        json!({"type": "response.function_call_arguments.done", "output_index": 1, "arguments": arguments}),
        json!({"type": "response.completed", "response": {"output": output}}),
    ];
    let stream = Framing::Sse.write(&events);
    let mut exchange = forwarded_as(RESPONSES, "text/plain", ID);
    let client = answered(&mut exchange, Framing::Sse.media(), &[&stream]);
    let client = Framing::Sse.read(&client);
    let arguments = arguments.replace(&masked, ID);
    assert_eq!(client[0]["text"], ID);
    assert_eq!(client[1]["arguments"], arguments);
    let output = &client[2]["response"]["output"];
    assert_eq!(output[0]["content"][0]["text"], ID);
    assert_eq!(output[0]["content"][0]["logprobs"][0]["token"], masked, "log probabilities stay");
    assert_eq!(output[1]["arguments"], arguments);
    assert_eq!(output[2]["summary"][0]["text"], ID);
    assert_eq!(output[2]["encrypted_content"], masked);
}

#[test]
fn what_the_model_thinks_stays() {
    let masked = mask_text(ID);
    let thought = gemini(&json!({"text": masked, "thought": true, "thoughtSignature": masked}));
    let call = gemini(&json!({"functionCall": {"name": "f", "args": {"a": [masked]}},
        "thoughtSignature": masked}));
    let reasoning = converse(&json!({"reasoningContent": {"text": masked}}));
    for (path, framing, event, restored) in [
        (GEMINI, Framing::Array, thought, 0),
        (GEMINI, Framing::Sse, call, 1),
        (CONVERSE, Framing::Messages, reasoning, 0),
    ] {
        let stream = framing.write(&[event]);
        let mut exchange = forwarded_as(path, "text/plain", ID);
        let client = answered(&mut exchange, framing.media(), &[&stream]);
        let text = json!(framing.read(&client)).to_string();
        assert_eq!(text.matches(ID).count(), restored, "{text}");
    }
}

#[test]
fn a_stop_sequence_that_is_echoed_is_the_clients_own() {
    let masked = mask_text(ID);
    let message = json!({"type": "message", "content": [], "stop_sequence": masked});
    let mut exchange = forwarded_as("/v1/messages", "text/plain", ID);
    let client = answered(&mut exchange, "application/json", &[message.to_string().as_bytes()]);
    let client: Value = serde_json::from_slice(&client).unwrap();
    assert_eq!(client["stop_sequence"], ID);
    let delta = json!({"type": "message_delta", "delta": {"stop_sequence": masked}});
    for (path, framing) in [("/v1/messages", Framing::Sse), (INVOKE, Framing::Chunks)] {
        let stream = framing.write(std::slice::from_ref(&delta));
        let mut exchange = forwarded_as(path, "text/plain", ID);
        let client = framing.read(&answered(&mut exchange, framing.media(), &[&stream]));
        assert_eq!(client[0]["delta"]["stop_sequence"], ID);
    }
}

#[test]
fn offsets_move_with_the_text() {
    let masked = mask_text(ID);
    let body = |id: &str| {
        let text = format!("é {id} and more");
        let from = text.chars().count() - 4;
        let annotation = json!({"type": "url_citation", "url": "https://example.com/",
            "start_index": from, "end_index": from + 4});
        let part = json!({"type": "output_text", "text": text, "annotations": [annotation]});
        json!({"object": "response", "output": [{"type": "message", "content": [part]}]})
    };
    let mut exchange = forwarded_as(RESPONSES, "text/plain", ID);
    let source = body(&masked).to_string();
    let client = answered(&mut exchange, "application/json", &[source.as_bytes()]);
    assert_eq!(serde_json::from_slice::<Value>(&client).unwrap(), body(ID));
    let done = |id| json!({"type": "response.completed", "response": body(id)});
    let mut exchange = forwarded_as(RESPONSES, "text/plain", ID);
    let stream = Framing::Sse.write(&[done(&masked)]);
    let client = Framing::Sse.read(&answered(&mut exchange, "text/event-stream", &[&stream]));
    assert_eq!(client, [done(ID)]);
}
