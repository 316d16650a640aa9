//! Arguments of Gemini's calls that come in pieces: clients put them together, and send back
//! what they got as the arguments of one call.

use serde_json::{Map, Value};

use crate::body::json::{Node, Tape};

/// No list of arguments is longer.
const ITEMS: usize = 1000;
/// All lists of a call together: a short path can make many.
const ALL_ITEMS: usize = 10 * ITEMS;
/// No call has longer sources.
const BYTES: usize = 1 << 20;
/// Steps of a path.
const STEPS: usize = 64;

/// A call whose arguments go on.
#[derive(Default)]
pub(super) struct Call {
    args: Map<String, Value>,
    bytes: usize,
    items: usize,
    /// Of what could not be read nothing is known.
    lost: bool,
}

impl Call {
    /// Takes the next part of a call.
    pub(super) fn take(&mut self, tape: &Tape<'_>, call: Node) {
        for piece in tape.field(call, "partialArgs").into_iter().flat_map(|all| tape.items(all)) {
            self.bytes += tape.span(piece).len();
            self.lost |= self.bytes > BYTES || self.piece(tape, piece).is_none();
            if self.lost {
                self.args.clear();
            }
        }
    }

    fn piece(&mut self, tape: &Tape<'_>, piece: Node) -> Option<()> {
        let path = tape.field(piece, "jsonPath")?;
        let place = place(&mut self.args, &mut self.items, &tape.text(path))?;
        if let Some(text) = tape.field(piece, "stringValue") {
            let text = tape.text(text);
            // Half a character, which is whole in the next piece.
            if text.contains(char::REPLACEMENT_CHARACTER) {
                return None;
            }
            match place {
                Value::String(before) => before.push_str(&text),
                other => *other = Value::String(text.into_owned()),
            }
        } else if tape.field(piece, "nullValue").is_none() {
            let value =
                ["numberValue", "boolValue"].iter().find_map(|name| tape.field(piece, name));
            *place = serde_json::from_str(tape.raw(value?)).ok()?;
        }
        Some(())
    }

    /// The arguments, if all of them are known.
    pub(super) fn args(self) -> Option<String> {
        (!self.lost).then(|| Value::Object(self.args).to_string())
    }
}

/// The calls of a part of an answer, of which some go on: the node, and whether it does.
pub(super) fn calls(tape: &Tape<'_>, messages: &[Node]) -> Vec<(Node, bool)> {
    let parts = messages.iter().filter_map(|&message| tape.field(message, "parts"));
    let calls = parts.flat_map(|parts| tape.items(parts));
    let calls = calls.filter_map(|part| tape.field(part, "functionCall"));
    let whole = |&call: &Node| tape.field(call, "args").is_some();
    let goes_on = |call| tape.field(call, "willContinue").is_some_and(|on| tape.raw(on) == "true");
    calls.filter(|call| !whole(call)).map(|call| (call, goes_on(call))).collect()
}

/// What a path names (RFC 9535, as far as it names one place): `$.a['b c'][0].d`.
fn place<'a>(
    args: &'a mut Map<String, Value>,
    all_items: &mut usize,
    path: &str,
) -> Option<&'a mut Value> {
    let mut rest = path.strip_prefix('$')?;
    let name;
    (name, rest) = step(rest)?;
    let Step::Name(name) = name else { return None };
    let mut place = args.entry(name).or_insert(Value::Null);
    for _ in 0..STEPS {
        if rest.is_empty() {
            return Some(place);
        }
        let next;
        (next, rest) = step(rest)?;
        place = match next {
            Step::Name(name) => {
                if place.is_null() {
                    *place = Value::Object(Map::new());
                }
                place.as_object_mut()?.entry(name).or_insert(Value::Null)
            }
            Step::Index(index) => {
                if place.is_null() {
                    *place = Value::Array(Vec::new());
                }
                let items = place.as_array_mut()?;
                if index >= ITEMS {
                    return None;
                }
                *all_items += (index + 1).saturating_sub(items.len());
                if *all_items > ALL_ITEMS {
                    return None;
                }
                if items.len() <= index {
                    items.resize(index + 1, Value::Null);
                }
                items.get_mut(index)?
            }
        };
    }
    None
}

