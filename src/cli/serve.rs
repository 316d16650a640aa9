//! `masker serve`: the only place where the parts are wired.

use thiserror::Error;

use crate::config::Config;
use crate::config::key;
use crate::telemetry::log;

#[derive(Debug, Error)]
pub(super) enum ServeError {
    #[error(transparent)]
    Key(#[from] key::KeyFileError),
    #[error(transparent)]
    Log(#[from] log::LogError),
}

#[expect(clippy::needless_pass_by_value, reason = "the servers take their parts of it")]
pub(super) fn run(config: Config) -> Result<(), ServeError> {
    log::init(&config.log)?;
    key::load(&config.key_file)?;
    Ok(())
}
