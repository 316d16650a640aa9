//! The schema of the configuration file, for editors and pipelines.

use serde_json::Map;
use serde_json::Value;
use serde_json::json;

use crate::config::options::Form;
use crate::config::options::Given;
use crate::config::options::OPTIONS;
use crate::config::options::Opt;
use crate::config::print::limits;

type Fields = Map<String, Value>;

/// All options as JSON Schema, which editors use for TOML too.
#[must_use]
pub fn json_schema() -> Value {
    let mut properties = Fields::new();
    for opt in OPTIONS {
        insert(&mut properties, opt.key, option(opt));
    }
    let mut root = table(&properties, &[]);
    if let Value::Object(fields) = &mut root {
        fields.insert("$schema".into(), "https://json-schema.org/draft/2020-12/schema".into());
        fields.insert("title".into(), "Masker's configuration".into());
    }
    root
}

/// Puts what a dotted key stands for below the sections that it names.
fn insert(properties: &mut Fields, key: &str, what: Value) {
    let Some((section, rest)) = key.split_once('.') else {
        properties.insert(key.to_owned(), what);
        return;
    };
    let below = properties.entry(section).or_insert_with(|| table(&Fields::new(), &[]));
    if let Some(Value::Object(inner)) = below.get_mut("properties") {
        insert(inner, rest, what);
    }
}

fn table(properties: &Fields, required: &[&str]) -> Value {
    let mut table =
        json!({"type": "object", "additionalProperties": false, "properties": properties});
    if let (Value::Object(fields), false) = (&mut table, required.is_empty()) {
        fields.insert("required".into(), required.into());
    }
    table
}

fn option(opt: &Opt) -> Value {
    let mut what = form(opt.form);
    if let Value::Object(fields) = &mut what {
        let doc = format!("{} {}", opt.doc, limits(opt.form));
        fields.insert("description".into(), doc.trim_end().into());
        match (opt.form, opt.given) {
            (Form::Rows(_), _) => {}
            (_, Given::Default(text)) => {
                fields.extend(value(text).map(|value| ("default".into(), value)));
            }
            (_, Given::Unset(text) | Given::Maybe(text)) => {
                fields.extend(value(text).map(|value| ("examples".into(), json!([value]))));
            }
        }
    }
    what
}

fn form(form: Form) -> Value {
    match form {
        Form::Address | Form::Store | Form::File | Form::KeyFile | Form::Text => {
            json!({"type": "string"})
        }
        Form::Flag => json!({"type": "boolean"}),
        Form::Choice(names) => json!({"enum": names}),
        Form::Count { min, max } => json!({"type": "integer", "minimum": min, "maximum": max}),
        Form::Size { .. } => json!({"type": "string", "pattern": "^[0-9]+(B|KiB|MiB|GiB)$"}),
        Form::Time { .. } => json!({"type": "string", "pattern": "^[0-9]+(ms|s|m|h|d)$"}),
        Form::List => json!({"type": "array", "items": {"type": "string"}}),
        Form::Rows(fields) => {
            let properties: Fields =
                fields.iter().map(|field| (field.key.to_owned(), option(field))).collect();
            let required: Vec<_> = fields
                .iter()
                .filter(|field| !matches!(field.given, Given::Maybe(_)))
                .map(|field| field.key)
                .collect();
            json!({"type": "array", "items": table(&properties, &required)})
        }
    }
}

/// A value as the table of options writes it, in TOML.
fn value(text: &str) -> Option<Value> {
    let mut read: Fields = toml::from_str(&format!("value = {text}")).ok()?;
    read.remove("value")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_option_stands_in_its_section_with_what_it_is_when_nobody_sets_it() {
        let schema = json_schema();
        for opt in OPTIONS {
            let place = format!("/properties/{}", opt.key.replace('.', "/properties/"));
            let found = schema.pointer(&place).unwrap();
            if let Given::Default(text) = opt.given {
                assert_eq!(found.get("default"), value(text).as_ref(), "{}", opt.key);
                assert!(found.get("default").is_some(), "{}", opt.key);
            }
        }
        let depth = schema.pointer("/properties/limits/properties/depth").unwrap();
        assert_eq!(depth.get("minimum"), Some(&json!(8)));
        assert_eq!(
            schema.pointer("/properties/routes/items/additionalProperties"),
            Some(&json!(false))
        );
    }
}
