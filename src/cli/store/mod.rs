//! `masker store`: counts, moves and deletes what Redis holds, sealed as it is.

mod file;
mod old;
mod progress;

use std::io;
use std::path::PathBuf;

use clap::{Args, Subcommand};
use thiserror::Error;

use crate::cli::flags::Local;
use crate::cli::output;
use crate::cli::store::file::{Export, FileError, Import};
use crate::cli::store::progress::Progress;
use crate::config::Config;
use crate::config::key::KeySourceError;
use crate::config::load::Flags;
use crate::mask::{Tenant, TenantError};
use crate::store::SealError;
use crate::store::bulk::{self, Bulk, BulkError, Own, Place, Row};
use crate::store::config::UrlError;

pub(super) use old::restore;

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Count what is stored
    Stats(Stats),
    /// Write all that is stored, sealed as it is, to a file
    Export(Move),
    /// Store what a file holds and the store does not, for as long as it had to live
    Import(Whole),
    /// Store what the system before masker kept, for `masker unmask --legacy`
    ImportLegacy(Legacy),
    /// Delete all that is stored for a tenant
    Purge(Purge),
}

#[derive(Debug, Args)]
struct Where {
    /// The store, in place of the configured one, without a password
    /// [env: MASKER_STORE]
    #[arg(long, value_name = "URL")]
    store: Option<String>,
    #[command(flatten)]
    flags: Local,
}

#[derive(Debug, Args)]
pub(super) struct Stats {
    #[command(flatten)]
    at: Where,
    /// Only what is stored for this tenant
    #[arg(long)]
    tenant: Option<String>,
}

#[derive(Debug, Args)]
pub(super) struct Move {
    #[command(flatten)]
    at: Where,
    /// The file, JSON lines; it must not exist yet
    file: PathBuf,
    /// Go on with a file that was begun
    #[arg(long)]
    resume: bool,
}

#[derive(Debug, Args)]
pub(super) struct Whole {
    #[command(flatten)]
    at: Where,
    /// What `masker store export` wrote. To begin again is safe: what is there is not written
    file: PathBuf,
}

#[derive(Debug, Args)]
pub(super) struct Legacy {
    #[command(flatten)]
    at: Where,
    // A text: what is wrong with a URL is told without it, as somebody may have put a password in.
    /// The Redis with the keys aws_masker:map:*, without a password
    #[arg(long, value_name = "URL")]
    from: String,
    /// A file with its password
    #[arg(long, value_name = "FILE")]
    from_password_file: Option<PathBuf>,
    /// A file with the authority that its certificate is of
    #[arg(long, value_name = "FILE")]
    from_ca_file: Option<PathBuf>,
    /// The tenant who will be able to restore them
    #[arg(long, default_value = "default")]
    tenant: String,
}

#[derive(Debug, Args)]
pub(super) struct Purge {
    #[command(flatten)]
    at: Where,
    /// The tenant
    #[arg(long)]
    tenant: String,
    /// Yes: answers that still come with the tenant's placeholders keep them
    #[arg(long)]
    for_ever: bool,
}

