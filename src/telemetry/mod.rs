//! What masker tells about itself: the log, and [`Metrics`].
//!
//! Neither holds an original value, body text or a key. Labels are closed sets:
//! an enum, a `&'static str`, or the name of a kind in the catalog.

pub mod alerts;
pub mod findings;
pub mod history;
pub mod journal;
pub mod labels;
pub mod log;
pub mod metrics;
pub mod recent;
pub mod tenants;
pub mod timing;
pub mod trace;
pub mod utc;
pub mod watch;

pub use journal::Journal;
pub use metrics::Metrics;
pub use recent::Recent;
pub use watch::Watch;
