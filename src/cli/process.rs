//! What a process that holds keys and bodies does about its own memory: none of it is written
//! to a core dump, and, where the limits allow it, none to swap.

use rustix::io::Errno;
use rustix::mm::{MlockAllFlags, mlockall};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use thiserror::Error;

use crate::config::LockMemory;

#[derive(Debug, Error)]
pub(super) enum ProcessError {
    #[error(
        "memory cannot be kept out of swap, which memory.lock = \"require\" asks for: the limit of \
        locked memory is {0}; raise it (`LimitMEMLOCK=infinity` in a unit, `ulimit -l unlimited` \
        in a shell, `ulimits: memlock` in a compose file)"
    )]
    Limit(String),
    #[error("memory cannot be kept out of swap, which memory.lock = \"require\" asks for")]
    Lock(#[source] Errno),
}

/// Shuts what the configuration lets be shut; what cannot be is in the log.
pub(super) fn shut(lock: LockMemory) -> Result<(), ProcessError> {
    if let Err(error) = no_dumps() {
        tracing::warn!(%error, "core dumps cannot be switched off: set their limit to 0 from outside");
    }
    if lock == LockMemory::Off {
        return Ok(());
    }
    match locked() {
        Ok(()) => Ok(()),
        Err(error) if lock == LockMemory::Require => Err(error),
        Err(ProcessError::Limit(limit)) => {
            tracing::warn!(limit, "memory may be swapped: locked memory is limited");
            Ok(())
        }
        Err(error) => {
            tracing::warn!(%error, "memory may be swapped");
            Ok(())
        }
    }
}

/// No core dump, and nobody but root reads this memory through `/proc` or ptrace.
fn no_dumps() -> Result<(), Errno> {
    let none = Rlimit { current: Some(0), maximum: Some(0) };
    if getrlimit(Resource::Core).maximum != Some(0) {
        setrlimit(Resource::Core, none)?;
    }
    #[cfg(target_os = "linux")]
    rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::NotDumpable)?;
    Ok(())
}

/// Under a limit the first allocation beyond it would fail: then nothing is locked.
fn locked() -> Result<(), ProcessError> {
    if let Some(limit) = getrlimit(Resource::Memlock).current {
        return Err(ProcessError::Limit(format!("{} KiB", limit / 1024)));
    }
    // A page is locked when it is used first, not when it is reserved.
    let pages = MlockAllFlags::CURRENT | MlockAllFlags::FUTURE;
    #[cfg(target_os = "linux")]
    let pages = pages | MlockAllFlags::ONFAULT;
    mlockall(pages).map_err(ProcessError::Lock)
}
