//! The bearer token of the API, from a file that is read again when it changes.
//!
//! Kept is its SHA-256 alone. A file that is gone or bad admits nobody: taking
//! it away is how a token is revoked.

use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::ArcSwapOption;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use thiserror::Error;
use zeroize::Zeroizing;

use crate::listen::Stamp;

/// 32 hexadecimal characters are 128 bits.
const SHORTEST: usize = 32;
const LONGEST: usize = 4096;

#[derive(Debug, Error)]
pub enum TokenError {
    #[error("cannot read the token file {}", path.display())]
    Read { path: PathBuf, source: io::Error },
    #[error("the token file {} has mode {mode:04o}; others may read it, 0600 is right", path.display())]
    Mode { path: PathBuf, mode: u32 },
    #[error("the token in {} has {length} characters; {SHORTEST} to {LONGEST} are right", path.display())]
    Length { path: PathBuf, length: usize },
    #[error("the token in {} holds a character that is not visible ASCII", path.display())]
    Character { path: PathBuf },
}

/// Why a call was not admitted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Denied {
    NoFile,
    Missing,
    Wrong,
}

/// The token that callers must show. Without a file nobody can.
#[derive(Clone)]
pub struct Token(Option<Arc<Watched>>);

struct Watched {
    path: PathBuf,
    digest: ArcSwapOption<[u8; 32]>,
    seen: Mutex<Option<Stamp>>,
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token")
    }
}

impl Token {
    /// No token file is configured: every call is refused.
    #[must_use]
    pub fn none() -> Self {
        Self(None)
    }

    /// Reads a token file of mode 0600: at least 32 characters, white space around them ignored.
    pub fn load(path: &Path) -> Result<Self, TokenError> {
        // Taken before reading: a change while reading is seen by the next look.
        let seen = Mutex::new(Stamp::read(path));
        let digest = ArcSwapOption::from_pointee(Some(read(path)?));
        Ok(Self(Some(Arc::new(Watched { path: path.to_owned(), digest, seen }))))
    }

    /// Checks the value of an `authorization` header.
    pub(super) fn check(&self, authorization: Option<&[u8]>) -> Result<(), Denied> {
        let Self(Some(watched)) = self else { return Err(Denied::NoFile) };
        let shown = authorization.and_then(bearer).ok_or(Denied::Missing)?;
        let shown: [u8; 32] = Sha256::digest(shown).into();
        let digest = watched.digest.load();
        let right = digest.as_deref().is_some_and(|digest| bool::from(digest.ct_eq(&shown)));
        if right { Ok(()) } else { Err(Denied::Wrong) }
    }

    /// Reads the file again if it changed. True if it did.
    pub(super) fn refresh(&self) -> Result<bool, TokenError> {
        let Self(Some(watched)) = self else { return Ok(false) };
        let mut seen = watched.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let stamp = Stamp::read(&watched.path);
        if stamp == *seen {
            return Ok(false);
        }
        *seen = stamp;
        let read = read(&watched.path);
        watched.digest.store(read.as_ref().ok().map(|digest| Arc::new(*digest)));
        read.map(|_| true)
    }
}

/// RFC 6750 section 2.1; the scheme's case does not matter (RFC 9110 section 11.1).
fn bearer(authorization: &[u8]) -> Option<&[u8]> {
    let (scheme, token) = authorization.split_at_checked(b"Bearer ".len())?;
    scheme.eq_ignore_ascii_case(b"Bearer ").then(|| token.trim_ascii())
}

