//! `masker check`: everything that is wrong with a configuration, at once.

use clap::Args;

use crate::cli::CliError;
use crate::cli::flags::Serve;
use crate::cli::output;
use crate::cli::serve::{self, ServeError};
use crate::cli::wiring;
use crate::config::Config;
use crate::config::load::Env;
use crate::config::load::Flags;
use crate::config::print;
use crate::config::schema;
use crate::listen;
use crate::telemetry::journal;

#[derive(Args)]
pub(super) struct Check {
    /// Print a configuration with all options, their defaults and what they mean
    #[arg(long)]
    print_default: bool,

    /// Read what the configuration names too: keys, token, certificates, audit log. `key_command`
    /// is run
    #[arg(long)]
    files: bool,

    /// Print the JSON schema of the configuration, for editors
    #[arg(long)]
    schema: bool,

    #[command(flatten)]
    flags: Serve,
}

pub(super) fn run(check: Check, env: Env<'_>) -> Result<(), CliError> {
    if check.print_default {
        return Ok(output::result(print::default_file().as_bytes())?);
    }
    if check.schema {
        let schema = format!("{:#}\n", schema::json_schema());
        return Ok(output::result(schema.as_bytes())?);
    }
    let flags = Flags::from(check.flags);
    let config = Config::load(&flags, env)?;
    wiring::masker(&config).map_err(ServeError::from)?;
    for apart in config.tenants.iter().filter_map(|row| config.apart(&row.tenant)) {
        wiring::masker(&apart).map_err(ServeError::from)?;
    }
    if check.files {
        files(&config)?;
    }
    let what = Config::file_path(&flags, env)
        .map_or_else(|| "no configuration file".to_owned(), |path| path.display().to_string());
    Ok(output::result(format!("{what}: nothing is wrong\n").as_bytes())?)
}

/// Could a masker start with what the configuration names, here and for this user?
fn files(config: &Config) -> Result<(), ServeError> {
    config.key.load()?;
    serve::token(config)?;
    for (section, tls) in [("listen", &config.listen.tls), ("admin", &config.admin.tls)] {
        if let Some(tls) = tls {
            listen::check(tls).map_err(|error| ServeError::Tls(section, error))?;
        }
    }
    if let Some(path) = &config.audit_file {
        journal::can_be_opened(path)?;
    }
    Ok(())
}