enum Step {
    Name(String),
    Index(usize),
}

/// The first step of a path, and what follows.
fn step(path: &str) -> Option<(Step, &str)> {
    if let Some(rest) = path.strip_prefix('.') {
        let end = rest.find(['.', '[']).unwrap_or(rest.len());
        let (name, rest) = rest.split_at_checked(end)?;
        return (!name.is_empty()).then(|| (Step::Name(name.to_owned()), rest));
    }
    let inner = path.strip_prefix('[')?;
    for quote in ['\'', '"'] {
        if let Some(inner) = inner.strip_prefix(quote) {
            let (name, rest) = inner.split_once(quote)?;
            let plain = !name.contains('\\');
            return Some((Step::Name(plain.then(|| name.to_owned())?), rest.strip_prefix(']')?));
        }
    }
    let (index, rest) = inner.split_once(']')?;
    Some((Step::Index(index.parse().ok()?), rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn put(pieces: &str) -> Option<String> {
        let source = format!(r#"{{"partialArgs":{pieces}}}"#);
        let tape = Tape::parse(&source, 16).unwrap();
        let mut call = Call::default();
        call.take(&tape, tape.root());
        call.args()
    }

    #[test]
    fn pieces_are_put_where_their_paths_say() {
        for (pieces, args) in [
            (
                r#"[{"jsonPath":"$.a","stringValue":"x"},{"jsonPath":"$.a","stringValue":"y"}]"#,
                r#"{"a":"xy"}"#,
            ),
            (
                r#"[{"jsonPath":"$.a[1].b","numberValue":2},{"jsonPath":"$['c d']","boolValue":true},
                   {"jsonPath":"$.a[0]","nullValue":"NULL_VALUE"}]"#,
                r#"{"a":[null,{"b":2}],"c d":true}"#,
            ),
            ("[]", "{}"),
        ] {
            assert_eq!(put(pieces).as_deref(), Some(args), "{pieces}");
        }
    }

    #[test]
    fn what_cannot_be_read_is_not_known() {
        for pieces in [
            r#"[{"stringValue":"x"}]"#,
            r#"[{"jsonPath":"a","stringValue":"x"}]"#,
            r#"[{"jsonPath":"$","stringValue":"x"}]"#,
            r#"[{"jsonPath":"$.a[4000000000]","stringValue":"x"}]"#,
            r#"[{"jsonPath":"$.a[18446744073709551615]","stringValue":"x"}]"#,
            r#"[{"jsonPath":"$.a[-1]","stringValue":"x"}]"#,
            r#"[{"jsonPath":"$.a['b]","stringValue":"x"}]"#,
            r#"[{"jsonPath":"$.a","stringValue":"x"},{"jsonPath":"$.a.b","stringValue":"x"}]"#,
            r#"[{"jsonPath":"$.a"}]"#,
            r#"[{"jsonPath":"$.a","stringValue":"\ud83d"}]"#,
        ] {
            assert_eq!(put(pieces), None, "{pieces}");
        }
        // Short pieces that would make long lists.
        let lists = |count: usize| {
            let piece = |at| format!(r#"{{"jsonPath":"$.a[{at}][999]","numberValue":1}}"#);
            format!("[{}]", (0..count).map(piece).collect::<Vec<_>>().join(","))
        };
        assert!(put(&lists(9)).is_some() && put(&lists(10)).is_none());
        let deep = format!("$.a{}", "[0]".repeat(STEPS + 1));
        assert_eq!(put(&format!(r#"[{{"jsonPath":"{deep}","stringValue":"x"}}]"#)), None);
    }
}