fn read(path: &Path) -> Result<[u8; 32], TokenError> {
    let failed = |source| TokenError::Read { path: path.to_owned(), source };
    let file = File::open(path).map_err(failed)?;
    let mode = file.metadata().map_err(failed)?.permissions().mode() & 0o7777;
    if mode & 0o077 != 0 {
        return Err(TokenError::Mode { path: path.to_owned(), mode });
    }
    // Reserved at once: a vector that grows leaves copies behind.
    let mut text = Zeroizing::new(Vec::with_capacity(2 * LONGEST));
    file.take(LONGEST as u64 + 2).read_to_end(&mut text).map_err(failed)?;
    let token = text.trim_ascii();
    if !(SHORTEST..=LONGEST).contains(&token.len()) {
        return Err(TokenError::Length { path: path.to_owned(), length: token.len() });
    }
    if !token.iter().all(u8::is_ascii_graphic) {
        return Err(TokenError::Character { path: path.to_owned() });
    }
    Ok(Sha256::digest(token).into())
}

#[cfg(test)]
pub(super) mod tests {
    use std::fs;

    use super::*;

    pub(in crate::admin) const TOKEN: &str = "canary-0123456789abcdef0123456789abcdef";

    pub(in crate::admin) fn write(path: &Path, text: &str, mode: u32) {
        let beside = path.with_extension("new");
        fs::write(&beside, text).unwrap();
        fs::set_permissions(&beside, fs::Permissions::from_mode(mode)).unwrap();
        fs::rename(&beside, path).unwrap();
    }

    fn header(token: &str) -> Vec<u8> {
        format!("Bearer {token}").into_bytes()
    }

    #[test]
    fn one_token_is_right() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("token");
        write(&path, &format!("  {TOKEN}\r\n"), 0o600);
        let token = Token::load(&path).unwrap();
        assert_eq!(token.check(Some(&header(TOKEN))), Ok(()));
        assert_eq!(token.check(Some(format!("bearer  {TOKEN}").as_bytes())), Ok(()));
        for wrong in
            ["", "x", TOKEN.trim_start_matches('c'), &format!("{TOKEN}x"), &TOKEN.to_uppercase()]
        {
            assert_eq!(token.check(Some(&header(wrong))), Err(Denied::Wrong), "{wrong}");
        }
        for missing in [None, Some(TOKEN.as_bytes()), Some(b"Basic eDp5"), Some(b"Bearer")] {
            assert_eq!(token.check(missing), Err(Denied::Missing));
        }
        assert_eq!(Token::none().check(Some(&header(TOKEN))), Err(Denied::NoFile));
    }

    #[test]
    fn a_bad_file_is_refused_without_its_contents() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("token");
        assert!(Token::load(&path).unwrap_err().to_string().starts_with("cannot read"));
        for (text, mode, part) in [
            (TOKEN.to_owned(), 0o640, "mode 0640"),
            (TOKEN.to_owned(), 0o604, "mode 0604"),
            ("canary-short".to_owned(), 0o600, "has 12 characters"),
            ("canary".repeat(1000), 0o600, "has 4098 characters"),
            (format!("{TOKEN} {TOKEN}"), 0o600, "not visible"),
        ] {
            write(&path, &text, mode);
            let error = format!("{0} {0:?}", Token::load(&path).unwrap_err());
            assert!(error.contains(part), "{error}");
            assert!(!error.contains("canary"), "{error}");
        }
    }

    #[test]
    fn a_changed_file_counts_at_once_and_a_bad_one_admits_nobody() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("token");
        write(&path, TOKEN, 0o600);
        let token = Token::load(&path).unwrap();
        assert!(!token.refresh().unwrap());
        let next = TOKEN.replace("canary", "second");
        write(&path, &next, 0o400);
        assert!(token.refresh().unwrap());
        assert_eq!(token.check(Some(&header(TOKEN))), Err(Denied::Wrong));
        assert_eq!(token.check(Some(&header(&next))), Ok(()));
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        assert!(matches!(token.refresh(), Err(TokenError::Mode { .. })));
        fs::remove_file(&path).unwrap();
        token.refresh().unwrap_err();
        assert!(!token.refresh().unwrap(), "told once");
        assert_eq!(token.check(Some(&header(&next))), Err(Denied::Wrong));
        write(&path, &next, 0o600);
        assert!(token.refresh().unwrap());
        assert_eq!(token.check(Some(&header(&next))), Ok(()));
    }
}
