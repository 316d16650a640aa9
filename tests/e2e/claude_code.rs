//! Claude Code itself, whose tools work with what the model wrote.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::time::Duration;

use masker::body::json::Tape;
use masker::mask::placeholder;
use serde_json::json;
use tokio::time::timeout;

use crate::bed::{Bed, Plan, program};
use crate::planted::{VALUES, assert_unseen};
use crate::recorder::Recorder;

fn role() -> String {
    format!("arn:aws:iam::{}:role/{}", VALUES[4], VALUES[5])
}

/// Runs Claude Code with a prompt in a directory of its own; gives what it says.
async fn run(bed: &Bed, url: &str, prompt: &str) -> String {
    more(bed, url, &["-p", prompt]).await
}

/// The same with any arguments, in the directory that it has by now.
async fn more(bed: &Bed, url: &str, arguments: &[&str]) -> String {
    run_in(&bed.path(""), url, arguments, Duration::from_secs(90)).await
}

pub(crate) async fn run_in(
    dir: &Path,
    url: &str,
    arguments: &[&str],
    patience: Duration,
) -> String {
    let (home, work) = (dir.join("home"), dir.join("work"));
    fs::create_dir_all(&home).expect("a home");
    fs::create_dir_all(&work).expect("a directory");
    let command = tokio::process::Command::new(program("CLAUDE_CODE"))
        .args(arguments)
        .arg("--dangerously-skip-permissions")
        .current_dir(&work)
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("HOME", &home)
        .env("IS_SANDBOX", "1")
        .env("ANTHROPIC_BASE_URL", url)
        .env("ANTHROPIC_API_KEY", "dummy")
        .env("CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC", "1")
        .stdin(std::process::Stdio::null())
        .kill_on_drop(true)
        .output();
    let output = timeout(patience, command).await.expect("an end in time");
    let output = output.expect("Claude Code runs (CLAUDE_CODE, scripts/install.sh claude)");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}\n{errors}");
    said
}

