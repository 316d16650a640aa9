//! What a line of the audit log must be to follow the one before.

use serde::Deserialize;
use sha2::{Digest, Sha256};

/// What stands between a line's content and its hash.
pub(super) const BEFORE_HASH: &str = ",\"hash\":\"";

/// What is wrong with a line that has no end.
pub(super) const TORN: &str = "is not whole: the process ended while writing";

/// What is read of a line to check it.
#[derive(Deserialize)]
pub(super) struct Shape {
    pub seq: u64,
    pub time: String,
    pub action: String,
    pub prev: String,
}

pub(super) fn hash(content: &str) -> String {
    let digest = Sha256::digest(content.as_bytes());
    let halves = digest.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    halves.filter_map(|half| char::from_digit(half.into(), 16)).collect()
}

/// Checks one chain of lines that are kept elsewhere, of which the oldest may be gone.
#[derive(Debug, Default)]
pub struct Chain {
    /// The number and the hash of the line before.
    before: Option<(u64, String)>,
}

impl Chain {
    /// Is the next line new? What is wrong with it, if anything is.
    pub fn next(&mut self, text: &str) -> Result<bool, &'static str> {
        let (shape, head) = follows(text, None)?;
        if let Some((seq, before)) = &self.before {
            // Its answer was lost, and it was appended again.
            if head == *before {
                return Ok(false);
            }
            follows(text, Some(before))?;
            if shape.seq != seq + 1 {
                return Err("has another number: lines are missing or were added");
            }
        }
        self.before = Some((shape.seq, head));
        Ok(true)
    }
}

/// Reads a line with its end, and checks that it follows the one of this hash, if one is given.
pub(super) fn parse(line: &[u8], prev: Option<&str>) -> Result<(Shape, String), &'static str> {
    let text = line.strip_suffix(b"\n").ok_or(TORN)?;
    let text = std::str::from_utf8(text).map_err(|_| "is not text")?;
    follows(text, prev)
}

fn follows(text: &str, prev: Option<&str>) -> Result<(Shape, String), &'static str> {
    let (content, rest) = text.rsplit_once(BEFORE_HASH).ok_or("has no hash")?;
    let told = rest.strip_suffix("\"}").ok_or("has no hash")?;
    if hash(content) != told {
        return Err("was changed: its hash is another");
    }
    let shape: Shape = serde_json::from_str(text).map_err(|_| "is no entry")?;
    if prev.is_some_and(|prev| shape.prev != prev) {
        return Err("does not follow the one before: lines are missing or were moved");
    }
    Ok((shape, told.to_owned()))
}
