//! How much is found, and what is found that should not be.
//!
//! `recall corpus FILE.jsonl [--misses]`: each line holds a `text`, and in `secrets` (or
//! `expect_masked`), `parts` and `learned` what must not be left of it.
//! `recall harmless FOLDER [--values]`: counts the findings in files that hold nothing to find;
//! `scripts/harmless.py` brings them together.
//! `recall each [--json]`: masks the JSON strings of the standard input, one on each line;
//! `scripts/measure_examples.py` compares what becomes of them.
//!
//! With `--exceptions FILE.toml` a corpus fails if anything else is missed.

mod corpus;
mod each;
mod exceptions;
mod harmless;

use std::error::Error;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use clap::{Parser, Subcommand};
use masker::detect::{Catalog, Profile, Settings};
use masker::mask::masker::{Around, Limits, Masker};
use masker::mask::{MasterKey, Scope, Tenant};

/// How much is found, and what is found that should not be.
#[derive(Debug, Parser)]
struct Arguments {
    /// With the profile "strict"
    #[arg(long, global = true)]
    strict: bool,
    #[command(subcommand)]
    job: Job,
}

#[derive(Debug, Subcommand)]
enum Job {
    /// Masks the texts of a corpus and looks for what is left
    Corpus {
        file: PathBuf,
        /// Print what was missed, with its surroundings
        #[arg(long)]
        misses: bool,
        /// Fail if a value is left that none of these exceptions is for
        #[arg(long, value_name = "FILE")]
        exceptions: Option<PathBuf>,
    },
    /// Masks each line of the standard input, a JSON string, by itself
    Each {
        /// The strings are JSON documents
        #[arg(long)]
        json: bool,
    },
    /// Masks the files of a folder and counts findings by kind
    Harmless {
        folder: PathBuf,
        /// Print each finding
        #[arg(long)]
        values: bool,
    },
}

/// What masks, as `masker mask` does.
struct Bench {
    masker: Masker,
    scope: Scope,
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments = Arguments::parse();
    let profile = if arguments.strict { Profile::Strict } else { Profile::Default };
    let settings = Settings { profile, ..Settings::default() };
    let catalog = Arc::new(Catalog::builtin(&settings)?);
    let limits = Limits { findings: 1_000_000, depth: 128 };
    let masker = Masker { catalog, limits, around: Around::default(), resent: None };
    // Any key does: nothing that it makes is kept.
    let key: Vec<u8> = (0..32).collect();
    let scope = MasterKey::parse(&key)?.scope(&Tenant::named("default")?);
    let bench = Bench { masker, scope };
    let mut out = io::stdout().lock();
    match arguments.job {
        Job::Corpus { exceptions: Some(_), .. } if arguments.strict => {
            Err("the exceptions are those of the default profile".into())
        }
        Job::Corpus { file, misses, exceptions } => {
            let exceptions = exceptions.map(|file| exceptions::read(&bench, &file)).transpose()?;
            corpus::run(&bench, &file, misses, exceptions, &mut out)
        }
        Job::Each { json } => each::run(&bench, json, &mut out),
        Job::Harmless { folder, values } => harmless::run(&bench, &folder, values, &mut out),
    }
}
