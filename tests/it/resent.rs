//! Parts that were masked before: the result is that of masking them anew.

use std::collections::BTreeMap;

use masker::body::select::Format;
use masker::mask::document::{Form, mask};
use masker::mask::masker::{Masker, Report};
use masker::mask::resent::Resent;
use masker::mask::table::Table;
use masker::mask::{Scope, Tenant};
use serde_json::json;

use crate::planted::all;
use crate::setup::{MASKER, SCOPE, masker, master};

fn remembers() -> Masker {
    Masker { resent: Resent::new(4 << 20), ..masker() }
}

/// All that masking gives, in an order.
fn result((masked, table, report): (String, Table, Report)) -> String {
    let report = Report { again: Default::default(), ..report };
    let mut made: Vec<_> = table.made().map(|made| made.placeholder.as_str()).collect();
    made.sort_unstable();
    format!("{masked}\n{made:?}\n{report:?}")
}

fn same(masker: &Masker, scope: &Scope, form: Form, body: &str) {
    let fresh = result(mask(&MASKER, scope, form, body).unwrap());
    for time in 1..=2 {
        assert_eq!(result(mask(masker, scope, form, body).unwrap()), fresh, "time {time}");
    }
}

const MESSAGES: Form = Form::Json(Format::Messages);

fn body(system: &str, texts: &[&str]) -> String {
    let text = |text: &&str| json!({"role": "user", "content": [{"type": "text", "text": text}]});
    let messages: Vec<_> = texts.iter().map(text).collect();
    json!({"system": system, "messages": messages}).to_string()
}

#[test]
fn golden_bodies_come_again() {
    let masker = remembers();
    for golden in all() {
        let form = golden.family.format.map_or(Form::Text, Form::Json);
        same(&masker, &SCOPE, form, &golden.source);
    }
}

#[test]
fn what_comes_again_is_told_apart() {
    let masker = remembers();
    let key = |tail| format!("the key is AKIAQ3EGRYZ7T2LM{tail}, and this text is long enough");
    let (first, second) = (key("5XWB"), key("6XWC"));
    let all = [first.as_str(), second.as_str()];
    for (texts, found, again) in [(&all[..1], 1, 0), (&all, 2, 1), (&all, 2, 2)] {
        let (_, _, report) = mask(&masker, &SCOPE, MESSAGES, &body("be brief", texts)).unwrap();
        let sum = |counts: &BTreeMap<_, u64>| counts.values().sum::<u64>();
        assert_eq!((sum(&report.findings), sum(&report.again)), (found, again));
    }
}

#[test]
fn what_is_known_before_a_part_matters() {
    let masker = remembers();
    let texts = ["the bucket acme-media-7 is full, see build-agent-4 in the same place"];
    for system in [
        "no names are in this system prompt, which is long enough to be kept in memory",
        "arn:aws:s3:::acme-media-7 is what this system prompt names, and nothing else",
        "arn:aws:iam::123456789012:role/build-agent-4 is what this system prompt names",
        "the role build-agent-4 and arn:aws:s3:::acme-media-7: both names are in here",
    ] {
        same(&masker, &SCOPE, MESSAGES, &body(system, &texts));
    }
}

#[test]
fn a_value_keeps_the_kind_under_which_the_conversation_saw_it_first() {
    // Too short to be known, so that only its placeholder tells.
    let masker = remembers();
    let later = "arn:aws:s3:::prod/path and some words, so that it is kept in memory";
    for first in [
        "arn:aws:dynamodb:eu-west-1:123456789012:table/prod is how it begins, which is a table",
        "arn:aws:iam::123456789012:role/prod is how it begins, which is a role of that name",
        "arn:aws:sqs:eu-west-1:123456789012:other is how it begins, and it has another name",
    ] {
        same(&masker, &SCOPE, MESSAGES, &body(first, &[later, later]));
    }
}

#[test]
fn a_growing_conversation_is_masked_as_if_it_were_new() {
    let masker = remembers();
    let texts: Vec<String> = (0..20)
        .map(|turn| {
            format!(
                "turn {turn}: i-0{turn:016x} in arn:aws:s3:::logs-of-{turn}, as logs-of-{} said: \
                 account 12345678901{}, AWS_EC2_A{turn:011} and 10.0.{turn}.1",
                turn / 2,
                turn % 10
            )
        })
        .collect();
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    for turn in 1..=texts.len() {
        let now = texts.get(..turn).unwrap_or_default();
        same(&masker, &SCOPE, MESSAGES, &body("You help with a cloud.", now));
    }
}

#[test]
fn tenants_and_places_do_not_share_what_was_masked() {
    let masker = remembers();
    let other = master().scope(&Tenant::named("other").unwrap());
    let text = "the instance i-0123456789abcdef0 stands in a text that is long enough to be kept";
    for scope in [&*SCOPE, &other] {
        same(&masker, scope, MESSAGES, &body(text, &[text]));
        let thought = json!({"messages": [{"role": "assistant", "content": [
            {"type": "thinking", "thinking": text, "signature": text},
            {"type": "tool_use", "id": "toolu_1", "name": "Bash", "input": {"command": text}},
        ]}], "metadata": {"user_id": text}});
        same(&masker, scope, MESSAGES, &thought.to_string());
        same(&masker, scope, Form::Json(Format::Other), &thought.to_string());
    }
}
