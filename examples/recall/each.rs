//! Texts masked one by one: what one teaches does not help another.

use std::error::Error;
use std::io::{self, Write};

use masker::body::select::Format;
use masker::mask::document::{self, Form};

use crate::Bench;

/// Reads JSON strings, one on each line, and writes what becomes of each.
pub(crate) fn run(bench: &Bench, json: bool, out: &mut impl Write) -> Result<(), Box<dyn Error>> {
    let form = if json { Form::Json(Format::Other) } else { Form::Text };
    for line in io::stdin().lines() {
        let text: String = serde_json::from_str(&line?)?;
        let (masked, _, _) = document::mask(&bench.masker, &bench.scope, form, &text)?;
        writeln!(out, "{}", serde_json::to_string(&masked)?)?;
    }
    Ok(())
}
