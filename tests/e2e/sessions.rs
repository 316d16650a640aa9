//! Long sessions against a provider that binds what the model thought to everything before.

use std::fs;
use std::path::Path;
use std::pin::pin;
use std::process::Stdio;
use std::time::Duration;

use masker::body::json::Tape;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout};
use tokio::time::timeout;

use crate::bed::{Bed, Plan, Reply, program};
use crate::claude_code::run_in;
use crate::messages::asking;
use crate::planted::{VALUES, assert_unseen, prose};
use crate::recorder::Recorder;
use crate::turns::content;

const TURNS: usize = 50;
const ORDERS: &str = "[[patterns]]\nname = \"orders\"\nkind = \"ORDER\"\n\
                      expression = 'ORD-[0-9]{4}'\nexamples = [\"ORD-1234\"]\n";
/// Clients are shown what the model thought.
const SHOWN: &str = "[restore]\nthinking = true\n[store]\ndeadline = \"3s\"\n";
/// Time for another primary on a machine that does much else.
const PATIENT: &str = "[store]\ndeadline = \"3s\"\n";
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

/// What a client gets of what the model thought in a turn: only where that is restored, and of
/// the others how often it thought.
fn thought(turn: usize, shown: bool) -> Vec<String> {
    let invented = format!("i-0fedcba9876{turn:06}");
    let (id, role) = (VALUES[0], VALUES[5]);
    let all = match turn % 5 {
        0 => vec![format!("About {id}.")],
        1 => vec![String::new()],
        3 => vec![format!("Maybe {invented}"), format!("Now {role} and {NAME}.")],
        _ => Vec::new(),
    };
    let masked = |text: &String| shown || !text.contains(id) && !text.contains(role);
    all.into_iter().filter(masked).collect()
}

