//! What must hold for arbitrary JSON and arbitrary text.

use std::collections::BTreeMap;

use masker::body::select::Format;
use masker::mask::document::{Form, mask, unmask};
use masker::mask::masker::Refusal;
use masker::mask::table::Table;
use proptest::collection::vec;
use proptest::prelude::*;

use crate::dice::Dice;
use crate::identifiers::{identifier, text};
use crate::json::{Json, json};
use crate::planted::holds;
use crate::setup::{DEPTH, MASKER, SCOPE};

fn masked(form: Form, source: &str) -> (String, Table) {
    let masked: Result<_, Refusal> = mask(&MASKER, &SCOPE, form, source);
    let (masked, table, _) = masked.unwrap();
    (masked, table)
}

fn planted() -> impl Strategy<Value = Vec<String>> {
    vec(identifier(), 1..4)
}

fn planted_json() -> impl Strategy<Value = (Vec<String>, Json)> {
    planted().prop_flat_map(|planted| (Just(planted.clone()), json(planted)))
}

fn planted_text() -> impl Strategy<Value = (Vec<String>, String)> {
    planted().prop_flat_map(|planted| (Just(planted.clone()), text(planted)))
}

/// Value and placeholder of everything that was masked.
fn mappings(table: &Table) -> BTreeMap<String, String> {
    let pair = |mapping: &std::sync::Arc<masker::mask::Mapping>| {
        (mapping.value.expose().to_owned(), mapping.placeholder.to_string())
    };
    table.made().map(pair).collect()
}

fn value(source: &str) -> serde_json::Value {
    serde_json::from_str(source).unwrap()
}

/// A request of Claude's format around any JSON, and what is around it.
fn request(inner: &Json, seed: u64) -> String {
    let inner = inner.written(seed);
    let text = serde_json::to_string(&inner).unwrap();
    format!(
        r#"{{"model":"m","messages":[{{"role":"user","content":{text}}},{{"role":"assistant","content":[{{"type":"tool_use","id":"toolu_1","name":"T","input":{inner}}}]}},{{"role":"user","content":[{{"type":"tool_result","tool_use_id":"toolu_1","content":{text}}}]}}],"max_tokens":1}}"#
    )
}

/// The JSON shows nothing once masked, is JSON, comes back, and is masked once.
fn comes_back(format: Format, source: &str, planted: &[String]) -> Result<(), TestCaseError> {
    let form = Form::Json(format);
    let (once, table) = masked(form, source);
    for id in planted {
        prop_assert!(!holds(&once, id), "{id} in {once} of {source}");
    }
    value(&once);
    let (back, _) = unmask(form, &once, DEPTH, &table);
    prop_assert_eq!(value(&back), value(source));
    let (twice, _) = masked(form, &once);
    prop_assert_eq!(twice, once);
    Ok(())
}

/// Passwords with variables, and what looks like one, behind keys and in URLs.
fn with_variables() -> impl Strategy<Value = String> {
    const KEYS: [&str; 6] = [
        "password=",
        "password: \"",
        "DB_PASSWORD='",
        "redis://u:",
        "--password ",
        "{\"password\":\"",
    ];
    const PARTS: [&str; 22] = [
        "ab",
        "9!x",
        "${cd}",
        "${",
        "}",
        "{{ x }}",
        "{{",
        "$PASS",
        "$P4ss",
        "<x>",
        "<",
        "%s",
        "#{x}",
        "${X:-d9!}",
        "i-0123456789abcdef0",
        "AWS_EC2_BF3K9Q2MX4TB",
        "@h",
        ":",
        "\"",
        "'",
        " ",
        "\\n",
    ];
    let password = vec(proptest::sample::select(&PARTS[..]), 1..9);
    let one = (proptest::sample::select(&KEYS[..]), password)
        .prop_map(|(key, parts)| format!("{key}{}", parts.concat()));
    vec(one, 1..4).prop_map(|all| all.join(" "))
}

#[test]
fn names_that_touch_each_other_come_back() {
    let text = "--password ${X:-d9!} and ${X:-d9!}${X:-d9!}";
    let (once, table) = masked(Form::Text, text);
    assert!(!once.contains("d9!"), "{once}");
    assert_eq!(unmask(Form::Text, &once, DEPTH, &table).0, text);
    assert_eq!(masked(Form::Text, &once).0, once);
}

proptest! {
    #![proptest_config(crate::driver::cases())]

    #[test]
    fn passwords_with_variables_come_back(text in with_variables()) {
        let (once, table) = masked(Form::Text, &text);
        let (back, _) = unmask(Form::Text, &once, DEPTH, &table);
        prop_assert_eq!(back, text);
        let (twice, _) = masked(Form::Text, &once);
        prop_assert_eq!(twice, once);
    }

    #[test]
    fn any_text_comes_back_and_shows_nothing((planted, text) in planted_text()) {
        let (once, table) = masked(Form::Text, &text);
        for id in &planted {
            prop_assert!(!once.contains(id.as_str()), "{id} in {once:?} of {text:?}");
        }
        let (back, _) = unmask(Form::Text, &once, DEPTH, &table);
        prop_assert_eq!(back, text);
        let (twice, _) = masked(Form::Text, &once);
        prop_assert_eq!(twice, once);
    }

    #[test]
    fn any_json_comes_back_and_shows_nothing((planted, json) in planted_json(), seed: u64) {
        comes_back(Format::Other, &json.written(seed), &planted)?;
    }

    #[test]
    fn without_needless_escapes_every_byte_comes_back((_, json) in planted_json()) {
        let source = serde_json::to_string(&value(&json.written(1))).unwrap();
        let form = Form::Json(Format::Other);
        let (once, table) = masked(form, &source);
        let (back, _) = unmask(form, &once, DEPTH, &table);
        prop_assert_eq!(back, source);
    }

    #[test]
    fn any_request_comes_back_and_shows_nothing((planted, json) in planted_json(), seed: u64) {
        comes_back(Format::Messages, &request(&json, seed), &planted)?;
    }

    #[test]
    fn the_order_of_keys_plays_no_role((_, json) in planted_json(), seed: u64) {
        let other = json.reordered(&mut Dice::new(seed));
        let form = Form::Json(Format::Other);
        let ((one, table), (two, other_table)) =
            (masked(form, &json.written(3)), masked(form, &other.written(3)));
        // Escapes inside a string fall with the dice: compared is without.
        let plain = |json: &Json| serde_json::to_string(&value(&json.written(3))).unwrap();
        if plain(&json) == plain(&other) {
            prop_assert_eq!(mappings(&table), mappings(&other_table));
            prop_assert_eq!(value(&one), value(&two));
        }
    }

    #[test]
    fn a_longer_conversation_masks_its_beginning_alike(
        (_, first) in planted_text(), (_, second) in planted_text()
    ) {
        let block = |text: &str| {
            let text = serde_json::to_string(text).unwrap();
            format!(r#"{{"role":"user","content":[{{"type":"text","text":{text}}}]}}"#)
        };
        let body = |messages: &str| format!(r#"{{"messages":[{messages}"#);
        let form = Form::Json(Format::Messages);
        let (short, _) = masked(form, &(body(&block(&first)) + "]}"));
        let (long, _) = masked(form, &(body(&format!("{},{}", block(&first), block(&second))) + "]}"));
        let prefix = short.strip_suffix("]}").unwrap();
        prop_assert!(long.starts_with(prefix), "{short}\n{long}");
    }
}
