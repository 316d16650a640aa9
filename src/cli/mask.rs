//! `masker mask` and `masker unmask`: the same core on a file.

use clap::Args;
use thiserror::Error;

use crate::cli::flags::Local;
use crate::config::Config;
use crate::config::key;
use crate::config::load::Flags;

#[derive(Debug, Args)]
pub(super) struct Mask {
    #[command(flatten)]
    flags: Local,
}

#[derive(Debug, Args)]
pub(super) struct Unmask {
    #[command(flatten)]
    flags: Local,
}

#[derive(Debug, Error)]
pub(super) enum MaskError {
    #[error(transparent)]
    Key(#[from] key::KeyFileError),
}

impl Mask {
    pub(super) fn flags(&self) -> Flags {
        self.flags.clone().into()
    }
}

impl Unmask {
    pub(super) fn flags(&self) -> Flags {
        self.flags.clone().into()
    }
}

pub(super) fn mask(config: &Config, _args: &Mask) -> Result<(), MaskError> {
    key::load(&config.key_file)?;
    Ok(())
}

pub(super) fn unmask(config: &Config, _args: &Unmask) -> Result<(), MaskError> {
    key::load(&config.key_file)?;
    Ok(())
}
