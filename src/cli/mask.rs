//! `masker mask` and `masker unmask`: the same core on a file.

use std::fs::OpenOptions;
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use serde::{Deserialize, Serialize};
use thiserror::Error;
use zeroize::Zeroizing;

use crate::body::json::Tape;
use crate::body::select;
use crate::cli::flags::Local;
use crate::cli::input::{self, InputError};
use crate::cli::{output, store, wiring};
use crate::config::load::Flags;
use crate::config::{Config, key};
use crate::detect::CatalogError;
use crate::mask::document::{self, Form};
use crate::mask::masker::Refusal;
use crate::mask::table::Table;
use crate::mask::{Placeholder, Tenant, TenantError, Value};

#[derive(Debug, Args)]
pub(super) struct Mask {
    #[command(flatten)]
    flags: Local,
    #[command(flatten)]
    input: Input,
    /// Write the mapping here, with mode 0600; `masker unmask` reads it. It holds the originals
    #[arg(long, value_name = "FILE")]
    mapping: Option<PathBuf>,
    /// The tenant whose placeholders are made
    #[arg(long, default_value = "default")]
    tenant: String,
}

#[derive(Debug, Args)]
pub(super) struct Unmask {
    #[command(flatten)]
    flags: Local,
    #[command(flatten)]
    input: Input,
    /// The mapping that `masker mask` wrote
    #[arg(long, value_name = "FILE", required_unless_present = "legacy")]
    mapping: Option<PathBuf>,
    /// Restore names of the system before masker (AWS_EC2_001): see `masker store import-legacy`
    #[arg(long, conflicts_with = "mapping")]
    legacy: bool,
    /// With --legacy: the tenant for whom they were imported
    #[arg(long, default_value = "default", conflicts_with = "mapping")]
    tenant: String,
    /// With --legacy: the store, in place of the configured one, without a password
    /// [env: MASKER_STORE]
    #[arg(long, value_name = "URL", conflicts_with = "mapping")]
    store: Option<String>,
}

#[derive(Debug, Args)]
struct Input {
    /// What to read; standard input if none is named
    file: Option<PathBuf>,
    /// How to read it
    #[arg(long, value_enum, default_value_t = Format::Auto)]
    format: Format,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Format {
    /// JSON if it is JSON, and a Claude request if it holds messages
    Auto,
    Text,
    /// Any JSON
    Json,
    /// A request or an answer of the Claude Messages API
    Messages,
}

/// A mapping as it is written to a file.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Mapping {
    version: u32,
    mappings: std::collections::BTreeMap<String, String>,
}

const VERSION: u32 = 1;

#[derive(Debug, Error)]
pub(super) enum MaskError {
    #[error(transparent)]
    Key(#[from] key::KeySourceError),
    #[error(transparent)]
    Catalog(#[from] Box<CatalogError>),
    #[error(transparent)]
    Tenant(#[from] TenantError),
    #[error(transparent)]
    Store(#[from] store::StoreError),
    #[error("the input cannot be masked")]
    Refused(#[from] Refusal),
    #[error(transparent)]
    Input(#[from] InputError),
    #[error("cannot write the mapping to {0}; it must not exist yet")]
    Write(PathBuf, #[source] io::Error),
    #[error("{0} is not a mapping of this version of `masker mask`")]
    Mapping(PathBuf),
    #[error("cannot write the result")]
    Output(#[source] io::Error),
}

impl Mask {
    pub(super) fn flags(&self) -> Flags {
        self.flags.clone().into()
    }
}

impl Unmask {
    pub(super) fn flags(&self) -> Flags {
        Flags { store: self.store.clone(), ..self.flags.clone().into() }
    }
}

pub(super) fn mask(config: &Config, args: &Mask) -> Result<(), MaskError> {
    let tenant = Tenant::named(&args.tenant)?;
    let apart = config.apart(&tenant);
    let config = apart.as_ref().unwrap_or(config);
    let scope = config.key.load()?.scope(&tenant);
    let source = args.input.read()?;
    let form = args.input.form(&source, config);
    let masker = wiring::masker(config)?;
    let (masked, table, _) = document::mask(&masker, &scope, form, &source)?;
    if let Some(path) = &args.mapping {
        write_mapping(path, &table).map_err(|error| MaskError::Write(path.clone(), error))?;
    }
    output::result(masked.as_bytes()).map_err(MaskError::Output)
}

pub(super) fn unmask(config: &Config, args: &Unmask) -> Result<(), MaskError> {
    let Some(mapping) = &args.mapping else { return unmask_legacy(config, args) };
    let table = read_mapping(mapping)?;
    let source = args.input.read()?;
    let form = args.input.form(&source, config);
    let (restored, _) = document::unmask(form, &source, config.limits.depth, &table);
    output::result(restored.as_bytes()).map_err(MaskError::Output)
}

fn unmask_legacy(config: &Config, args: &Unmask) -> Result<(), MaskError> {
    let source = args.input.read()?;
    let plain = matches!(args.input.format, Format::Text);
    let restored = store::restore(config, &args.tenant, &source, plain)?;
    output::result(restored.as_bytes()).map_err(MaskError::Output)
}

impl Input {
    fn read(&self) -> Result<Zeroizing<String>, InputError> {
        input::read(self.file.as_deref())
    }

    fn form(&self, source: &str, config: &Config) -> Form {
        match self.format {
            Format::Text => Form::Text,
            Format::Json => Form::Json(select::Format::Other),
            Format::Messages => Form::Json(select::Format::Messages),
            Format::Auto => match Tape::parse(source, config.limits.depth) {
                Ok(tape) if tape.field(tape.root(), "messages").is_some() => {
                    Form::Json(select::Format::Messages)
                }
                Ok(_) => Form::Json(select::Format::Other),
                Err(_) => Form::Text,
            },
        }
    }
}

fn write_mapping(path: &Path, table: &Table) -> io::Result<()> {
    let own = |mapping: &std::sync::Arc<crate::mask::Mapping>| {
        (mapping.placeholder.to_string(), mapping.value.expose().to_owned())
    };
    let mapping = Mapping { version: VERSION, mappings: table.made().map(own).collect() };
    let text = Zeroizing::new(serde_json::to_string_pretty(&mapping)?);
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(text.as_bytes())?;
    file.write_all(b"\n")
}

fn read_mapping(path: &Path) -> Result<Table, MaskError> {
    let text = input::read(Some(path))?;
    let wrong = || MaskError::Mapping(path.to_owned());
    let mapping: Mapping = serde_json::from_str(&text).map_err(|_| wrong())?;
    if mapping.version != VERSION {
        return Err(wrong());
    }
    let mut table = Table::default();
    for (placeholder, value) in mapping.mappings {
        let placeholder = Placeholder::parse(&placeholder).ok_or_else(wrong)?;
        table.reveal(placeholder, Value::new(&value));
    }
    Ok(table)
}
