//! How much is found, and what is found that should not be.
//!
//! `recall corpus FILE.jsonl [--misses]`: each line holds a `text`, and in `secrets` (or
//! `expect_masked`), `parts` and `learned` what must not be left of it.
//! `recall harmless FOLDER [--values]`: counts the findings in files that hold nothing to find;
//! `scripts/harmless.py` brings them together.

mod corpus;
mod harmless;

use std::error::Error;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use clap::{Parser, Subcommand};
use masker::detect::{Catalog, Profile, Settings};
use masker::mask::masker::{Limits, Masker};
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
    let masker = Masker { catalog, limits: Limits { findings: 1_000_000, depth: 128 } };
    // Any key does: nothing that it makes is kept.
    let key: Vec<u8> = (0..32).collect();
    let scope = MasterKey::parse(&key)?.scope(&Tenant::named("default")?);
    let bench = Bench { masker, scope };
    let mut out = io::stdout().lock();
    match arguments.job {
        Job::Corpus { file, misses } => corpus::run(&bench, &file, misses, &mut out),
        Job::Harmless { folder, values } => harmless::run(&bench, &folder, values, &mut out),
    }
}
