//! Reads detection, patterns, allow-list, tenants and keys again, on SIGHUP and when their
//! files change.
//!
//! Exchanges that run keep what they began with; new ones take the new. A configuration
//! that is wrong is refused, told and counted, and what was in use stays.

use std::collections::HashMap;
use std::convert::Infallible;
use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::signal::unix::Signal;
use tokio::sync::{mpsc, oneshot};
use tokio::time::{self, MissedTickBehavior};

use crate::cli::output;
use crate::cli::serve::ServeError;
use crate::cli::wiring;
use crate::config::Config;
use crate::config::key::KeySource;
use crate::config::load::Flags;
use crate::config::problem::{Origin, Problem, Problems};
use crate::ext_proc::service::Shared;
use crate::listen::Stamp;
use crate::telemetry::journal::Entry;
use crate::telemetry::labels::{Reload, Severity};
use crate::telemetry::{Journal, Metrics, Watch};

/// How often files are looked at.
const LOOK_EVERY: Duration = Duration::from_secs(2);
/// How often a configuration is read that names other files each time.
const TRIES: usize = 3;
/// What is read again.
const WHAT: &str = "detection, restoring, patterns, allow-list, tenants and keys";

/// Where the configuration came from.
#[derive(Clone, Debug)]
pub(super) struct Source {
    pub(super) flags: Flags,
    /// The variables that a configuration reads.
    pub(super) env: HashMap<&'static str, String>,
}

/// A configuration that was read.
pub(super) struct Read {
    pub(super) config: Config,
    files: Vec<PathBuf>,
    stamps: Vec<Option<Stamp>>,
}

impl Source {
    pub(super) fn read(&self) -> Result<Read, Problems> {
        self.can_be_read_again()?;
        let load = || Config::load(&self.flags, &|name| self.env.get(name).cloned());
        let (mut config, mut files, mut stamps) = (load()?, Vec::new(), Vec::new());
        for _ in 0..TRIES {
            let named = self.files(&config);
            if named == files {
                break;
            }
            // Taken before reading: a change while reading is seen by the next look.
            stamps = look_at(&named);
            files = named;
            config = load()?;
        }
        Ok(Read { config, files, stamps })
    }

    /// The file of the configuration.
    fn own(&self) -> Option<PathBuf> {
        Config::file_path(&self.flags, &|name| self.env.get(name).cloned())
    }

    /// A pipe is empty when it is read again.
    fn can_be_read_again(&self) -> Result<(), Problems> {
        let about = self.own().map(|path| (fs::metadata(&path), path));
        match about {
            Some((Ok(about), path)) if !about.is_file() => {
                let text = "is no regular file: it is read again when it changes, so write it to a \
                            file and name that";
                let problem = Problem { origin: Origin::File(0), text: text.to_owned() };
                Err(Problems { file: Some(path), list: vec![problem] })
            }
            _ => Ok(()),
        }
    }

    /// The files whose change is a reason to read again.
    fn files(&self, config: &Config) -> Vec<PathBuf> {
        let own = self.own();
        let key = match &config.key {
            KeySource::File(path) => Some(path.clone()),
            KeySource::Env(_) | KeySource::Command(_) => None,
        };
        own.into_iter().chain(key).chain(config.detect.files.iter().cloned()).collect()
    }
}

/// Ways to ask for it.
pub(super) struct Asked {
    pub(super) hangup: Signal,
    /// Who asked is told whether what was read is in use.
    pub(super) calls: mpsc::Receiver<oneshot::Sender<bool>>,
}

/// What is watched, and how it looked.
struct Watched {
    source: Source,
    settings: Shared,
    metrics: Metrics,
    files: Vec<PathBuf>,
    stamps: Vec<Option<Stamp>>,
    /// What masker began with.
    start: Config,
    /// Why the last one was refused: it is tried again, as a file that it names may come.
    refused: Option<String>,
}

/// Runs until it is dropped.
pub(super) async fn watch(
    source: Source,
    Read { files, stamps, config: start }: Read,
    settings: Shared,
    watch: Watch,
    journal: Journal,
    Asked { mut hangup, mut calls }: Asked,
) -> Infallible {
    let metrics = watch.metrics().clone();
    let mut watched = Watched { source, settings, metrics, files, stamps, start, refused: None };
    let mut ticks = time::interval(LOOK_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        let (asked, tell) = tokio::select! {
            _ = ticks.tick() => (false, None),
            Some(()) = hangup.recv() => (true, None),
            Some(tell) = calls.recv() => (true, Some(tell)),
        };
        // Files may lie on a network, and patterns take time to compile.
        let looked = tokio::task::spawn_blocking(move || {
            let result = watched.look(asked);
            (watched, result)
        });
        let Ok((back, result)) = looked.await else {
            // It panicked, which the log names; what is in use stays in use.
            return std::future::pending().await;
        };
        watched = back;
        let Some(result) = result else { continue };
        if tell.is_some_and(|tell| tell.send(result == Reload::Applied).is_err()) {
            tracing::debug!("who asked for a reload did not wait for the answer");
        }
        watch.metrics().reloads.get_or_create(&result).inc();
        let (severity, text) = match result {
            Reload::Applied => (Severity::Info, format!("{WHAT} were read again")),
            Reload::Refused => (
                Severity::Warning,
                "the changed configuration cannot be used: what was before stays".to_owned(),
            ),
        };
        let outcome = result.as_str();
        journal.write(&Entry { action: "reload", who: "masker", outcome, ..Entry::default() });
        watch.event("reload", severity, text);
    }
}

impl Watched {
    /// None if there was nothing to do.
    fn look(&mut self, asked: bool) -> Option<Reload> {
        let now = look_at(&self.files);
        let asked = asked || now != self.stamps;
        if !asked && self.refused.is_none() {
            return None;
        }
        self.stamps = now;
        let mut again = true;
        let applied = self.source.read().map_err(|error| error.to_string()).and_then(|read| {
            let Read { config, files, stamps } = read;
            (self.files, self.stamps) = (files, stamps);
            let made = wiring::again(&config, &self.settings.load()).map_err(|error| {
                // Another key of placeholders is not tried again: nothing makes it right.
                again = !matches!(error, ServeError::Retagged);
                output::chain(&error)
            })?;
            Ok((config, made))
        });
        match applied {
            Ok((config, settings)) => {
                self.refused = None;
                let own = config.detect.own.patterns.len();
                wiring::count_tenants(&config, &self.metrics);
                self.settings.store(Arc::new(settings));
                tracing::info!(patterns = own, "{WHAT} were read again");
                let waiting = config.waiting(&self.start);
                if !waiting.is_empty() {
                    let sections = waiting.join(", ");
                    tracing::warn!(sections, "changes here act when masker is started again");
                }
                Some(Reload::Applied)
            }
            Err(error) if !asked && self.refused.as_ref() == Some(&error) => None,
            Err(error) => {
                tracing::warn!(%error, "the changed configuration cannot be used, what was before stays");
                self.refused = again.then_some(error);
                Some(Reload::Refused)
            }
        }
    }
}

fn look_at(files: &[PathBuf]) -> Vec<Option<Stamp>> {
    files.iter().map(|path| Stamp::read(path)).collect()
}
