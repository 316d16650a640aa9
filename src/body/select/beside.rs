//! A name and its value as two fields of an object: `{"name": "DB_PASSWORD", "value": "…"}`.

use crate::body::json::{Node, Shape, Tape};

/// What the key of a value ends with.
const VALUE: &str = "value";
/// What the key of its name ends with, in its place; the first that is there counts.
const NAMES: [&str; 3] = ["name", "key", "variable"];
/// The field that says what the value of a parameter is.
const TYPE: &str = "type";
const SECURE: &str = "SecureString";
/// An object with more fields is none of a name and its value.
const FIELDS: usize = 32;

/// What says what the field `key` of this object holds, if that is a value: the type of a
/// parameter that is a secret, or its name.
pub(super) fn name(tape: &Tape<'_>, object: Node, key: Node) -> Option<Node> {
    let stem = without(tape.raw(key), VALUE)?;
    if tape.fields(object).nth(FIELDS).is_some() {
        return None;
    }
    let field = |ending| {
        let is = |(key, _): &(Node, Node)| {
            let other = without(tape.raw(*key), ending);
            other.is_some_and(|other| other.eq_ignore_ascii_case(stem))
        };
        let (_, value) = tape.fields(object).find(is)?;
        (tape.shape(value) == Shape::String).then_some(value)
    };
    let secure = field(TYPE).filter(|&kind| tape.raw(kind) == SECURE);
    secure.or_else(|| NAMES.into_iter().find_map(field))
}

/// `Parameter` of `ParameterValue`.
fn without<'t>(key: &'t str, ending: &str) -> Option<&'t str> {
    let (stem, end) = key.split_at_checked(key.len().checked_sub(ending.len())?)?;
    end.eq_ignore_ascii_case(ending).then_some(stem)
}
