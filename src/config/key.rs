//! Where the master key, or a ring of keys, comes from: a file, the environment,
//! or a command that prints it.

use std::fmt;
use std::io::{self, Read};
use std::path::Path;
use std::path::PathBuf;
use std::process::{Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use thiserror::Error;
use zeroize::Zeroizing;

use crate::config::secret;
use crate::config::secret::SecretError;
use crate::mask::KeyError;
use crate::mask::MasterKey;
use crate::mask::Ring;

/// Where the keys come from. `Debug` shows no key.
#[derive(Clone, PartialEq, Eq)]
pub enum KeySource {
    File(PathBuf),
    /// The content of `MASKER_KEY`.
    Env(Zeroizing<String>),
    /// A program and its arguments.
    Command(Vec<String>),
}

impl fmt::Debug for KeySource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => f.debug_tuple("File").field(path).finish(),
            Self::Env(_) => f.write_str("Env"),
            Self::Command(words) => f.debug_tuple("Command").field(&words.first()).finish(),
        }
    }
}

#[derive(Debug, Error)]
pub enum KeySourceError {
    #[error(transparent)]
    File(#[from] KeyFileError),
    #[error("MASKER_KEY is of no use")]
    Env(#[source] KeyError),
    #[error("key_command {0:?} cannot be run")]
    Start(String, #[source] io::Error),
    #[error("key_command {0:?} ended with {1}")]
    Failed(String, ExitStatus),
    #[error("key_command {0:?} did not end within {1:?}")]
    Slow(String, Duration),
    #[error("what key_command {0:?} printed is of no use")]
    Printed(String, #[source] KeyError),
}

/// How long a command may take to print the keys.
const COMMAND: Duration = Duration::from_secs(30);
/// No ring is longer.
const LONGEST: u64 = 1 << 20;

impl KeySource {
    /// Reads the keys.
    pub fn load(&self) -> Result<MasterKey, KeySourceError> {
        match self {
            Self::File(path) => Ok(load(path)?),
            Self::Env(text) => MasterKey::parse(text.as_bytes()).map_err(KeySourceError::Env),
            Self::Command(words) => command(words, COMMAND),
        }
    }
}

fn command(words: &[String], limit: Duration) -> Result<MasterKey, KeySourceError> {
    let (program, arguments) =
        words.split_first().map_or(("", [].as_slice()), |(program, rest)| (program, rest));
    let name = || program.to_owned();
    let start = |error| KeySourceError::Start(name(), error);
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped());
    let mut child = command.spawn().map_err(start)?;
    let output = child.stdout.take();
    let (sender, printed) = mpsc::sync_channel(1);
    std::thread::spawn(move || {
        let mut bytes = Zeroizing::new(Vec::with_capacity(4096));
        let read = output.map_or(Ok(0), |output| output.take(LONGEST).read_to_end(&mut bytes));
        // Who waited too long is not there any more.
        sender.send(read.map(|_| bytes)).ok();
    });
    let Ok(printed) = printed.recv_timeout(limit) else {
        child.kill().and_then(|()| child.wait()).map_err(start)?;
        return Err(KeySourceError::Slow(name(), limit));
    };
    let status = child.wait().map_err(start)?;
    if !status.success() {
        return Err(KeySourceError::Failed(name(), status));
    }
    let bytes = printed.map_err(start)?;
    MasterKey::parse(&bytes).map_err(|error| KeySourceError::Printed(name(), error))
}

#[derive(Debug, Error)]
#[error("{}", self.describe())]
pub struct KeyFileError {
    path: PathBuf,
    cause: Cause,
}

#[derive(Debug, Error)]
enum Cause {
    #[error(transparent)]
    File(#[from] SecretError),
    #[error(transparent)]
    Key(#[from] KeyError),
    #[error("others than its owner may read it")]
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
            Cause::File(SecretError::Io(ref error)) if error.kind() == io::ErrorKind::NotFound => {
                format!("no key file {path}; `masker keys new --out {path}` makes one")
            }
            Cause::Mode { mode } => {
                format!(
                    "the key file {path} is open to others (mode {mode:04o}); `chmod 600 {path}`"
                )
            }
            ref cause @ (Cause::File(_) | Cause::Key(_)) => {
                format!("the key file {path} is of no use: {cause}")
            }
        }
    }
}

/// Reads the master key. The file must be its owner's alone.
pub fn load(path: &Path) -> Result<MasterKey, KeyFileError> {
    ring(path).map(MasterKey::of)
}

/// Reads the keys to change them.
pub fn ring(path: &Path) -> Result<Ring, KeyFileError> {
    read(path).map_err(|cause| KeyFileError { path: path.to_owned(), cause })
}

fn read(path: &Path) -> Result<Ring, Cause> {
    let file = secret::open(path)?;
    let about = file.metadata().map_err(SecretError::from)?;
    if let Some(mode) = secret::open_to_others(&about) {
        return Err(Cause::Mode { mode });
    }
    Ok(Ring::parse(&secret::read(&file)?)?)
}

#[cfg(test)]
mod tests {
    use std::error::Error;
    use std::fs;
    use std::fs::Permissions;
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn check(content: &str, mode: u32) -> Result<(), String> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("key");
        fs::write(&path, content).unwrap();
        fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
        load(&path).map(drop).map_err(|error| {
            let text = error.to_string();
            assert!(error.source().is_none(), "its text says all");
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
        assert!(error.contains("masker keys new --out") && error.ends_with("makes one"), "{error}");
        let error = load(Path::new(&"0123456789abcdef".repeat(4))).unwrap_err().to_string();
        assert_eq!(error, "this is a key, not the path of a file with one");
        let error = load(dir.path()).unwrap_err();
        assert!(error.to_string().ends_with("is of no use: is not a file"), "{error}");
    }

    #[test]
    fn a_command_prints_the_key() {
        let key = "0123456789abcdef".repeat(4);
        let run = |script: &str| {
            let words = ["sh", "-c", script].map(str::to_owned);
            command(&words, Duration::from_secs(20)).map(drop).map_err(|error| {
                let text = format!("{error}: {:?}", error.source().map(ToString::to_string));
                assert!(!text.contains("0123456789"), "{text}");
                text
            })
        };
        assert_eq!(run(&format!("echo {key}")), Ok(()));
        assert!(run(&format!("echo {key}; exit 3")).unwrap_err().contains("exit status: 3"));
        assert!(run("echo 0123456789").unwrap_err().contains("has 10 bytes"));
        let none = command(&["/none/such".to_owned()], Duration::from_secs(9)).unwrap_err();
        assert!(matches!(none, KeySourceError::Start(..)), "{none}");
        let slow = ["sleep", "60"].map(str::to_owned);
        let slow = command(&slow, Duration::from_millis(20)).unwrap_err();
        assert!(matches!(slow, KeySourceError::Slow(..)), "{slow}");
        let shown = format!("{:?}", KeySource::Env(Zeroizing::new(key)));
        assert_eq!(shown, "Env");
    }
}
