//! `masker audit`: checks the audit log.

use std::collections::BTreeMap;
use std::path::PathBuf;

use clap::Args;
use clap::Subcommand;
use thiserror::Error;

use crate::cli::output;
use crate::config::Config;
use crate::config::load::{Env, Flags};
use crate::config::problem::Problems;
use crate::store::OpenError;
use crate::store::outlet::{Outlet, OutletError};
use crate::telemetry::journal::{self, Chain, JournalError};

#[derive(Debug, Subcommand)]
pub(super) enum Audit {
    /// Check that nothing was changed in an audit log, and print its last hash
    Verify(Verify),
}

#[derive(Debug, Args)]
pub(super) struct Verify {
    /// The file that `audit.file` names
    #[arg(value_name = "FILE", required_unless_present = "stream")]
    file: Option<PathBuf>,
    /// Check the stream in Redis that `audit.stream` names
    #[arg(long, conflicts_with = "file")]
    stream: bool,
    /// With --stream: the configuration of masker, TOML [env: MASKER_CONFIG]
    #[arg(long, value_name = "FILE", requires = "stream")]
    config: Option<PathBuf>,
    /// With --stream: the store, in place of the configured one, without a password
    /// [env: MASKER_STORE]
    #[arg(long, value_name = "URL", requires = "stream")]
    store: Option<String>,
}

#[derive(Debug, Error)]
pub(super) enum AuditError {
    #[error(transparent)]
    Journal(#[from] JournalError),
    #[error(transparent)]
    Config(#[from] Problems),
    #[error("the configuration names no audit.stream in a Redis")]
    NoStream,
    #[error("the store cannot be used")]
    Store(#[from] OpenError),
    #[error(transparent)]
    Outlet(#[from] OutletError),
    #[error("entry {id} of the audit stream {what}")]
    Broken { id: String, what: &'static str },
    #[error("the runtime cannot be started")]
    Runtime(#[source] std::io::Error),
    #[error("cannot write to standard output")]
    Print(#[source] std::io::Error),
}

/// Entries of the stream in one round trip.
const PAGE: usize = 1000;

pub(super) fn run(audit: &Audit, env: Env<'_>) -> Result<(), AuditError> {
    let Audit::Verify(verify) = audit;
    let Some(file) = &verify.file else {
        let flags = Flags {
            config: verify.config.clone(),
            store: verify.store.clone(),
            ..Flags::default()
        };
        let config = Config::load(&flags, env)?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let text = runtime.map_err(AuditError::Runtime)?.block_on(stream(&config))?;
        return output::result(text.as_bytes()).map_err(AuditError::Print);
    };
    let whole = journal::check(file)?;
    let text = match whole.entries {
        0 => "0 entries\n".to_owned(),
        entries => {
            let journal::Checked { first, last, head, files, seq, .. } = whole;
            let files = if files > 1 { format!(" in {files} files") } else { String::new() };
            let gone = match seq - entries {
                0 => String::new(),
                gone => format!(", behind {gone} that are not kept any more"),
            };
            format!("{entries} entries{files}, from {first} to {last}{gone}\nlast hash {head}\n")
        }
    };
    output::result(text.as_bytes()).map_err(AuditError::Print)
}

/// Reads the whole stream, and checks each chain in it.
async fn stream(config: &Config) -> Result<String, AuditError> {
    let to = config.audit_stream.as_ref().ok_or(AuditError::NoStream)?;
    let outlet = Outlet::open(&config.store).await?.ok_or(AuditError::NoStream)?;
    let (mut chains, mut entries) = (BTreeMap::<String, Chain>::new(), 0_u64);
    let mut from = "-".to_owned();
    loop {
        let page = outlet.range(&to.key, &from, PAGE).await?;
        let Some((last, _)) = page.last() else { break };
        from = format!("({last}");
        for (id, fields) in &page {
            let broken = |what| AuditError::Broken { id: id.clone(), what };
            let field = |name: &str| {
                let own = fields.iter().find(|(own, _)| own == name);
                own.map(|(_, text)| text.as_str()).ok_or(broken("is none of masker's"))
            };
            let chain = chains.entry(field("chain")?.to_owned()).or_default();
            let new = chain.next(field("line")?).map_err(broken)?;
            entries += u64::from(new);
        }
    }
    Ok(format!("{entries} entries in {} chains, each whole\n", chains.len()))
}
