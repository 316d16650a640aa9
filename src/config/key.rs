//! The file of the master key.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::path::PathBuf;

use thiserror::Error;

use crate::config::secret;
use crate::config::secret::SecretError;
use crate::mask::KeyError;
use crate::mask::MasterKey;

#[derive(Debug, Error)]
#[error("{}", self.describe())]
pub struct KeyFileError {
    path: PathBuf,
    #[source]
    cause: Cause,
}

#[derive(Debug, Error)]
enum Cause {
    #[error(transparent)]
    File(#[from] SecretError),
    #[error(transparent)]
    Key(#[from] KeyError),
    #[error("others than its owner may read it (mode {mode:04o})")]
    Mode { mode: u32 },
}

impl KeyFileError {
    /// One line: the file, and what would be right.
    fn describe(&self) -> String {
        let text = self.path.to_string_lossy();
        // Somebody may have written the key itself where its file belongs.
        let key = text.len() >= 32 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        if key {
            return "this is a key, not the path of a file with one".to_owned();
        }
        let path = self.path.display();
        match self.cause {
            Cause::File(SecretError::Io(ref error))
                if error.kind() == std::io::ErrorKind::NotFound =>
            {
                format!("no key file {path}; `masker keys new --out {path}` makes one")
            }
            Cause::Mode { .. } => {
                format!("the key file {path} is open to others; `chmod 600 {path}`")
            }
            Cause::File(_) | Cause::Key(_) => format!("the key file {path} is of no use"),
        }
    }
}

/// Reads the master key. The file must be its owner's alone.
pub fn load(path: &Path) -> Result<MasterKey, KeyFileError> {
    read(path).map_err(|cause| KeyFileError { path: path.to_owned(), cause })
}

fn read(path: &Path) -> Result<MasterKey, Cause> {
    let file = secret::open(path)?;
    let mode = file.metadata().map_err(SecretError::from)?.permissions().mode() & 0o7777;
    if mode & 0o077 != 0 {
        return Err(Cause::Mode { mode });
    }
    Ok(MasterKey::parse(&secret::read(&file)?)?)
}

#[cfg(test)]
mod tests {
    use std::error::Error;
    use std::fs;
    use std::fs::Permissions;

    use super::*;

    fn check(content: &str, mode: u32) -> Result<(), String> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("key");
        fs::write(&path, content).unwrap();
        fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
        load(&path).map(drop).map_err(|error| {
            let text = format!("{error}: {}", error.source().unwrap());
            assert!(text.contains(path.to_str().unwrap()), "{text}");
            assert!(!text.contains("0123456789"), "{text}");
            text
        })
    }

    #[test]
    fn only_the_owner_may_read_it() {
        let key = format!("{}\n", "0123456789abcdef".repeat(4));
        for mode in [0o600, 0o400, 0o700] {
            assert_eq!(check(&key, mode), Ok(()), "{mode:o}");
        }
        for mode in [0o640, 0o604, 0o660, 0o644, 0o620] {
            let wrong = check(&key, mode).unwrap_err();
            assert!(
                wrong.contains("chmod 600") && wrong.contains(&format!("{mode:04o}")),
                "{wrong}"
            );
        }
    }

    #[test]
    fn content_is_never_shown() {
        for (content, wrong) in [
            (String::new(), "is empty"),
            ("0123456789".to_owned(), "has 10 bytes"),
            ("0123456789abcdeg".repeat(4), "character 16"),
        ] {
            let text = check(&content, 0o600).unwrap_err();
            assert!(text.contains(wrong), "{text}");
        }
    }

    #[test]
    fn a_missing_file_says_how_to_make_one() {
        let dir = tempfile::tempdir().unwrap();
        let error = load(&dir.path().join("none")).unwrap_err().to_string();
        assert!(error.contains("masker keys new --out"), "{error}");
        let error = load(Path::new(&"0123456789abcdef".repeat(4))).unwrap_err().to_string();
        assert_eq!(error, "this is a key, not the path of a file with one");
        let error = load(dir.path()).unwrap_err();
        assert_eq!(error.source().unwrap().to_string(), "is not a file");
    }
}
