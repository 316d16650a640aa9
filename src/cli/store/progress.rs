//! A progress bar on standard error, if somebody looks at it.

use std::io::{self, IsTerminal};

use indicatif::{ProgressBar, ProgressStyle};

const STYLE: &str = "{bar:30} {human_pos}/{human_len} {per_sec} {eta}";

pub(super) struct Progress(Option<ProgressBar>);

impl Progress {
    /// Towards so many keys.
    pub(super) fn start(total: u64) -> Self {
        Self(io::stderr().is_terminal().then(|| {
            let bar = ProgressBar::new(total);
            let style = ProgressStyle::with_template(STYLE).ok();
            style.into_iter().for_each(|style| bar.set_style(style));
            bar
        }))
    }

    pub(super) fn add(&self, keys: usize) {
        if let Some(bar) = &self.0 {
            bar.inc(u64::try_from(keys).unwrap_or(u64::MAX));
        }
    }

    pub(super) fn end(&self) {
        if let Some(bar) = &self.0 {
            bar.finish_and_clear();
        }
    }
}
