//! `masker keys new`: makes master keys.

use std::fs::File;
use std::fs::OpenOptions;
use std::io;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::path::PathBuf;

use clap::Args;
use clap::Subcommand;
use thiserror::Error;
use zeroize::Zeroizing;

use crate::cli::output;
use crate::cli::ring;

#[derive(Debug, Subcommand)]
pub(super) enum Keys {
    /// Make a master key: 64 hexadecimal characters
    New(New),
    /// Show the ids of a ring's keys, and its tenants; no key
    Show(ring::File),
    /// Add a seal key, which opens; the first step of a rotation
    Add(ring::File),
    /// Let another seal key seal what is new; the second step
    Use(ring::Seal),
    /// Delete a seal key that nothing needs any more; the last step
    Retire(ring::Retire),
    /// Give a tenant a salt of its own, so that it can be forgotten
    Enroll(ring::Enroll),
    /// Delete a tenant's salt, and with it all that is stored for the tenant
    Forget(ring::Forget),
    /// Change the key of all placeholders
    Retag(ring::Retag),
}

#[derive(Debug, Args)]
pub(super) struct New {
    /// Write the key to a new file that only you may read; an existing file is
    /// never overwritten. Without this the key is printed
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

#[derive(Debug, Error)]
pub(super) enum KeysError {
    #[error("the system gives no random bytes: {0}")]
    Random(getrandom::Error),
    #[error("{path:?} is there already and stays as it is: without its key, all it masked is lost")]
    Exists { path: PathBuf },
    #[error("the directory of {path:?} does not exist")]
    NoDirectory { path: PathBuf },
    #[error("cannot write {path:?}")]
    Write { path: PathBuf, source: io::Error },
    #[error("cannot write to standard output")]
    Print(#[source] io::Error),
}

pub(super) fn new(new: &New) -> Result<(), KeysError> {
    let key = generate()?;
    match &new.out {
        Some(path) => write(path, key.as_bytes()),
        None => output::result(key.as_bytes()).map_err(KeysError::Print),
    }
}

/// 32 random bytes.
pub(super) fn random() -> Result<Zeroizing<[u8; 32]>, KeysError> {
    let mut bytes = Zeroizing::new([0_u8; 32]);
    getrandom::fill(bytes.as_mut_slice()).map_err(KeysError::Random)?;
    Ok(bytes)
}

/// 32 random bytes as hexadecimal, and a line end.
fn generate() -> Result<Zeroizing<String>, KeysError> {
    let bytes = random()?;
    let mut text = Zeroizing::new(String::with_capacity(65));
    for half in bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]) {
        text.extend(char::from_digit(half.into(), 16));
    }
    text.push('\n');
    Ok(text)
}

fn write(path: &Path, key: &[u8]) -> Result<(), KeysError> {
    let failed = |error: io::Error| {
        let path = path.to_owned();
        match error.kind() {
            io::ErrorKind::AlreadyExists => KeysError::Exists { path },
            io::ErrorKind::NotFound => KeysError::NoDirectory { path },
            _ => KeysError::Write { path, source: error },
        }
    };
    let mut file =
        OpenOptions::new().write(true).create_new(true).mode(0o600).open(path).map_err(failed)?;
    fill(&mut file, key).map_err(|error| {
        // A key cut short must not be taken for one; what remains is reported anyway.
        drop(std::fs::remove_file(path));
        failed(error)
    })
}

pub(super) fn fill(file: &mut File, key: &[u8]) -> io::Result<()> {
    file.write_all(key)?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;
    use crate::config::key;

    #[test]
    fn a_new_key_is_private_whole_and_never_overwritten() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("key");
        let args = New { out: Some(path.clone()) };
        new(&args).unwrap();
        let made = std::fs::read(&path).unwrap();
        assert_eq!(made.len(), 65);
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        key::load(&path).unwrap();
        assert!(matches!(new(&args), Err(KeysError::Exists { .. })));
        assert_eq!(std::fs::read(&path).unwrap(), made);
        assert_ne!(generate().unwrap(), generate().unwrap());
    }

    #[test]
    fn the_directory_must_be_there() {
        let dir = tempfile::tempdir().unwrap();
        let args = New { out: Some(dir.path().join("none/key")) };
        assert!(matches!(new(&args), Err(KeysError::NoDirectory { .. })));
    }
}
