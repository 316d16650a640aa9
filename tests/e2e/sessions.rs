//! Long sessions against a provider that binds what the model thought to everything before.

use std::fs;

use masker::body::json::Tape;
use serde_json::{Value, json};

use crate::bed::{Bed, Plan, Reply};
use crate::messages::asking;
use crate::planted::{VALUES, assert_unseen, prose};
use crate::turns::content;

const TURNS: usize = 50;
const ORDERS: &str = "[[patterns]]\nname = \"orders\"\nkind = \"ORDER\"\n\
                      expression = 'ORD-[0-9]{4}'\nexamples = [\"ORD-1234\"]\n";
const ORDER: &str = "ORD-4711";
/// Too weak to be masked where it stands alone.
const NAME: &str = "orders";

/// The steps of the model, and what the client gets of their text.
fn steps() -> (Vec<Value>, Vec<String>) {
    let (mut steps, mut texts) = (Vec::new(), Vec::new());
    let command = "aws ec2 describe-instances --instance-ids {{instance=}} # {{role/}}";
    for turn in 0..TURNS {
        let invented = format!("i-0fedcba9876{turn:06}");
        let (step, text) = match turn % 5 {
            0 => (
                json!({"thinking": "About {{instance=}}.", "text": "I look at {{instance=}}.",
                    "tools": [{"name": "Bash", "input": {"command": command}}]}),
                format!("I look at {}.", VALUES[0]),
            ),
            1 => (
                json!({"thinking": "", "text": format!("Such as {invented} here.")}),
                format!("Such as {invented} here."),
            ),
            2 => (
                json!({"text": "The {{--db-instance-identifier }} one is slow."}),
                format!("The {NAME} one is slow."),
            ),
            3 => (
                json!({"thinking": format!("Maybe {invented}"), "text": "Both.",
                    "again": "Now {{role/}} and {{--db-instance-identifier }}.",
                    "tools": [{"name": "Bash", "input": {"command": "{{--db-instance-identifier }}",
                        "z": [1, {"a": invented, "b": true}], "also": "{{account=}}"}}]}),
                "Both.".to_owned(),
            ),
            _ => (json!({"text": "Done with {{account=}}."}), format!("Done with {}.", VALUES[4])),
        };
        steps.push(step);
        texts.push(text);
    }
    (steps, texts)
}

fn first() -> String {
    format!(
        "instance={} account={} order {ORDER}\n\
         aws rds describe-db-instances --db-instance-identifier {NAME} .\n{}",
        VALUES[0],
        VALUES[4],
        prose()
    )
}

/// What the client sends after an answer.
fn next(turn: usize, content: &Value) -> Value {
    let call =
        content.as_array().and_then(|blocks| blocks.iter().find(|b| b["type"] == "tool_use"));
    let said = format!(
        "{turn}: {} of {} in {}, {} and {ORDER}",
        VALUES[turn % VALUES.len()],
        VALUES[5],
        VALUES[4],
        VALUES[0]
    );
    match call {
        Some(call) => json!([
            {"type": "tool_result", "tool_use_id": call["id"], "content": said},
            {"type": "text", "text": "Go on.", "cache_control": {"type": "ephemeral"}},
        ]),
        None => json!(said),
    }
}

async fn post(bed: &Bed, request: &Value, session: Option<&str>) -> Reply {
    let mut headers = vec![("content-type", "application/json"), ("x-api-key", "sk-ant-api03-e2e")];
    headers.extend(session.map(|id| ("x-claude-code-session-id", id)));
    let url = bed.url("/v1/messages");
    bed.client.send("POST", &url, &headers, request.to_string().into_bytes()).await
}

/// The source of the messages, without its end.
fn messages(body: &[u8]) -> String {
    let source = std::str::from_utf8(body).expect("UTF-8");
    let tape = Tape::parse(source, 128).expect("JSON");
    let list = tape.field(tape.root(), "messages").expect("messages");
    tape.raw(list).trim_end_matches(']').to_owned()
}

async fn until_reloaded(bed: &Bed) {
    let metric = "masker_config_reloads_total{result=\"applied\"}";
    bed.until_metric(metric, "1").await;
}

