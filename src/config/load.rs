//! Flags, environment and file into one checked configuration.

use std::fmt;
use std::fs;
use std::path::PathBuf;

use zeroize::Zeroizing;

use crate::config::Config;
use crate::config::check;
use crate::config::file::File;
use crate::config::key::KeySource;
use crate::config::options::CONFIG_ENV;
use crate::config::problem::Origin;
use crate::config::problem::Problems;
use crate::config::tenants::ROTATING;
use crate::mask::MasterKey;

/// What was given as flags.
#[derive(Clone, Default)]
pub struct Flags {
    pub config: Option<PathBuf>,
    pub listen: Option<String>,
    pub admin: Option<String>,
    pub store: Option<String>,
    pub key_file: Option<String>,
}

impl fmt::Debug for Flags {
    /// Without `store`, in which somebody may have written a password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Flags").field("config", &self.config).finish_non_exhaustive()
    }
}

/// The variables that a configuration reads.
pub const VARIABLES: [&str; 6] =
    [CONFIG_ENV, "MASKER_LISTEN", "MASKER_ADMIN", "MASKER_STORE", "MASKER_KEY_FILE", KEY_ENV];

/// Holds the keys themselves.
const KEY_ENV: &str = "MASKER_KEY";

/// Reads one variable of the environment.
pub type Env<'a> = &'a dyn Fn(&str) -> Option<String>;

impl Config {
    /// Reads and checks everything: a flag wins over the environment, the
    /// environment over the file, the file over the default.
    pub fn load(flags: &Flags, env: Env<'_>) -> Result<Self, Problems> {
        let path = Self::file_path(flags, env);
        let mut file = File::defaults();
        if let Some(path) = &path {
            match fs::read_to_string(path) {
                Ok(text) => file.read(&text),
                Err(error) => file.problem(Origin::File(0), format!("cannot be read: {error}")),
            }
        }
        file.overlay(env, &|flag| match flag {
            "--listen" => flags.listen.clone(),
            "--admin" => flags.admin.clone(),
            "--store" => flags.store.clone(),
            "--key-file" => flags.key_file.clone(),
            _ => None,
        });
        let key = env(KEY_ENV).filter(|key| !key.is_empty()).map(Zeroizing::new);
        if let Some(key) = &key {
            check_key(&mut file, key);
        }
        let checked = check::check(file).map(|config| match key {
            Some(key) => Self { key: KeySource::Env(key), ..config },
            None => config,
        });
        checked.map_err(|file| {
            let mut list = file.problems;
            list.sort_by_key(|problem| problem.origin);
            list.dedup();
            Problems { file: path, list }
        })
    }

    /// The file that [`Config::load`] reads, if any.
    #[must_use]
    pub fn file_path(flags: &Flags, env: Env<'_>) -> Option<PathBuf> {
        let named = || env(CONFIG_ENV).filter(|path| !path.is_empty()).map(PathBuf::from);
        flags.config.clone().or_else(named)
    }

    /// Is this bearer token a static API key, which names a tenant?
    #[must_use]
    pub fn is_static_bearer(&self, token: &str) -> bool {
        let begins = |prefix: &str| token.starts_with(prefix);
        !ROTATING.into_iter().any(begins)
            && self.bearer_prefixes.iter().any(|prefix| begins(prefix))
    }
}

/// The keys come from one place, and are keys.
fn check_key(file: &mut File, key: &str) {
    let origin = Origin::Environment(KEY_ENV);
    for other in ["key_file", "key_command"] {
        if file.set_by(other).is_some() {
            file.problem(origin, format!("{other} is set too: leave one out"));
        }
    }
    if let Err(error) = MasterKey::parse(key.as_bytes()) {
        file.problem(origin, error.to_string());
    }
}
