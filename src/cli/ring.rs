//! `masker keys add`, `use`, `retire`, `show`, `enroll`, `forget`, `retag`: a
//! ring of keys in a file, changed in one step.

use std::fs::{self, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use clap::Args;
use thiserror::Error;
use zeroize::Zeroizing;

use crate::cli::keys::{self, KeysError};
use crate::cli::output;
use crate::config::key::{self, KeyFileError};
use crate::mask::ring::RingError;
use crate::mask::{Ring, Tenant, TenantError};

#[derive(Debug, Args)]
pub(super) struct File {
    /// The key file; one with a single key becomes a ring
    file: PathBuf,
}

#[derive(Debug, Args)]
pub(super) struct Seal {
    /// The key file
    file: PathBuf,
    /// The number that `masker keys show` gives the seal key
    id: u8,
}

#[derive(Debug, Args)]
pub(super) struct Retire {
    /// The key file
    file: PathBuf,
    /// The number that `masker keys show` gives the seal key
    id: u8,
    /// Yes: what is still sealed under it can never be read again
    #[arg(long)]
    for_ever: bool,
}

#[derive(Debug, Args)]
pub(super) struct Enroll {
    /// The key file
    file: PathBuf,
    /// The tenant
    tenant: String,
    /// Yes: the tenant gets new placeholders, and what was stored for it is not found again
    #[arg(long)]
    new_placeholders: bool,
}

#[derive(Debug, Args)]
pub(super) struct Forget {
    /// The key file
    file: PathBuf,
    /// The tenant
    tenant: String,
    /// Yes: nothing that was stored for the tenant can ever be read again
    #[arg(long)]
    for_ever: bool,
}

#[derive(Debug, Args)]
pub(super) struct Retag {
    /// The key file
    file: PathBuf,
    /// Yes: every tenant gets new placeholders, and what was stored is not found again
    #[arg(long)]
    new_placeholders: bool,
}

#[derive(Debug, Error)]
pub(super) enum RingCommandError {
    #[error(transparent)]
    Read(#[from] KeyFileError),
    #[error(transparent)]
    Make(#[from] KeysError),
    #[error(transparent)]
    Ring(#[from] RingError),
    #[error(transparent)]
    Tenant(#[from] TenantError),
    #[error(
        "this changes placeholders: conversations that run lose their prompt cache, and what was stored before is not restored any more; if that is meant, add --new-placeholders"
    )]
    Placeholders,
    #[error(
        "this cannot be undone: what was stored for the tenant stays unreadable; if that is meant, add --for-ever, and delete copies of the key file too"
    )]
    ForEver,
    #[error(
        "this cannot be undone: what is still sealed under the key cannot be read any more; when `masker store stats` shows nothing under it, add --for-ever"
    )]
    Retire,
    #[error("cannot write {0:?}; the ring is as it was")]
    Write(PathBuf, #[source] io::Error),
    #[error("cannot write to standard output")]
    Print(#[from] io::Error),
}

type Done = Result<(), RingCommandError>;

pub(super) fn add(args: &File) -> Done {
    let mut ring = key::ring(&args.file)?;
    let id = ring.add(keys::random()?)?;
    write(&args.file, &ring)?;
    say(&format!(
        "seal key {id} is in the ring and opens; give the file to all replicas, which read it again, then `masker keys use {:?} {id}`",
        args.file
    ))
}

pub(super) fn make_current(args: &Seal) -> Done {
    let mut ring = key::ring(&args.file)?;
    ring.make_current(args.id)?;
    write(&args.file, &ring)?;
    say(&format!(
        "seal key {} seals as soon as a masker has read the file again, within seconds; what is used is sealed again under it, and when `masker store stats` shows nothing under the others, `store.ttl` later at most, they can be retired",
        args.id
    ))
}

pub(super) fn retire(args: &Retire) -> Done {
    let mut ring = key::ring(&args.file)?;
    ring.retire(args.id)?;
    if !args.for_ever {
        return Err(RingCommandError::Retire);
    }
    write(&args.file, &ring)?;
    say(&format!("seal key {} is gone: what is still sealed under it cannot be read", args.id))
}

pub(super) fn show(args: &File) -> Done {
    let ring = key::ring(&args.file)?;
    let mut text = String::new();
    for (id, current) in ring.seals() {
        let does = if current { "seals and opens" } else { "opens" };
        text.push_str(&format!("seal key {id}: {does}\n"));
    }
    for tenant in ring.tenants() {
        text.push_str(&format!("tenant {}: a salt of its own\n", tenant.as_str()));
    }
    Ok(output::result(text.as_bytes())?)
}

pub(super) fn enroll(args: &Enroll) -> Done {
    let tenant = Tenant::named(&args.tenant)?;
    let mut ring = key::ring(&args.file)?;
    ring.enroll(tenant, keys::random()?)?;
    if !args.new_placeholders {
        return Err(RingCommandError::Placeholders);
    }
    write(&args.file, &ring)?;
    say(
        "the tenant has a salt of its own: `masker keys forget` makes all that is stored for it unreadable",
    )
}

pub(super) fn forget(args: &Forget) -> Done {
    let tenant = Tenant::named(&args.tenant)?;
    let mut ring = key::ring(&args.file)?;
    ring.forget(&tenant)?;
    if !args.for_ever {
        return Err(RingCommandError::ForEver);
    }
    write(&args.file, &ring)?;
    say(
        "the salt is gone, and with it all that was stored for the tenant, once every replica has read the file again and every copy of the file deleted",
    )
}

pub(super) fn retag(args: &Retag) -> Done {
    let mut ring = key::ring(&args.file)?;
    if !args.new_placeholders {
        return Err(RingCommandError::Placeholders);
    }
    ring.retag(keys::random()?);
    write(&args.file, &ring)?;
    say("all placeholders are new from the next start on; restart all replicas at once")
}

/// Says what comes next, beside the result.
fn say(text: &str) -> Done {
    output::note(text);
    Ok(())
}

/// All of it or nothing: a new file takes the place of the old one.
fn write(path: &Path, ring: &Ring) -> Done {
    let text: Zeroizing<String> = ring.text();
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".new");
    let new = path.with_file_name(name);
    let failed = |error| {
        // A ring cut short must not be taken for one; what remains is reported anyway.
        drop(fs::remove_file(&new));
        RingCommandError::Write(path.to_owned(), error)
    };
    let mut options = OpenOptions::new();
    let file = options.write(true).create_new(true).mode(0o600).open(&new);
    let mut file = file.map_err(|error| RingCommandError::Write(new.clone(), error))?;
    keys::fill(&mut file, text.as_bytes()).map_err(failed)?;
    fs::rename(&new, path).map_err(failed)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;
    use crate::mask::{MasterKey, Scope};

    fn scope(path: &Path) -> Scope {
        key::load(path).unwrap().scope(&Tenant::named("a").unwrap())
    }

    #[test]
    fn a_key_becomes_a_ring_whose_placeholders_stay() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("key");
        fs::write(&file, "0123456789abcdef".repeat(4)).unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
        let before = scope(&file).mapping(false, "EC2", "i-1");
        add(&File { file: file.clone() }).unwrap();
        assert_eq!(scope(&file).seal_id(), 0);
        make_current(&Seal { file: file.clone(), id: 1 }).unwrap();
        let retires = |for_ever| retire(&Retire { file: file.clone(), id: 0, for_ever });
        assert!(matches!(retires(false), Err(RingCommandError::Retire)));
        retires(true).unwrap();
        assert_eq!((scope(&file).seal_id(), scope(&file).seal_key(0)), (1, None));
        assert_eq!(scope(&file).mapping(false, "EC2", "i-1"), before);
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);

        let enrolls = |new_placeholders| {
            enroll(&Enroll { file: file.clone(), tenant: "a".to_owned(), new_placeholders })
        };
        assert!(matches!(enrolls(false), Err(RingCommandError::Placeholders)));
        assert_eq!(scope(&file).mapping(false, "EC2", "i-1"), before);
        enrolls(true).unwrap();
        let own = scope(&file).mapping(false, "EC2", "i-1");
        assert_ne!(own, before);
        let forgets =
            |for_ever| forget(&Forget { file: file.clone(), tenant: "a".to_owned(), for_ever });
        assert!(matches!(forgets(false), Err(RingCommandError::ForEver)));
        assert_eq!(scope(&file).mapping(false, "EC2", "i-1"), own);
        forgets(true).unwrap();
        assert_eq!(scope(&file).mapping(false, "EC2", "i-1"), before);
        retag(&Retag { file: file.clone(), new_placeholders: true }).unwrap();
        assert_ne!(scope(&file).mapping(false, "EC2", "i-1"), before);
        let none: MasterKey = key::load(&file).unwrap();
        assert_eq!(format!("{none:?}"), "MasterKey");
    }
}
