//! The command line: what `masker` is asked to do, and how that ended.
//!
//! Exit codes: 0 done, 1 not done, 2 not understood. Those of `scan` are its own.

use std::ffi::OsString;
use std::process::ExitCode;

use clap::Parser;
use clap::Subcommand;
use thiserror::Error;

use crate::config::Config;
use crate::config::load::Env;
use crate::config::problem::Problems;

mod audit;
mod check;
mod client;
mod core;
mod doctor;
mod explain;
mod flags;
mod input;
mod keys;
mod level;
mod mask;
mod mode;
mod output;
mod patterns;
mod process;
mod reload;
mod ring;
mod scan;
mod serve;
mod store;
mod told;
mod verify;
mod wiring;

/// Masks AWS identifiers and secrets on the way to an outside LLM, and restores
/// them in its answers.
#[derive(Parser)]
#[command(name = "masker", version, about, max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Serve Envoy (ext_proc) and operators until a signal ends it
    Serve(flags::Serve),
    /// Check the configuration and name everything that is wrong
    Check(check::Check),
    /// Mask a file or standard input, as a request would be masked
    Mask(mask::Mask),
    /// Restore what `masker mask` masked
    Unmask(mask::Unmask),
    /// Show what becomes of a request, place by place, without values
    Explain(explain::Explain),
    /// Find identifiers and secrets in files and folders
    Scan(scan::Scan),
    /// Show what is looked for, and why a text is found or not
    #[command(subcommand)]
    Patterns(patterns::Patterns),
    /// Look at what masker depends on, and say what to do; 1 if something is to be repaired
    Doctor(doctor::Doctor),
    /// Show or set the mode of operation of a running masker
    Mode(mode::Mode),
    /// Change how much a running masker logs
    LogLevel(level::LogLevel),
    /// Count, move and delete what Redis holds
    #[command(subcommand)]
    Store(store::Command),
    /// Make and change master keys
    #[command(subcommand)]
    Keys(keys::Keys),
    /// Prove that nothing leaves a running gateway: send planted values through it
    Verify(verify::Verify),
    /// Check the audit log
    #[command(subcommand)]
    Audit(audit::Audit),
}

/// Why a command did not do what it was asked.
#[derive(Debug, Error)]
enum CliError {
    #[error(transparent)]
    Config(#[from] Problems),
    #[error(transparent)]
    Keys(#[from] keys::KeysError),
    #[error(transparent)]
    Verify(#[from] verify::VerifyError),
    #[error(transparent)]
    Ring(#[from] ring::RingCommandError),
    #[error(transparent)]
    Audit(#[from] audit::AuditError),
    #[error(transparent)]
    Serve(#[from] serve::ServeError),
    #[error(transparent)]
    Doctor(#[from] doctor::DoctorError),
    #[error(transparent)]
    Store(#[from] store::StoreError),
    #[error(transparent)]
    Mode(#[from] mode::ModeError),
    #[error(transparent)]
    LogLevel(#[from] level::LogLevelError),
    #[error(transparent)]
    Mask(#[from] mask::MaskError),
    #[error(transparent)]
    Explain(#[from] explain::ExplainError),
    #[error(transparent)]
    Scan(#[from] scan::ScanError),
    #[error(transparent)]
    Patterns(#[from] patterns::PatternsError),
    #[error("cannot write to standard output")]
    Output(#[from] std::io::Error),
}

/// Runs the program. `args` begin with its own name; `env` reads a variable.
pub fn run(args: impl IntoIterator<Item = OsString>, env: Env<'_>) -> ExitCode {
    let cli = match Cli::try_parse_from(args) {
        Ok(cli) => cli,
        Err(usage) => return output::usage(&usage),
    };
    match dispatch(cli.command, env) {
        Ok(code) => code,
        Err(error) => output::failure(&error),
    }
}

fn dispatch(command: Command, env: Env<'_>) -> Result<ExitCode, CliError> {
    match command {
        Command::Serve(flags) => serve::run(flags.into(), env)?,
        Command::Check(check) => check::run(check, env)?,
        Command::Mask(args) => mask::mask(&Config::load(&args.flags(), env)?, &args)?,
        Command::Unmask(args) => mask::unmask(&Config::load(&args.flags(), env)?, &args)?,
        Command::Explain(args) => explain::run(&Config::load(&args.flags(), env)?, &args)?,
        Command::Scan(args) => return Ok(scan::run(&args, env)?),
        Command::Patterns(args) => patterns::run(&args, env)?,
        Command::Doctor(args) => {
            return Ok(doctor::run(&Config::load(&args.flags(), env)?, &args)?);
        }
        Command::Store(command) => {
            store::run(&Config::load(&command.flags(), env)?, &command)?;
        }
        Command::Mode(args) => mode::run(&Config::load(&args.client.flags(), env)?, &args)?,
        Command::LogLevel(args) => level::run(&Config::load(&args.client.flags(), env)?, &args)?,
        Command::Keys(keys) => dispatch_keys(&keys)?,
        Command::Verify(verify) => return Ok(verify::run(&verify)?),
        Command::Audit(audit) => audit::run(&audit, env)?,
    }
    Ok(ExitCode::SUCCESS)
}

fn dispatch_keys(keys: &keys::Keys) -> Result<(), CliError> {
    use keys::Keys;
    match keys {
        Keys::New(args) => keys::new(args)?,
        Keys::Show(args) => ring::show(args)?,
        Keys::Add(args) => ring::add(args)?,
        Keys::Use(args) => ring::make_current(args)?,
        Keys::Retire(args) => ring::retire(args)?,
        Keys::Enroll(args) => ring::enroll(args)?,
        Keys::Forget(args) => ring::forget(args)?,
        Keys::Retag(args) => ring::retag(args)?,
    }
    Ok(())
}