fn thoughts(blocks: &[Value]) -> Vec<String> {
    let all = blocks.iter().filter_map(|block| block["thinking"].as_str());
    all.filter(|text| !text.contains("AWS_")).map(str::to_owned).collect()
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

/// What a user or a tool says.
fn said(turn: usize) -> String {
    if turn == 0 {
        return first();
    }
    format!(
        "{turn}: {} of {} in {}, {} and {ORDER}",
        VALUES[turn % VALUES.len()],
        VALUES[5],
        VALUES[4],
        VALUES[0]
    )
}

fn tools() -> Value {
    json!([{"name": "Bash", "description": "Runs a command",
        "input_schema": {"type": "object", "properties": {"command": {"type": "string"}}}}])
}

/// Who talks.
enum Client {
    /// With all that was said, and the name of the session.
    Plain(Value, Option<&'static str>),
    /// The SDK.
    Python(Box<Child>, Box<Lines<BufReader<ChildStdout>>>),
}

impl Client {
    fn plain(session: Option<&'static str>) -> Self {
        let mut request = asking("");
        request["tools"] = tools();
        request["messages"] = json!([]);
        Self::Plain(request, session)
    }

    fn python(beds: &[Bed]) -> Self {
        let urls: Vec<_> = beds.iter().map(|bed| bed.url("")).collect();
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/e2e/session.py");
        let mut child = tokio::process::Command::new(program("PYTHON"))
            .arg(script)
            .env("GATEWAYS", json!(urls).to_string())
            .env("TOOLS", tools().to_string())
            .env_remove("ANTHROPIC_AUTH_TOKEN")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("Python runs");
        let lines = BufReader::new(child.stdout.take().expect("its output")).lines();
        Self::Python(Box::new(child), Box::new(lines))
    }

    /// One turn; gives the blocks of the answer.
    async fn turn(&mut self, beds: &[Bed], which: usize, turn: usize) -> Value {
        let (stream, said) = (!turn.is_multiple_of(3), said(turn));
        match self {
            Self::Plain(request, session) => {
                request["stream"] = stream.into();
                let list = request["messages"].as_array_mut().expect("messages");
                let call = |last: &Value| {
                    let blocks = last["content"].as_array()?.iter();
                    Some(blocks.clone().find(|block| block["type"] == "tool_use")?["id"].clone())
                };
                let next = match list.last().and_then(call) {
                    Some(id) => json!([
                        {"type": "tool_result", "tool_use_id": id, "content": said},
                        {"type": "text", "text": "Go on.", "cache_control": {"type": "ephemeral"}},
                    ]),
                    None => json!(said),
                };
                list.push(json!({"role": "user", "content": next}));
                let reply = post(&beds[which], request, *session).await;
                assert_eq!(reply.status, 200, "turn {turn}: {}", reply.text());
                let content =
                    if stream { content(&reply.text()) } else { reply.json()["content"].clone() };
                let list = request["messages"].as_array_mut().expect("messages");
                list.push(json!({"role": "assistant", "content": content}));
                content
            }
            Self::Python(child, lines) => {
                let line = json!({"gateway": which, "stream": stream, "said": said});
                let input = child.stdin.as_mut().expect("its input");
                input.write_all(format!("{line}\n").as_bytes()).await.expect("it listens");
                let line = timeout(Duration::from_secs(60), lines.next_line());
                let line = line.await.expect("an answer in time").expect("a line");
                let line = line.unwrap_or_else(|| panic!("turn {turn}: it has ended"));
                serde_json::from_str(&line).expect("blocks")
            }
        }
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

/// What happens before a turn, of which replica `which` takes the turn. Gives the one that does
/// so then.
async fn happens(beds: &mut [Bed], which: usize, turn: usize, config: &str) -> usize {
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
            return again;
        }
        25 => {
            for bed in &*beds {
                let text = format!("{ORDERS}{config}");
                fs::write(bed.path("masker.toml"), text).expect("it is written");
            }
            for bed in &*beds {
                until_reloaded(bed).await;
            }
        }
        40 => beds[0].sentinel.as_ref().expect("a sentinel").fail_over().await,
        _ => {}
    }
    which
}

async fn assert_no_faults(beds: &[Bed]) {
    for bed in beds {
        for cause in ["unknown", "settings", "edition"] {
            let metric = format!("masker_prefix_faults_total{{cause=\"{cause}\"}}");
            assert_eq!(bed.metric(&metric).await, "0", "{cause}");
        }
    }
}

/// Plays a session on three replicas, while the world around them falls down and gets up.
async fn play(client: impl FnOnce(&[Bed]) -> Client, seed: usize, config: &'static str) {
    let bed = Bed::start(Plan { redis: true, sentinel: true, config, ..Plan::default() }).await;
    let others = [bed.replica(config).await, bed.replica(config).await];
    let mut beds: Vec<Bed> = std::iter::once(bed).chain(others).collect();
    let (steps, texts) = steps();
    beds[0].script(json!({"piece": 3, "pings": true, "steps": steps}));
    let mut client = client(&beds);
    let (mut which, mut before) = (0, String::new());
    for (turn, expected) in texts.iter().enumerate() {
        which = match turn {
            // By any replica; each has met the conversation before the first flush.
            0..3 => turn,
            10 | 15 | 16 | 20 | 25 | 30 | 35 | 40 => happens(&mut beds, which, turn, config).await,
            _ => (which + turn * seed + 1) % 3,
        };
        let content = client.turn(&beds, which, turn).await;
        let blocks = content.as_array().expect("blocks");
        let text = blocks.iter().find(|block| block["type"] == "text").expect("a text");
        assert_eq!(text["text"], *expected, "turn {turn}");
        assert_eq!(thoughts(blocks), thought(turn, config == SHOWN), "turn {turn}");
        let seen = beds[0].seen();
        assert_unseen(&seen);
        let sent = messages(&seen[0].body);
        assert!(sent.starts_with(&before), "turn {turn}: the masked beginning changed");
        assert!(sent.contains(ORDER), "turn {turn}: it keeps what it began with");
        before = sent;
    }
    assert_no_faults(&beds).await;
    // A conversation that begins now takes the new pattern.
    post(&beds[0], &asking(&format!("Another: {ORDER}")), None).await;
    let seen = beds[0].seen();
    assert!(!String::from_utf8_lossy(&seen[0].body).contains(ORDER));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_of_fifty_turns_keeps_its_beginning() {
    play(|_| Client::plain(Some("6f0e0f5c-5f0e-4a57-9c5e-6a2f1f2a3b4c")), 1, PATIENT).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_model_thought_is_shown_and_goes_back_as_it_was() {
    play(Client::python, 3, SHOWN).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn and_so_it_does_where_no_session_is_named() {
    play(|_| Client::plain(None), 2, SHOWN).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn and_so_it_does_without_a_sessions_name() {
    play(|_| Client::plain(None), 5, PATIENT).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_python_sdk_talks_for_fifty_turns() {
    play(Client::python, 7, PATIENT).await;
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
    // It was written again.
    bed.until_metric("masker_records_lost_total", "1").await;
}

/// A request's messages without cache marks, which move.
fn unmarked(body: &[u8]) -> Vec<Value> {
    fn strip(value: &mut Value) {
        match value {
            Value::Array(items) => items.iter_mut().for_each(strip),
            Value::Object(fields) => {
                fields.remove("cache_control");
                fields.values_mut().for_each(strip);
            }
            _ => {}
        }
    }
    let mut body: Value = serde_json::from_slice(body).unwrap_or_default();
    let mut messages = body["messages"].take();
    strip(&mut messages);
    // A text alone may be written as one or as a list of one.
    for message in messages.as_array_mut().into_iter().flatten() {
        if let Some(text) = message["content"].as_str() {
            message["content"] = json!([{"type": "text", "text": text}]);
        }
    }
    messages.as_array().cloned().unwrap_or_default()
}

/// Claude Code with its tools, each of whose requests goes to another replica.
#[tokio::test(flavor = "multi_thread")]
async fn claude_code_works_for_fifty_turns() {
    let bed =
        Bed::start(Plan { redis: true, sentinel: true, config: PATIENT, ..Plan::default() }).await;
    let others = [bed.replica(PATIENT).await, bed.replica(PATIENT).await];
    let mut beds: Vec<Bed> = std::iter::once(bed).chain(others).collect();
    let mut steps: Vec<Value> = (0..TURNS)
        .map(|turn| {
            let command = format!("echo {turn} {{{{instance=}}}} of {{{{role/}}}}, {ORDER}");
            let input = json!({"command": command, "description": "Looks"});
            let thinking = format!("About {{{{instance=}}}} and i-0fedcba9876{turn:06}.");
            let text = format!("Such as i-0fedcba9876{turn:06}.");
            json!({"thinking": thinking, "text": text, "tools": [{"name": "Bash", "input": input}]})
        })
        .collect();
    steps.push(json!({"text": "Done with {{instance=}}."}));
    beds[0].script(json!({"piece": 5, "pings": true, "steps": steps}));
    let (recorder, mut asked) = Recorder::asking().await;
    let prompt = format!("{}\nLook often.", first());
    let (url, dir) = (format!("http://127.0.0.1:{}", recorder.port), beds[0].path(""));
    let arguments = ["-p", prompt.as_str()];
    let mut talk = pin!(run_in(&dir, &url, &arguments, Duration::from_secs(400)));
    let (mut turn, mut which) = (0, 0);
    let said = loop {
        tokio::select! {
            said = &mut talk => break said,
            Some(answer) = asked.recv() => {
                // After a flush only the replica of the turn before knows all.
                let next = if matches!(turn, 10 | 30) { which } else { (which + 1) % 3 };
                which = happens(&mut beds, next, turn, PATIENT).await;
                turn += 1;
                answer.send(beds[which].url("")).expect("it waits");
            }
        }
    };
    assert_eq!(said.trim_end(), format!("Done with {}.", VALUES[0]));
    // One for each answer: none was refused and asked again.
    assert_eq!(turn, TURNS + 1);
    let seen = beds[0].seen();
    assert_unseen(&seen);
    let mut before = Vec::new();
    for messages in seen.iter().map(|seen| unmarked(&seen.body)) {
        if messages.iter().any(|message| message.to_string().contains("Look often.")) {
            for (index, (before, now)) in before.iter().zip(&messages).enumerate() {
                assert_eq!(now, before, "message {index}");
            }
            assert!(messages.len() >= before.len());
            before = messages;
        }
    }
    let answers = before.iter().filter(|message| message["role"] == "assistant");
    assert_eq!(answers.count(), TURNS);
    assert!(before.iter().any(|message| message.to_string().contains("\"thinking\"")));
    assert_no_faults(&beds).await;
}
