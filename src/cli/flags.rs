//! The flags that override the configuration.
//!
//! There is none for a secret: everybody on a machine sees the flags of a
//! process.

use std::path::PathBuf;

use clap::Args;

use crate::config::load::Flags;

/// Flags of commands that listen, or check what listens.
#[derive(Clone, Args)]
pub(super) struct Serve {
    /// Where Envoy reaches the external processor: IP:PORT or unix:PATH
    /// [env: MASKER_LISTEN] [default: 127.0.0.1:50051]
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<String>,

    /// Where health, metrics and the API are served: IP:PORT or unix:PATH
    /// [env: MASKER_ADMIN] [default: 127.0.0.1:9400]
    #[arg(long, value_name = "ADDRESS")]
    admin: Option<String>,

    /// Where mappings are kept: memory, redis://HOST:PORT or rediss://HOST:PORT,
    /// without a password [env: MASKER_STORE] [default: memory]
    #[arg(long, value_name = "URL")]
    store: Option<String>,

    #[command(flatten)]
    local: Local,
}

/// Flags of commands that work on files.
#[derive(Clone, Debug, Args)]
pub(super) struct Local {
    /// The configuration, TOML; `masker check --print-default` shows one
    /// [env: MASKER_CONFIG]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,

    /// The master key: 64 hexadecimal characters or 32 bytes
    /// [env: MASKER_KEY_FILE] [default: .masker/key]
    #[arg(long, value_name = "FILE")]
    key_file: Option<String>,
}

impl From<Serve> for Flags {
    fn from(flags: Serve) -> Self {
        let Serve { listen, admin, store, local } = flags;
        Self { listen, admin, store, ..local.into() }
    }
}

impl From<Local> for Flags {
    fn from(flags: Local) -> Self {
        let Local { config, key_file } = flags;
        Self { config, key_file, ..Self::default() }
    }
}
