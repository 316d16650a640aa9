//! Arbitrary JSON, written in arbitrary ways, with identifiers planted in it.

use std::fmt::Write as _;

use proptest::collection::vec;
use proptest::prelude::*;

use crate::dice::Dice;
use crate::identifiers::text;

/// JSON whose objects keep their order.
#[derive(Clone, Debug)]
pub(crate) enum Json {
    Object(Vec<(String, Json)>),
    Array(Vec<Json>),
    String(String),
    /// As it is written.
    Scalar(String),
    /// A string that holds a document.
    Inside(Box<Json>),
}

const SCALARS: &[&str] =
    &["0", "-1.50", "1e5", "true", "null", "170000000000", "12345678901234567890"];

/// JSON with identifiers in strings, in keys and in documents inside strings.
pub(crate) fn json(planted: Vec<String>) -> BoxedStrategy<Json> {
    let string = text(planted);
    let leaf = prop_oneof![
        4 => string.clone().prop_map(Json::String),
        1 => proptest::sample::select(SCALARS).prop_map(|s| Json::Scalar(s.to_owned())),
    ];
    leaf.prop_recursive(5, 24, 4, move |inner| {
        let fields = vec((string.clone(), inner.clone()), 0..4).prop_map(|mut fields| {
            fields.sort_by(|(a, _), (b, _)| a.cmp(b));
            fields.dedup_by(|(a, _), (b, _)| a == b);
            Json::Object(fields)
        });
        prop_oneof![
            2 => fields,
            1 => vec(inner.clone(), 0..4).prop_map(Json::Array),
            2 => inner.prop_map(|json| Json::Inside(Box::new(json))),
        ]
    })
    .boxed()
}

impl Json {
    /// Writes the document with escapes and spaces as the dice fall.
    pub(crate) fn write(&self, dice: &mut Dice, out: &mut String) {
        let space = [" ", "", "", "\n", "\t\r\n "][usize::try_from(dice.roll(5)).unwrap()];
        out.push_str(space);
        match self {
            Self::Object(fields) => {
                out.push('{');
                for (index, (key, value)) in fields.iter().enumerate() {
                    out.push_str(if index > 0 { "," } else { "" });
                    quote(key, dice, out);
                    out.push(':');
                    value.write(dice, out);
                }
                out.push('}');
            }
            Self::Array(items) => {
                out.push('[');
                for (index, item) in items.iter().enumerate() {
                    out.push_str(if index > 0 { "," } else { "" });
                    item.write(dice, out);
                }
                out.push(']');
            }
            Self::String(text) => quote(text, dice, out),
            Self::Scalar(text) => out.push_str(text),
            Self::Inside(json) => {
                let mut inner = String::new();
                json.write(dice, &mut inner);
                quote(&inner, dice, out);
            }
        }
        out.push_str(space);
    }

    pub(crate) fn written(&self, seed: u64) -> String {
        let mut out = String::new();
        self.write(&mut Dice::new(seed), &mut out);
        out
    }

    /// The same document with the fields of its objects in another order.
    pub(crate) fn reordered(&self, dice: &mut Dice) -> Self {
        match self {
            Self::Object(fields) => {
                let mut fields: Vec<_> =
                    fields.iter().map(|(k, v)| (k.clone(), v.reordered(dice))).collect();
                fields.sort_by_key(|_| dice.roll(1 << 30));
                Self::Object(fields)
            }
            Self::Array(items) => Self::Array(items.iter().map(|i| i.reordered(dice)).collect()),
            // The order of keys inside a string is text.
            other => other.clone(),
        }
    }
}

/// A JSON string; now and then a character is escaped that need not be.
fn quote(text: &str, dice: &mut Dice, out: &mut String) {
    out.push('"');
    let dense = dice.roll(4) == 0;
    for symbol in text.chars() {
        let escape = dice.roll(if dense { 3 } else { 40 }) == 0;
        match symbol {
            '/' if escape => out.push_str("\\/"),
            _ if escape || (symbol.is_control() && dice.roll(2) == 0) => {
                for unit in symbol.encode_utf16(&mut [0; 2]) {
                    write!(out, "\\u{unit:04x}").unwrap();
                }
            }
            _ => out.push_str(&masker::body::escape::encode(symbol.encode_utf8(&mut [0; 4]))),
        }
    }
    out.push('"');
}
