//! Identifiers, and texts in which they stand next to everything.

use proptest::collection::vec;
use proptest::prelude::*;

/// What stands between an identifier and its neighbors; each frees it.
const EDGES: &[&str] = &[
    " ",
    "\n",
    "\t",
    "\r\n",
    "\"",
    "\\",
    "\\n",
    "\\\\t",
    "\\\"",
    "'",
    "/",
    "\u{8}",
    "\u{c}",
    "\0",
    "\u{1b}[1;32m",
    "\\u001b[0m",
    "\\x1b[m",
    "%2F",
    "%0a",
    "\\u000a",
    "\\/",
    "é",
    "😀",
    "\u{2028}",
    "(",
    ", ",
    "=",
    "&",
    "[",
    "{\"a\":\"",
    "\u{fffd}",
    "日",
    ": ",
    "|",
    "<",
    "`",
    "$",
    "",
];

const WORDS: &[&str] = &[
    "",
    "word",
    "n",
    "u0041",
    "7",
    "AWS_REGION",
    "AWS_",
    "SECRET_",
    "AWS_EC2_BF3K9Q2MX4T",
    "-",
    "_",
    "i-",
    "arn:aws:",
    "1.2.3",
    "\\",
    "\\u",
    "ü",
    "the account",
    "x\n",
    "AKIA",
    "eu-west-1",
];

/// An identifier that is certain by its shape, or the secret parts of an ARN.
pub(crate) fn identifier() -> impl Strategy<Value = String> {
    let hex = |prefix: &'static str| {
        "[1-9][0-9a-f]{15}[1-9a-f]".prop_map(move |hex| format!("{prefix}-{hex}"))
    };
    prop_oneof![
        4 => hex("i"), 1 => hex("vpc"), 1 => hex("subnet"), 1 => hex("eipalloc"),
        2 => "AKIA[A-Z2-7]{16}",
        1 => "ghp_[A-Za-z0-9]{36}",
    ]
}

/// Text with identifiers next to every kind of edge.
pub(crate) fn text(planted: Vec<String>) -> BoxedStrategy<String> {
    let piece = move || {
        let planted = planted.clone();
        let edge = || proptest::sample::select(EDGES);
        let word = proptest::sample::select(WORDS);
        (edge(), proptest::sample::select(planted), edge(), word).prop_map(
            |(left, id, right, word)| {
                // Letters that follow without an edge are part of a word.
                let right = if right.is_empty() { " " } else { right };
                let left = if left.is_empty() { " " } else { left };
                format!("{left}{id}{right}{word}")
            },
        )
    };
    let plain = proptest::sample::select(WORDS).prop_map(str::to_owned);
    vec(prop_oneof![piece(), plain, ".{0,6}"], 0..5).prop_map(|pieces| pieces.join(" ")).boxed()
}
