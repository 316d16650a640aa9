//! The log: to standard error, as lines of JSON or of text.

use thiserror::Error;
use tracing::Level;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::Layer;
use tracing_subscriber::Registry;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use crate::config::Log;
use crate::config::LogFormat;

#[derive(Debug, Error)]
#[error("the log was set up twice")]
pub struct LogError(#[from] tracing_subscriber::util::TryInitError);

/// Sets the process's log up. Once.
pub fn init(log: &Log) -> Result<(), LogError> {
    let layer = fmt::layer().with_writer(std::io::stderr).with_ansi(false);
    let layer: Box<dyn Layer<Registry> + Send + Sync> = match log.format {
        LogFormat::Json => layer.json().flatten_event(true).boxed(),
        LogFormat::Text => layer.boxed(),
    };
    Ok(tracing_subscriber::registry().with(layer.with_filter(filter(&log.level))).try_init()?)
}

/// The level is masker's own. Libraries are kept at warnings whatever it says:
/// at `trace`, `h2` and `hyper` would print frames, and originals with them.
fn filter(level: &str) -> Targets {
    let own = level.parse().unwrap_or(LevelFilter::INFO);
    let others = own.min(LevelFilter::from_level(Level::WARN));
    Targets::new().with_default(others).with_target("masker", own)
}

#[cfg(test)]
mod tests {
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
    }
}
