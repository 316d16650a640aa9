//! A progress bar on standard error, if somebody looks at it.

use std::io::{self, IsTerminal};
use std::path::PathBuf;

use indicatif::{ProgressBar, ProgressStyle};

use crate::cli::scan::files;

const STYLE: &str = "{bar:30} {bytes}/{total_bytes} {eta}";

pub(super) struct Progress(Option<ProgressBar>);

impl Progress {
    pub(super) fn start(paths: &[PathBuf]) -> Self {
        let seen = io::stderr().is_terminal() && paths.iter().all(|path| path.as_os_str() != "-");
        Self(seen.then(|| {
            let total = paths.iter().map(|path| files::total(path)).fold(0, u64::saturating_add);
            let style = ProgressStyle::with_template(STYLE).ok();
            let bar = ProgressBar::new(total);
            style.into_iter().for_each(|style| bar.set_style(style));
            bar
        }))
    }

    pub(super) fn add(&self, bytes: usize) {
        if let Some(bar) = &self.0 {
            bar.inc(u64::try_from(bytes).unwrap_or(u64::MAX));
        }
    }

    /// Writes something without the bar in its way.
    pub(super) fn aside<T>(&self, write: impl FnOnce() -> T) -> T {
        match &self.0 {
            Some(bar) => bar.suspend(write),
            None => write(),
        }
    }

    pub(super) fn end(&self) {
        if let Some(bar) = &self.0 {
            bar.finish_and_clear();
        }
    }
}
