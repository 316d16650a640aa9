//! The log: to standard error, as lines of JSON or of text. Its level changes while
//! the process runs.

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;

use thiserror::Error;
use tracing::Level;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::Layer;
use tracing_subscriber::Registry;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::reload;
use tracing_subscriber::util::SubscriberInitExt;

use crate::config::Log;
use crate::config::LogFormat;

#[derive(Debug, Error)]
#[error("the log was set up twice")]
pub struct LogError(#[from] tracing_subscriber::util::TryInitError);

/// What a level may be, the quietest first.
pub const LEVELS: [&str; 5] = ["error", "warn", "info", "debug", "trace"];

#[derive(Debug, Error)]
pub enum SwitchError {
    #[error("level must be one of {}", LEVELS.join(", "))]
    Level,
    #[error("the log cannot be changed")]
    Gone(#[from] reload::Error),
}

/// Changes the level of a log that is in use. Cloning shares it.
#[derive(Clone, Debug)]
pub struct Switch {
    filter: reload::Handle<Targets, Registry>,
    level: Arc<Mutex<&'static str>>,
}

impl Switch {
    /// With the filter that it changes.
    #[must_use]
    pub fn new(level: &str) -> (Self, reload::Layer<Targets, Registry>) {
        let level = known(level).unwrap_or("info");
        let (layer, filter) = reload::Layer::new(filter(level));
        (Self { filter, level: Arc::new(Mutex::new(level)) }, layer)
    }

    #[must_use]
    pub fn level(&self) -> &'static str {
        *self.level.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// From now on. The level before is given back.
    pub fn set(&self, level: &str) -> Result<&'static str, SwitchError> {
        let level = known(level).ok_or(SwitchError::Level)?;
        let mut now = self.level.lock().unwrap_or_else(PoisonError::into_inner);
        self.filter.reload(filter(level))?;
        Ok(std::mem::replace(&mut *now, level))
    }
}

/// A level, if there is such a one.
#[must_use]
pub fn known(level: &str) -> Option<&'static str> {
    LEVELS.into_iter().find(|own| *own == level)
}

/// Sets the process's log up. Once.
pub fn init(log: &Log) -> Result<Switch, LogError> {
    let layer = fmt::layer().with_writer(std::io::stderr).with_ansi(false);
    let layer: Box<dyn Layer<Registry> + Send + Sync> = match log.format {
        LogFormat::Json => layer.json().flatten_event(true).boxed(),
        LogFormat::Text => layer.boxed(),
    };
    let (switch, filter) = Switch::new(&log.level);
    tracing_subscriber::registry().with(layer.with_filter(filter)).try_init()?;
    Ok(switch)
}

/// The level is masker's own. Libraries are kept at warnings whatever it says:
/// at `trace`, `h2` and `hyper` would print frames, and originals with them.
/// Who did what is told at any level.
fn filter(level: &str) -> Targets {
    let own = level.parse().unwrap_or(LevelFilter::INFO);
    let others = own.min(LevelFilter::from_level(Level::WARN));
    let audit = own.max(LevelFilter::INFO);
    let targets = Targets::new().with_default(others).with_target("masker", own);
    targets.with_target("masker::audit", audit)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;
    use std::sync::atomic::Ordering;

    use tracing_subscriber::layer::Context;

    use super::*;

    #[test]
    fn libraries_stay_quiet() {
        let trace = filter("trace");
        assert!(trace.would_enable("masker::store", &Level::TRACE));
        assert!(!trace.would_enable("h2::codec", &Level::INFO));
        assert!(trace.would_enable("h2", &Level::WARN));
        let error = filter("error");
        assert!(!error.would_enable("masker", &Level::WARN));
        assert!(!error.would_enable("h2", &Level::WARN));
        assert!(error.would_enable("masker::audit", &Level::INFO));
    }

    #[test]
    fn the_level_changes_while_the_log_is_in_use() {
        let (switch, filter) = Switch::new("info");
        let seen = Seen::default();
        let registry = tracing_subscriber::registry().with(seen.clone().with_filter(filter));
        let _log = tracing::subscriber::set_default(registry);
        let tell = || tracing::debug!(target: "masker::log::tests", "told");
        tell();
        assert_eq!(switch.set("debug").unwrap(), "info");
        tell();
        assert!(matches!(switch.set("loud"), Err(SwitchError::Level)));
        assert_eq!(switch.level(), "debug");
        switch.set("warn").unwrap();
        tell();
        assert_eq!(seen.0.load(Ordering::Relaxed), 1);
    }

    /// Counts.
    #[derive(Clone, Default)]
    struct Seen(Arc<AtomicUsize>);

    impl Layer<Registry> for Seen {
        fn on_event(&self, _: &tracing::Event<'_>, _: Context<'_, Registry>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }
}
