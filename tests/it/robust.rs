//! Every kind and every example of the catalog.

use std::fs;
use std::path::Path;

use masker::mask::document::{Form, mask, unmask};
use masker::mask::placeholder;

use crate::setup::{DEPTH, MASKER, SCOPE};

/// The examples and counter-examples of all patterns.
fn examples() -> Vec<String> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/detect/patterns");
    let mut found = Vec::new();
    for entry in fs::read_dir(dir).unwrap() {
        let text = fs::read_to_string(entry.unwrap().path()).unwrap();
        let table: toml::Table = text.parse().unwrap();
        let classes = table.get("class").and_then(|list| list.as_array()).cloned();
        for class in classes.unwrap_or_default() {
            for list in ["examples", "counter_examples"] {
                let list = class.get(list).and_then(|list| list.as_array()).cloned();
                let texts = list.into_iter().flatten();
                found.extend(texts.filter_map(|text| text.as_str().map(str::to_owned)));
            }
        }
    }
    assert!(found.len() > 200, "the examples are found");
    found
}

#[test]
fn every_example_comes_back_and_is_masked_once() {
    let mut wrong = Vec::new();
    for example in examples() {
        for text in [
            example.clone(),
            format!("see {example}, and \"{example}\"\\n{example}/2024/x"),
            format!("https://{example}/my-data/2024?x={example}&y=%2F{example}"),
            format!("x.{example} ({example}) '{example}':{example}"),
        ] {
            let (once, table, _) = mask(&MASKER, &SCOPE, Form::Text, &text).unwrap();
            let (back, _) = unmask(Form::Text, &once, DEPTH, &table);
            assert_eq!(back, text);
            let (twice, ..) = mask(&MASKER, &SCOPE, Form::Text, &once).unwrap();
            if twice != once {
                wrong.push(format!("{text}\n  {once}\n  {twice}"));
            }
        }
    }
    assert!(wrong.is_empty(), "masked again, {}:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn every_kind_gives_placeholders_that_are_read_back() {
    for (_, info) in MASKER.catalog.kinds() {
        let made = SCOPE.mapping(info.secret, &info.name, "value").placeholder;
        let text = format!("a {made}.");
        let spans: Vec<_> = placeholder::spans(&text).into_iter().map(|span| &text[span]).collect();
        assert_eq!(spans, [made.as_str()]);
    }
}
