//! `openapi.json` names what the monitoring API answers, and nothing else.

use std::collections::BTreeSet;

use serde_json::Value;

use super::*;
use crate::telemetry::recent::{Masked, Seen};

const KEYS: [&str; 4] = ["properties", "allOf", "items", "additionalProperties"];

/// The document, what of it was answered, and what was answered beside it.
struct Described {
    document: Value,
    answered: BTreeSet<String>,
    unnamed: BTreeSet<String>,
}

impl Described {
    /// Where a schema stands, behind references.
    fn at(&self, place: &str) -> String {
        let reference = self.document.pointer(place).and_then(|own| own["$ref"].as_str());
        reference.map_or_else(|| place.to_owned(), |own| self.at(own.trim_start_matches('#')))
    }

    fn has(&self, place: &str) -> bool {
        self.document.pointer(place).is_some()
    }

    /// The schemas that name this field of an object.
    fn named(&self, place: &str, field: &str) -> Vec<String> {
        let place = self.at(place);
        let own = format!("{place}/properties/{field}");
        let mut all: Vec<_> = self.has(&own).then_some(own).into_iter().collect();
        let parts = self.document.pointer(&format!("{place}/allOf")).and_then(Value::as_array);
        for part in 0..parts.map_or(0, Vec::len) {
            all.extend(self.named(&format!("{place}/allOf/{part}"), field));
        }
        let any = format!("{place}/additionalProperties");
        if all.is_empty() && self.has(&any) {
            all.push(any);
        }
        all
    }

    fn compare(&mut self, place: &str, value: &Value) {
        match value {
            Value::Object(fields) => {
                for (field, value) in fields {
                    let named = self.named(place, field);
                    if named.is_empty() {
                        self.unnamed.insert(format!("{place}: {field}"));
                    }
                    for schema in named {
                        self.answered.insert(schema.clone());
                        self.compare(&schema, value);
                    }
                }
            }
            Value::Array(all) => {
                let items = format!("{}/items", self.at(place));
                all.iter().for_each(|value| self.compare(&items, value));
            }
            _ => {}
        }
    }

    /// Every field that the schema at `place`, and those in it, name.
    fn fields(&self, place: &str, into: &mut BTreeSet<String>) {
        let place = self.at(place);
        for key in KEYS {
            let below = format!("{place}/{key}");
            match self.document.pointer(&below) {
                Some(Value::Object(all)) if key == "properties" => {
                    for name in all.keys() {
                        let field = format!("{below}/{name}");
                        self.fields(&field, into);
                        into.insert(field);
                    }
                }
                Some(Value::Array(all)) => {
                    (0..all.len()).for_each(|at| self.fields(&format!("{below}/{at}"), into));
                }
                Some(_) => self.fields(&below, into),
                None => {}
            }
        }
    }
}

/// A masker that has something to tell in every list.
fn eventful(dir: &TempDir) -> Control {
    let control = control(dir);
    let metrics = control.watch.metrics();
    metrics.findings.add("ACCESS_KEY", "iam_credentials", true, 11);
    metrics.new_findings.add("ACCESS_KEY", "iam_credentials", true, 11);
    control.recent.push(Seen {
        kinds: vec![Masked { kind: "ACCESS_KEY".into(), family: "iam_credentials", count: 11 }],
        places: BTreeMap::from([("path", 1)]),
        ..Seen::default()
    });
    control.watch.ordered(Mode::BlockAll, "a drill", "somebody");
    control.watch.sample();
    control
}

async fn ask(running: &Running, method: &str, path: &str, body: &str) -> (StatusCode, Value) {
    let request = Request::builder().method(method).uri(format!("/api/monitoring{path}"));
    let request = request.header("host", "masker").header("content-type", "application/json");
    let request = request.header("authorization", format!("Bearer {TOKEN}"));
    let (code, _, text) = running.send(request.body(body.to_owned()).unwrap()).await;
    (code, serde_json::from_str(&text).unwrap())
}

fn escaped(path: &str) -> String {
    path.replace('~', "~0").replace('/', "~1")
}

#[tokio::test]
async fn the_document_names_every_field_that_is_answered_and_no_other() {
    let dir = TempDir::new().unwrap();
    let running = run(eventful(&dir)).await;
    let (_, document) = ask(&running, "GET", "/openapi.json", "").await;
    let mut described = Described { document, answered: BTreeSet::new(), unnamed: BTreeSet::new() };
    let mut named = BTreeSet::new();
    let paths = described.document["paths"].as_object().unwrap().clone();
    let bodies = [
        ("/emergency-mode", r#"{"mode":"BLOCK_ALL","reason":"a drill"}"#),
        ("/log-level", r#"{"level":"info","reason":"a drill"}"#),
    ];
    for (path, methods) in paths.iter().filter(|(path, _)| *path != "/events") {
        for method in methods.as_object().unwrap().keys() {
            let body = bodies.iter().find(|(own, _)| own == path && method == "post");
            let body = body.map_or("", |(_, body)| *body);
            let (code, answer) = ask(&running, &method.to_uppercase(), path, body).await;
            let place = format!("/paths/{}/{method}/responses/{}", escaped(path), code.as_u16());
            let schema = format!("{place}/content/application~1json/schema");
            assert!(described.has(&schema), "{path}: {code} is not in the document: {answer}");
            described.compare(&schema, &answer);
            described.fields(&schema, &mut named);
        }
    }
    let refused = "/components/responses/Refused/content/application~1json/schema";
    let wrong = r#"{"mode":"PANIC","reason":"a drill"}"#;
    let (code, answer) = ask(&running, "POST", "/emergency-mode", wrong).await;
    assert_eq!(code, StatusCode::BAD_REQUEST);
    described.compare(refused, &answer);
    described.fields(refused, &mut named);

    assert_eq!(described.unnamed, BTreeSet::new(), "answered, and not in the document");
    let never: Vec<_> = named.difference(&described.answered).collect();
    assert!(never.is_empty(), "in the document, and never answered: {never:#?}");
    assert!(named.len() > 100, "{}", named.len());
}