#[tokio::test(flavor = "multi_thread")]
async fn claude_code_writes_real_values_and_sends_none() {
    let bed = Bed::start(Plan { redis: true, ..Plan::default() }).await;
    let work = bed.path("work");
    let report = work.join("report.txt");
    let content = "id: {{instance=}}\nrole: {{role=}}\nquote: \"{{instance=}}\"\\n\n";
    let command = "printf '%s|' '{{instance=}}' \"$(cat report.txt)\" > copy.txt; cat copy.txt";
    bed.script(json!({"piece": 3, "pings": true, "steps": [
        {"text": "I write {{instance=}}.", "tools": [
            {"name": "Write", "input": {"file_path": report, "content": content}},
        ]},
        {"text": "And copy.", "tools": [
            {"name": "Bash", "input": {"command": command, "description": "Copies the report"}},
        ]},
        {"text": "Wrote {{instance=}} and {{role=}} !"},
    ]}));
    let prompt = format!("Write a report about instance={} role={} please.", VALUES[0], role());
    let said = run(&bed, &bed.url(""), &prompt).await;

    let written = fs::read_to_string(&report).unwrap_or_else(|_| panic!("no report: {said}"));
    let expected = format!("id: {0}\nrole: {1}\nquote: \"{0}\"\\n\n", VALUES[0], role());
    assert_eq!(written, expected);
    let copied = fs::read_to_string(work.join("copy.txt")).expect("a copy");
    assert_eq!(copied, format!("{}|{}|", VALUES[0], expected.trim_end()));
    assert_eq!(said.trim_end(), format!("Wrote {} and {} !", VALUES[0], role()));

    let seen = bed.seen();
    assert_unseen(&seen);
    let turns: Vec<serde_json::Value> = seen
        .iter()
        .filter_map(|seen| serde_json::from_slice(&seen.body).ok())
        .filter(|body: &serde_json::Value| body["messages"].to_string().contains("tool_use"))
        .collect();
    assert_eq!(turns.len(), 2, "one request after each tool");
    // Each turn was known to be of the same conversation.
    for metric in ["masker_records_lost_total", "masker_prefix_faults_total{cause=\"unknown\"}"] {
        assert_eq!(bed.metric(metric).await, "0", "{metric}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_command_printed_is_read_with_the_command() {
    let bed = Bed::start(Plan::default()).await;
    let work = bed.path("work");
    fs::create_dir_all(&work).expect("a directory");
    fs::write(work.join("db_password"), "obsidian4marble\n").expect("a secret");
    let aws = work.join("aws");
    fs::write(&aws, "#!/bin/sh\nprintf 'quartzledger\\tbasaltindex\\n'\n").expect("a program");
    fs::set_permissions(&aws, fs::Permissions::from_mode(0o755)).expect("a mode");
    let list = "PATH=$PWD:$PATH aws dynamodb list-tables --query TableNames --output text";
    let bash =
        |command| json!({"name": "Bash", "input": {"command": command, "description": "Looks"}});
    bed.script(json!({"steps": [
        {"text": "I look.", "tools": [bash(list), bash("cat db_password")]},
        {"text": "I saw them."},
    ]}));
    run(&bed, &bed.url(""), "Which tables are there?").await;

    let seen = bed.seen();
    let bodies = seen.iter().map(|seen| String::from_utf8_lossy(&seen.body)).collect::<String>();
    assert!(bodies.contains("tool_result") && bodies.contains("AWS_DYNAMODB_"), "{bodies}");
    for printed in ["quartzledger", "basaltindex", "obsidian4marble"] {
        assert!(!bodies.contains(printed), "{printed}");
    }
}

/// What a body says of one field, as it is written.
fn field(body: &[u8], name: &str) -> Option<String> {
    let source = std::str::from_utf8(body).ok()?;
    let tape = Tape::parse(source, 128).ok()?;
    tape.field(tape.root(), name).map(|node| tape.raw(node).to_owned())
}

/// Where two texts differ for the first time: not where one of the values stands in the
/// first and a placeholder in the second.
fn difference(sent: &str, seen: &str) -> Option<usize> {
    let placeholders = placeholder::spans(seen);
    let (mut at, mut there) = (0, 0);
    loop {
        let (rest, other) = (sent.get(at..)?, seen.get(there..)?);
        // A placeholder may begin as the value does.
        let value = VALUES.into_iter().find(|value| rest.starts_with(value));
        let placeholder = placeholders.iter().find(|span| span.start == there);
        (at, there) = match (value, placeholder, rest.chars().next(), other.chars().next()) {
            (Some(value), Some(placeholder), ..) => (at + value.len(), placeholder.end),
            (_, _, Some(one), Some(same)) if one == same => {
                (at + one.len_utf8(), there + one.len_utf8())
            }
            (_, _, None, None) => return None,
            _ => return Some(at),
        };
    }
}

#[test]
fn a_difference_is_where_it_begins() {
    let mask = "AWS_EC2_BF3K9Q2MX4TB";
    let own = format!("é {} é", VALUES[0]);
    assert_eq!(difference(&own, &own), None);
    assert_eq!(difference(&own, &format!("é {mask} é")), None);
    assert_eq!(difference(&own, &format!("é {mask} e")), Some(own.len() - 2));
    assert_eq!(difference(&own, &format!("é {mask}")), Some(own.len() - 3));
    assert_eq!(difference("é prod", &format!("é {mask}")), Some(3));
}

/// A false finding there would change every conversation. A failure tells where, and not
/// what: the prompt is not ours to print.
#[tokio::test(flavor = "multi_thread")]
async fn what_claude_code_says_of_itself_is_not_masked() {
    let bed = Bed::usual().await;
    let recorder = Recorder::start(bed.url("")).await;
    bed.script(json!({"steps": [{"text": "Done."}]}));
    let url = format!("http://127.0.0.1:{}", recorder.port);
    let planted = format!("The role is {} .", role());
    more(&bed, &url, &["-p", "Say that you are done.", "--append-system-prompt", &planted]).await;
    let (sent, seen) = (recorder.bodies(), bed.seen());
    let (mut compared, mut masked) = (0, 0);
    for name in ["system", "tools"] {
        let of = |body: &[u8]| field(body, name).filter(|text| text.len() > 2000);
        let sent: Vec<_> = sent.iter().filter_map(|body| of(body)).collect();
        let seen: Vec<_> = seen.iter().filter_map(|seen| of(&seen.body)).collect();
        assert_eq!(sent.len(), seen.len(), "requests with {name}");
        for (sent, seen) in sent.iter().zip(&seen) {
            assert_eq!(difference(sent, seen), None, "{name} is changed at this place");
            masked += usize::from(sent != seen);
            compared += sent.len();
        }
    }
    assert!(compared > 10_000, "only {compared} bytes of system and tools");
    assert!(masked > 0, "what was planted is masked");
    assert_unseen(&seen);
    eprintln!("{compared} bytes of system and tools are unchanged");
}

/// The first message of a request that is a user's.
fn asked(body: &[u8]) -> String {
    let body: serde_json::Value = serde_json::from_slice(body).unwrap_or_default();
    body["messages"][0]["content"].to_string()
}

/// The name alone means nothing: only the session knows what it is.
#[tokio::test(flavor = "multi_thread")]
async fn a_sub_agent_knows_the_names_of_its_session() {
    let bed = Bed::start(Plan { redis: true, ..Plan::default() }).await;
    let input = json!({"description": "Looks", "prompt": "Who uses {{role/}} ?",
        "subagent_type": "general-purpose"});
    let call = |name: &str| json!({"text": "I ask.", "tools": [{"name": name, "input": input}]});
    bed.script(json!({"piece": 5, "steps": [call("Agent"), {"text": "Done."}]}));
    let said = run(&bed, &bed.url(""), &format!("Ask about role={} please.", role())).await;
    assert!(said.starts_with("Done."), "{said}");
    let seen = bed.seen();
    assert_unseen(&seen);
    let sub = seen.iter().filter(|seen| asked(&seen.body).contains("Who uses AWS_")).count();
    assert!(sub > 0, "no sub-agent asked");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_compacted_session_knows_its_names() {
    let bed = Bed::start(Plan { redis: true, ..Plan::default() }).await;
    bed.script(json!({"piece": 5, "steps": [{"text": "Fine."}, {"text": "Fine."}]}));
    run(&bed, &bed.url(""), &format!("Remember role={} please.", role())).await;
    bed.script(json!({"steps": []}));
    more(&bed, &bed.url(""), &["-c", "-p", "/compact"]).await;
    assert_unseen(&bed.seen());
    more(&bed, &bed.url(""), &["-c", "-p", &format!("Who uses {} ?", VALUES[5])]).await;
    let seen = bed.seen();
    assert_unseen(&seen);
    let last =
        seen.iter().find(|seen| String::from_utf8_lossy(&seen.body).contains("Who uses AWS_"));
    let last = last.expect("it was asked");
    assert!(!asked(&last.body).contains("Remember"), "{}", asked(&last.body));
}
