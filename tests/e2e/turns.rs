//! A conversation that is sent again with each turn.

use serde_json::{Value, json};

use crate::bed::{Bed, Streamed};
use crate::messages::asking;
use crate::planted::{VALUES, assert_unseen, prose};

fn tools() -> Value {
    json!([{
        "name": "Bash",
        "description": format!("Runs a command on {}", VALUES[0]),
        "input_schema": {"type": "object", "properties": {"command": {"type": "string"}}},
    }])
}

/// Plays a conversation of four requests and gives what the provider got as messages.
async fn play(bed: &Bed, stream: bool) -> Vec<Value> {
    let command = "aws iam get-role --role-name {{role/}}";
    bed.script(json!({"piece": 2, "steps": [
        {"thinking": "The role is {{role/}}.", "text": "One moment.",
         "tools": [{"name": "Bash", "input": {"command": command}}]},
        {"thinking": "", "text": "It is {{role/}} of {{iam::}}"},
        {"text": "Done: {{iam::}}"},
    ]}));
    let mut request = asking(&prose());
    request["tools"] = tools();
    request["stream"] = stream.into();
    let mut bodies = Vec::new();
    for turn in 0..4 {
        let reply = bed.post("/v1/messages", &request).await;
        assert_eq!(reply.status, 200, "turn {turn}: {}", reply.text());
        let seen = bed.seen();
        assert_unseen(&seen);
        bodies.push(serde_json::from_slice(&seen[0].body).expect("masked JSON parses"));
        let content = if stream { content(&reply.text()) } else { reply.json()["content"].clone() };
        let calls = content.as_array().is_some_and(|c| c.iter().any(|b| b["type"] == "tool_use"));
        let messages = request["messages"].as_array_mut().expect("messages");
        messages.push(json!({"role": "assistant", "content": content}));
        messages.push(if calls {
            let result = format!("{{\"Arn\": \"arn:aws:iam::{}:role/{}\"}}", VALUES[4], VALUES[5]);
            json!({"role": "user", "content": [
                {"type": "tool_result", "tool_use_id": "toolu_01mock0000", "content": result},
            ]})
        } else {
            json!({"role": "user", "content": format!("And {} alone?", VALUES[5])})
        });
    }
    bodies
}