#[derive(Debug, Error)]
pub(super) enum StoreError {
    #[error(transparent)]
    Bulk(#[from] BulkError),
    #[error(transparent)]
    File(#[from] FileError),
    #[error(transparent)]
    Key(#[from] KeySourceError),
    #[error(transparent)]
    Tenant(#[from] TenantError),
    #[error(transparent)]
    Seal(#[from] SealError),
    #[error("--from: {0}")]
    Url(#[from] UrlError),
    #[error(
        "everybody on this machine sees a flag: put the password into a file and name it with --from-password-file"
    )]
    Secret,
    #[error("this cannot be undone: if it is meant, add --for-ever")]
    ForEver,
    #[error(
        "the file has no end, its export was not finished: what it holds is imported, the rest is missing; export it with --resume"
    )]
    Unfinished,
    #[error("the runtime cannot be started")]
    Runtime(#[source] io::Error),
    #[error("cannot write the result")]
    Output(#[source] io::Error),
}

impl Command {
    pub(super) fn flags(&self) -> Flags {
        let at = match self {
            Self::Stats(stats) => &stats.at,
            Self::Export(export) => &export.at,
            Self::Import(import) => &import.at,
            Self::ImportLegacy(legacy) => &legacy.at,
            Self::Purge(purge) => &purge.at,
        };
        Flags { store: at.store.clone(), ..at.flags.clone().into() }
    }
}

pub(super) fn run(config: &Config, command: &Command) -> Result<(), StoreError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let text = runtime.map_err(StoreError::Runtime)?.block_on(async {
        if matches!(command, Command::Purge(purge) if !purge.for_ever) {
            return Err(StoreError::ForEver);
        }
        let store = Bulk::open(&config.store).await?;
        match command {
            Command::Stats(args) => stats(config, &store, args.tenant.as_deref()).await,
            Command::Export(args) => export(&store, args).await,
            Command::Import(args) => import(&store, args).await,
            Command::ImportLegacy(args) => old::import(config, &store, args).await,
            Command::Purge(args) => purge(config, &store, &args.tenant).await,
        }
    })?;
    output::result(text.as_bytes()).map_err(StoreError::Output)
}

async fn stats(config: &Config, store: &Bulk, tenant: Option<&str>) -> Result<String, StoreError> {
    let tenant = match tenant {
        Some(name) => Some((Tenant::named(name)?, config.key.load()?)),
        None => None,
    };
    let progress = Progress::start(store.size().await?);
    let mut counts = Counts::default();
    let mut at = Some(Place::default());
    while let Some(place) = at {
        let (rows, next) = store.page(place).await?;
        progress.add(rows.len());
        let rows = match &tenant {
            Some((tenant, master)) => bulk::of_tenant(rows, master, tenant),
            None => rows,
        };
        rows.iter().for_each(|row| counts.add(row));
        at = next;
    }
    progress.end();
    Ok(counts.text(store.servers()))
}

#[derive(Default)]
struct Counts {
    mappings: u64,
    records: u64,
    bytes: usize,
    endless: u64,
    /// Under which key how many are sealed.
    seals: std::collections::BTreeMap<u8, u64>,
}

impl Counts {
    fn add(&mut self, row: &Row) {
        match row.own() {
            Some(Own::Mapping) => self.mappings += 1,
            Some(Own::Record) => self.records += 1,
            None => return,
        }
        self.bytes = self.bytes.saturating_add(row.key.len()).saturating_add(row.sealed.len());
        self.endless += u64::from(row.left.is_none());
        if let Some(id) = row.seal_id() {
            *self.seals.entry(id).or_default() += 1;
        }
    }

    fn text(&self, servers: usize) -> String {
        let Self { mappings, records, bytes, endless, seals } = self;
        let mut text = format!(
            "servers   {servers}\nmappings  {mappings}\nrecords   {records}\nbytes     {bytes}\n"
        );
        for (id, count) in seals {
            text.push_str(&format!("seal key {id}: {count}\n"));
        }
        if *endless > 0 {
            text.push_str(&format!("without an end: {endless}\n"));
        }
        text
    }
}

async fn export(store: &Bulk, args: &Move) -> Result<String, StoreError> {
    // First: a store that does not answer leaves no file.
    let size = store.size().await?;
    let (mut file, mut at) = if args.resume {
        Export::resume(&args.file, &store.run())?
    } else {
        (Export::create(&args.file, &store.run())?, Some(Place::default()))
    };
    let progress = Progress::start(size);
    while let Some(place) = at {
        let (rows, next) = store.page(place).await?;
        file.write(&rows, next)?;
        progress.add(rows.len());
        at = next;
    }
    progress.end();
    Ok(format!("{} exported\n", file.end()?))
}

async fn import(store: &Bulk, args: &Whole) -> Result<String, StoreError> {
    let mut file = Import::open(&args.file)?;
    let progress = Progress::start(file.rows()?);
    let (mut new, mut read) = (0_u64, 0_usize);
    loop {
        let rows = file.next()?;
        if rows.is_empty() {
            break;
        }
        new = new.saturating_add(store.write(&rows).await?);
        read = read.saturating_add(rows.len());
        progress.add(rows.len());
    }
    progress.end();
    let there = u64::try_from(read).unwrap_or(u64::MAX).saturating_sub(new);
    let text = format!("{new} imported, {there} were there\n");
    if !file.is_whole() {
        output::note(text.trim_end());
        return Err(StoreError::Unfinished);
    }
    Ok(text)
}

async fn purge(config: &Config, store: &Bulk, tenant: &str) -> Result<String, StoreError> {
    let tenant = Tenant::named(tenant)?;
    let master = config.key.load()?;
    let progress = Progress::start(store.size().await?);
    let mut gone = 0_u64;
    let mut at = Some(Place::default());
    while let Some(place) = at {
        let (rows, next) = store.page(place).await?;
        progress.add(rows.len());
        gone = gone.saturating_add(store.delete(&bulk::of_tenant(rows, &master, &tenant)).await?);
        at = next;
    }
    progress.end();
    Ok(format!("{gone} deleted\n"))
}
