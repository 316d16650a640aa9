//! A name and its value as two fields of an object: `{"name": "DB_PASSWORD", "value": "…"}`.

use crate::body::json::{Node, Shape, Tape};
use crate::detect::{NAMES, VALUE};

/// The field that says what the value of a parameter is.
const TYPE: &[u8] = b"type";
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
    // The first of several names counts.
    let field = |ending: &[u8]| {
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
fn without<'t>(key: &'t str, ending: &[u8]) -> Option<&'t str> {
    let (stem, end) = key.split_at_checked(key.len().checked_sub(ending.len())?)?;
    end.as_bytes().eq_ignore_ascii_case(ending).then_some(stem)
}
