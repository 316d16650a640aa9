//! The 50 patterns of the replaced system, each masked and restored through Envoy.
//!
//! `cargo nextest run --test e2e old_patterns --no-capture` shows the table.

use std::collections::BTreeSet;

use masker::mask::placeholder;
use memchr::memmem;
use serde::Deserialize;
use serde_json::json;

use crate::bed::{Bed, Streamed};
use crate::messages::{asking, streaming};

const FILE: &str = include_str!("../golden/old_patterns.toml");
/// How many patterns each group has.
const GROUPS: [usize; 5] = [15, 12, 8, 10, 5];

#[derive(Deserialize)]
struct File {
    group: Vec<Group>,
}

#[derive(Deserialize)]
struct Group {
    name: String,
    pattern: Vec<Pattern>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Pattern {
    name: String,
    value: String,
    #[serde(default)]
    hidden: Vec<String>,
    text: String,
    kinds: BTreeSet<String>,
}

#[tokio::test(flavor = "multi_thread")]
async fn each_of_the_50_is_masked_and_comes_back() {
    let file: File = toml::from_str(FILE).expect("the list is TOML");
    assert_eq!(file.group.iter().map(|group| group.pattern.len()).collect::<Vec<_>>(), GROUPS);
    let bed = Bed::usual().await;
    let (mut table, mut wrong) = (String::new(), Vec::new());
    for group in &file.group {
        for pattern in &group.pattern {
            let (kinds, faults) = sent(&bed, pattern).await;
            wrong.extend(faults);
            let row = format!("{:<24}{:<16}{:<32}", group.name, pattern.name, kinds.join(", "));
            table += &format!("{row}{}\n", pattern.value);
        }
    }
    eprintln!("{:<24}{:<16}{:<32}value\n{table}", "group", "pattern", "masked as");
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// Sends the text of a pattern for a whole and for a streamed answer. Gives the kinds of the
/// placeholders that arrived, and what went wrong.
async fn sent(bed: &Bed, pattern: &Pattern) -> (Vec<String>, Vec<String>) {
    let Pattern { name, value, text, .. } = pattern;
    let mut wrong = Vec::new();
    let mut kinds = BTreeSet::new();
    assert!(text.contains(value), "{name}: the text does not hold the value");
    for stream in [false, true] {
        bed.script(json!({"piece": 3}));
        let request = if stream { streaming(text) } else { asking(text) };
        let reply = bed.post("/v1/messages", &request).await;
        assert_eq!(reply.status, 200, "{name}: {}", reply.text());
        let answer = if stream {
            Streamed::read(&reply.text()).text
        } else {
            reply.json()["content"][0]["text"].as_str().unwrap_or_default().to_owned()
        };
        if answer != format!("I see: {text}") {
            wrong.push(format!("{name}: came back as {answer}"));
        }
        let seen = bed.seen();
        assert_eq!(seen.len(), 1, "{name}: one request, one record");
        for hidden in pattern.hidden.iter().chain([value]) {
            let headers = seen[0].headers.iter().map(|(_, header)| header.as_bytes());
            if headers
                .chain([&*seen[0].body])
                .any(|part| memmem::find(part, hidden.as_bytes()).is_some())
            {
                wrong.push(format!("{name}: the provider saw {hidden}"));
            }
        }
        let body = String::from_utf8_lossy(&seen[0].body);
        let spans = placeholder::spans(&body).into_iter();
        let found = spans.filter_map(|span| body.get(span)).map(kind);
        kinds.extend(found);
    }
    if kinds != pattern.kinds {
        wrong.push(format!("{name}: masked as {kinds:?}"));
    }
    (kinds.into_iter().collect(), wrong)
}

/// `IAM_ROLE` of `AWS_IAM_ROLE_BF3K9Q2MX4TB`.
fn kind(placeholder: &str) -> String {
    let kind = placeholder.split_once('_').and_then(|(_, rest)| rest.rsplit_once('_'));
    kind.map(|(kind, _)| kind.to_owned()).expect("a placeholder has three parts")
}