/// Plays a session on three replicas, while the world around them falls down and gets up.
async fn play(session: Option<&str>, seed: usize) {
    let bed = Bed::start(Plan { redis: true, ..Plan::default() }).await;
    let others = [bed.replica("").await, bed.replica("").await];
    let mut beds: Vec<Bed> = std::iter::once(bed).chain(others).collect();
    let (steps, texts) = steps();
    beds[0].script(json!({"piece": 3, "pings": true, "steps": steps}));
    let tools = json!([{"name": "Bash", "description": "Runs a command",
        "input_schema": {"type": "object", "properties": {"command": {"type": "string"}}}}]);
    let mut request = asking(&first());
    request["tools"] = tools;
    let (mut which, mut before) = (0, String::new());
    for (turn, expected) in texts.iter().enumerate() {
        match turn {
            10 | 30 => beds[0].redis_command("FLUSHALL").await,
            15 => {
                beds[0].redis = None;
                beds[0].start_redis().await;
            }
            // What could not be written waits for a moment.
            16 => beds[which].until_metric("masker_store_queue", "0").await,
            20 | 35 => {
                let again = (which + 1) % 3;
                beds[again].masker = None;
                beds[again].start_masker(true).await;
                beds[again].until_healthy().await;
                which = again;
            }
            25 => {
                for bed in &beds {
                    fs::write(bed.path("masker.toml"), ORDERS).expect("it is written");
                }
                for bed in &beds {
                    until_reloaded(bed).await;
                }
            }
            // By any replica; each has met the conversation before the first flush.
            _ if turn < 3 => which = turn,
            _ => which = (which + turn * seed + 1) % 3,
        }
        request["stream"] = (turn % 3 != 0).into();
        let reply = post(&beds[which], &request, session).await;
        assert_eq!(reply.status, 200, "turn {turn}: {}", reply.text());
        let content =
            if turn % 3 == 0 { reply.json()["content"].clone() } else { content(&reply.text()) };
        let blocks = content.as_array().expect("blocks");
        let text = blocks.iter().find(|block| block["type"] == "text").expect("a text");
        assert_eq!(text["text"], *expected, "turn {turn}");
        let seen = beds[0].seen();
        assert_unseen(&seen);
        let sent = messages(&seen[0].body);
        assert!(sent.starts_with(&before), "turn {turn}: the masked beginning changed");
        assert!(sent.contains(ORDER), "turn {turn}: it keeps what it began with");
        before = sent;
        let next = next(turn, &content);
        let list = request["messages"].as_array_mut().expect("messages");
        list.push(json!({"role": "assistant", "content": content}));
        list.push(json!({"role": "user", "content": next}));
    }
    for bed in &beds {
        for cause in ["unknown", "settings", "edition"] {
            let metric = format!("masker_prefix_faults_total{{cause=\"{cause}\"}}");
            assert_eq!(bed.metric(&metric).await, "0", "{cause}");
        }
    }
    // A conversation that begins now takes the new pattern.
    post(&beds[0], &asking(&format!("Another: {ORDER}")), session).await;
    let seen = beds[0].seen();
    assert!(!String::from_utf8_lossy(&seen[0].body).contains(ORDER));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_of_fifty_turns_keeps_its_beginning() {
    play(Some("6f0e0f5c-5f0e-4a57-9c5e-6a2f1f2a3b4c"), 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn and_so_it_does_without_a_sessions_name() {
    play(None, 5).await;
}

/// Memory and store lost between a reload and the next turn: nobody remembers.
#[tokio::test(flavor = "multi_thread")]
async fn what_nobody_remembers_is_counted() {
    let mut bed = Bed::start(Plan { redis: true, ..Plan::default() }).await;
    let mut request = asking(&first());
    let session = Some("s-1");
    post(&bed, &request, session).await;
    let list = request["messages"].as_array_mut().expect("messages");
    list.push(json!({"role": "assistant", "content": "Fine."}));
    list.push(json!({"role": "user", "content": "Go on."}));
    assert!(String::from_utf8_lossy(&bed.seen()[0].body).contains(ORDER));
    fs::write(bed.path("masker.toml"), ORDERS).expect("it is written");
    bed.masker = None;
    bed.redis_command("FLUSHALL").await;
    bed.start_masker(true).await;
    bed.until_healthy().await;
    post(&bed, &request, session).await;
    assert!(!String::from_utf8_lossy(&bed.seen()[0].body).contains(ORDER), "the newest counts");
    bed.until_metric("masker_records_lost_total", "1").await;
    post(&bed, &request, session).await;
    bed.until_metric("masker_requests_total{outcome=\"masked\"}", "2").await;
    assert_eq!(bed.metric("masker_records_lost_total").await, "1", "it was written again");
}