/// The content blocks of a stream, as a client keeps them.
pub(crate) fn content(body: &str) -> Value {
    let mut blocks: Vec<Value> = Vec::new();
    let mut inputs: Vec<String> = Vec::new();
    for data in body.lines().filter_map(|line| line.strip_prefix("data: ")) {
        let event: Value = serde_json::from_str(data).expect("an event");
        let delta = &event["delta"];
        if event["type"] == "content_block_start" {
            blocks.push(event["content_block"].clone());
            inputs.push(String::new());
        }
        let (Some(block), Some(input)) = (blocks.last_mut(), inputs.last_mut()) else { continue };
        for field in ["thinking", "signature", "text"] {
            if let Some(more) = delta[field].as_str() {
                block[field] =
                    format!("{}{more}", block[field].as_str().unwrap_or_default()).into();
            }
        }
        *input += delta["partial_json"].as_str().unwrap_or_default();
    }
    for (block, input) in blocks.iter_mut().zip(inputs) {
        if !input.is_empty() {
            block["input"] = serde_json::from_str(&input).expect("tool input");
        }
    }
    blocks.into()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_masked_prefix_never_changes() {
    for redis in [false, true] {
        let bed = Bed::start(crate::bed::Plan { redis, ..Default::default() }).await;
        for stream in [false, true] {
            let bodies = play(&bed, stream).await;
            for (before, after) in bodies.iter().zip(bodies.iter().skip(1)) {
                let (before_messages, after_messages) =
                    (before["messages"].as_array().unwrap(), after["messages"].as_array().unwrap());
                assert!(after_messages.starts_with(before_messages), "stream: {stream}");
                assert_eq!(before["tools"], after["tools"]);
                assert_eq!(before["system"], after["system"]);
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn streamed_and_whole_conversations_are_the_same_to_the_provider() {
    let bed = Bed::usual().await;
    let [whole, streamed] = [play(&bed, false).await, play(&bed, true).await];
    for (mut whole, mut streamed) in whole.into_iter().zip(streamed) {
        for body in [&mut whole, &mut streamed] {
            body["stream"] = Value::Null;
        }
        assert_eq!(whole, streamed);
    }
}

/// `TURNS` says how long.
#[tokio::test(flavor = "multi_thread")]
async fn a_long_conversation_keeps_its_prefix() {
    let turns = std::env::var("TURNS").map_or(12, |turns| turns.parse().expect("a number"));
    let bed = Bed::start(crate::bed::Plan { redis: true, ..Default::default() }).await;
    let mut request = asking(&prose());
    let mut before = Vec::new();
    for turn in 0..turns {
        request["stream"] = (turn % 2 == 1).into();
        let reply = bed.post("/v1/messages", &request).await;
        assert_eq!(reply.status, 200, "turn {turn}: {}", reply.text());
        let text = if turn % 2 == 1 {
            Streamed::read(&reply.text()).text
        } else {
            reply.json()["content"][0]["text"].as_str().unwrap_or_default().to_owned()
        };
        let messages = request["messages"].as_array_mut().expect("messages");
        let asked = messages.last().and_then(|message| message["content"].as_str());
        assert_eq!(text, format!("I see: {}", asked.unwrap_or_default()), "turn {turn}");
        let fresh = format!("i-0{turn:016x}");
        let next = format!("{} and {fresh} of {}", VALUES[turn % VALUES.len()], VALUES[5]);
        messages.push(json!({"role": "assistant", "content": text}));
        messages.push(json!({"role": "user", "content": next}));
        let seen = bed.seen();
        assert_unseen(&seen);
        let body: Value = serde_json::from_slice(&seen[0].body).expect("masked JSON parses");
        let after = body["messages"].as_array().expect("messages").clone();
        assert!(after.starts_with(&before), "turn {turn}");
        assert_eq!(after.len(), 2 * turn + 1);
        assert!(!body.to_string().contains("i-00"), "turn {turn}: a fresh id is at the provider");
        before = after;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn altered_thinking_is_the_providers_refusal() {
    let bed = Bed::usual().await;
    bed.script(json!({"steps": [{"thinking": "About {{role/}}.", "text": "Yes."}]}));
    let mut request = asking(&prose());
    let reply = bed.post("/v1/messages", &request).await;
    let mut content = reply.json()["content"].clone();
    content[0]["thinking"] = "About something else.".into();
    let messages = request["messages"].as_array_mut().expect("messages");
    messages.push(json!({"role": "assistant", "content": content}));
    messages.push(json!({"role": "user", "content": "Go on."}));
    let refused = bed.post("/v1/messages", &request).await;
    assert_eq!(refused.status, 400);
    let message = refused.json()["error"]["message"].as_str().unwrap_or_default().to_owned();
    assert!(message.contains("cannot be modified"), "{message}");
}

#[tokio::test(flavor = "multi_thread")]
async fn counting_tokens_sends_the_same_masked_text() {
    let bed = Bed::usual().await;
    let request = asking(&prose());
    let counted = bed.post("/v1/messages/count_tokens", &request).await;
    assert!(counted.json()["input_tokens"].is_number());
    bed.post("/v1/messages", &request).await;
    let seen = bed.seen();
    assert_unseen(&seen);
    assert_eq!(seen[0].body, seen[1].body);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_changes_no_placeholder() {
    let mut bed = Bed::start(crate::bed::Plan { redis: true, ..Default::default() }).await;
    bed.post("/v1/messages", &asking(&prose())).await;
    let before = bed.seen().remove(0).body;
    bed.masker = None;
    bed.redis = None;
    bed.start_redis().await;
    bed.start_masker(true).await;
    bed.until_healthy().await;
    let mut request = asking(&prose());
    request["stream"] = true.into();
    let reply = bed.post("/v1/messages", &request).await;
    assert_eq!(Streamed::read(&reply.text()).text, format!("I see: {}", prose()));
    let mut after: Value = serde_json::from_slice(&bed.seen()[0].body).expect("JSON");
    after.as_object_mut().expect("an object").remove("stream");
    let before: Value = serde_json::from_slice(&before).expect("JSON");
    assert_eq!(before, after);
}
