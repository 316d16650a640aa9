//! Static API keys that share one tenant. Keys are read from files and hashed
//! at once; only hashes travel.

use std::path::Path;

use sha2::Digest;
use sha2::Sha256;
use thiserror::Error;

use crate::config::secret;
use crate::config::secret::SecretError;

#[derive(Debug, Error)]
pub enum KeysError {
    #[error(transparent)]
    File(#[from] SecretError),
    #[error("is not UTF-8")]
    NotText,
    #[error("holds no key")]
    NoKey,
    #[error("line {0} begins with sha256: but 64 hexadecimal characters do not follow")]
    Hash(usize),
    #[error("line {0} holds a space; write one key on each line")]
    Space(usize),
    #[error("line {0} holds a token that rotates; only static keys name a tenant")]
    Rotating(usize),
}

/// These begin tokens that rotate, whatever the list of static prefixes says:
/// Claude's OAuth tokens, Google's, and JWTs.
pub const ROTATING: [&str; 3] = ["sk-ant-oat", "ya29.", "eyJ"];

/// What a key is compared by.
#[must_use]
pub fn hash(api_key: &[u8]) -> [u8; 32] {
    Sha256::digest(api_key).into()
}

/// Reads a file of keys: one on each line, as it is or as `sha256:<hex>`.
/// Empty lines and lines that begin with `#` are skipped.
pub(crate) fn read(path: &Path) -> Result<Vec<[u8; 32]>, KeysError> {
    let bytes = secret::read(&secret::open(path)?)?;
    let text = std::str::from_utf8(&bytes).map_err(|_| KeysError::NotText)?;
    let mut hashes = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let (line, number) = (line.trim(), index + 1);
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let hash = match line.strip_prefix("sha256:") {
            Some(hex) => parse_hex(hex).ok_or(KeysError::Hash(number))?,
            None if line.contains(char::is_whitespace) => return Err(KeysError::Space(number)),
            None if ROTATING.iter().any(|prefix| line.starts_with(prefix)) => {
                return Err(KeysError::Rotating(number));
            }
            None => hash(line.as_bytes()),
        };
        hashes.push(hash);
    }
    if hashes.is_empty() { Err(KeysError::NoKey) } else { Ok(hashes) }
}

fn parse_hex(hex: &str) -> Option<[u8; 32]> {
    let mut bytes = [0; 32];
    if hex.len() != 64 {
        return None;
    }
    for (at, digit) in hex.chars().enumerate() {
        let digit = u8::try_from(digit.to_digit(16)?).ok()?;
        let slot = bytes.get_mut(at / 2)?;
        *slot = *slot << 4 | digit;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(content: &str) -> Result<Vec<[u8; 32]>, String> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("keys");
        std::fs::write(&path, content).unwrap();
        read(&path).map_err(|error| error.to_string())
    }

    #[test]
    fn keys_and_hashes() {
        let hex: String = hash(b"sk-canary").iter().map(|byte| format!("{byte:02X}")).collect();
        let found = check(&format!("# team\n\nsk-canary\r\nsha256:{hex}\n")).unwrap();
        assert_eq!(found, [hash(b"sk-canary"); 2]);
    }

    #[test]
    fn what_is_wrong_is_said_without_the_key() {
        for (content, wrong) in [
            ("# canary\n", "holds no key"),
            ("sk-a\nsha256:canary\n", "line 2 begins with sha256:"),
            ("canary canary", "line 1 holds a space"),
            ("\nsk-ant-oat01-canary", "line 2 holds a token that rotates"),
            ("eyJcanary", "line 1 holds a token that rotates"),
        ] {
            let text = check(content).unwrap_err();
            assert!(text.starts_with(wrong) && !text.contains("canary"), "{text}");
        }
    }
}
