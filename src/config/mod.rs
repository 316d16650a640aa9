//! What masker is told to do: [`Config`] is checked and complete, and the only
//! form in which a configuration travels.
//!
//! `options` is the one table of all options. It drives reading, checking, the
//! printed default and what flags and the environment override.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::body::select::Hosted;
use crate::config::key::KeySource;
use crate::detect::custom::Own;
use crate::detect::{ArnStyle, Profile};
use crate::listen::{Address, Listen, Tls};
use crate::mask::Tenant;
use crate::mask::care::Rules;
use crate::mask::masker::Around;
use crate::outward::audit::Stream;
use crate::outward::channels::Events;
use crate::outward::http::Target;
use crate::outward::traces::Traces;
use crate::store::config::StoreConfig;
use crate::telemetry::alerts::Thresholds;

mod apart;
mod check;
mod combine;
mod families;
mod file;
pub mod key;
pub mod load;
mod options;
mod outward;
mod patterns;
pub mod print;
pub mod problem;
mod restore;
mod rows;
pub mod schema;
pub(crate) mod secret;
pub(crate) mod suggest;
pub mod tenants;
pub mod units;
mod value;

#[cfg(test)]
mod tests;

#[derive(Clone, Debug)]
pub struct Config {
    /// For Envoy.
    pub listen: Listen,
    /// For operators.
    pub admin: Admin,
    pub store: StoreConfig,
    /// The master key, which is read when it is needed.
    pub key: KeySource,
    pub mode: Mode,
    pub limits: Limits,
    pub detect: Detect,
    /// Static API keys that share one tenant, and what differs for it.
    pub tenants: Vec<TenantRow>,
    /// Each of them is counted by itself.
    pub tenants_metrics: bool,
    /// A bearer token that begins with one of these is a static key.
    pub bearer_prefixes: Vec<String>,
    pub routes: Vec<PassThrough>,
    pub refuse: Refuse,
    pub around: Around,
    /// Kinds that are not restored as the defaults say.
    pub restore: Rules,
    /// Placeholders that are spelled otherwise are restored, too.
    pub lenient: bool,
    pub shutdown: Shutdown,
    pub log: Log,
    /// Is memory kept out of swap?
    pub lock_memory: LockMemory,
    /// Where calls and changes are kept.
    pub audit_file: Option<PathBuf>,
    /// How long.
    pub audit_keep: Duration,
    /// The same in a stream of the store's Redis.
    pub audit_stream: Option<Stream>,
    /// When operators are warned.
    pub alerts: Thresholds,
    /// And who is told.
    pub webhook: Option<Target>,
    /// What is published to channels of the store's Redis.
    pub events: Option<Events>,
    /// Where traces go.
    pub traces: Option<Traces>,
}

impl Config {
    /// The sections that are read at the start alone and differ from those of the start.
    #[must_use]
    pub fn waiting(&self, start: &Self) -> Vec<&'static str> {
        let audit = |own: &Self| (own.audit_file.clone(), own.audit_keep, own.audit_stream.clone());
        let request = |own: &Self| (own.routes.clone(), own.refuse.clone(), own.around);
        let sections = [
            ("listen", self.listen == start.listen),
            ("admin", self.admin == start.admin),
            ("store", self.store == start.store),
            ("mode", self.mode == start.mode),
            ("limits", self.limits == start.limits),
            ("routes, refuse or request", request(self) == request(start)),
            ("shutdown", self.shutdown == start.shutdown),
            ("log", self.log == start.log && self.lock_memory == start.lock_memory),
            ("audit", audit(self) == audit(start)),
            ("alerts", self.alerts == start.alerts && self.webhook == start.webhook),
            ("events", self.events == start.events),
            ("traces", self.traces == start.traces),
        ];
        sections.into_iter().filter(|(_, same)| !same).map(|(name, _)| name).collect()
    }
}

/// What is done to keep memory out of swap.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LockMemory {
    /// What the limits allow.
    Auto,
    /// Without it masker does not start.
    Require,
    Off,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Admin {
    pub address: Address,
    pub tls: Option<Tls>,
    /// Holds the bearer token that the API wants.
    pub token_file: Option<PathBuf>,
    /// Calls of the API at a time.
    pub calls: usize,
    /// The longest that one of them may take.
    pub call_time: Duration,
    /// How many `Unmask` calls one minute may see.
    pub unmask_per_minute: u32,
    /// And how many placeholders in them.
    pub unmask_placeholders_per_minute: u32,
}

/// When modes of operation change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mode {
    pub allow_bypass: bool,
    pub longest_bypass: Duration,
    /// So many failures to mask within the window block.
    pub failures: usize,
    pub window: Duration,
    pub block: Duration,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of one request body, as it came and inflated.
    pub body: usize,
    /// Bytes held for all exchanges together.
    pub buffered: usize,
    /// How long a request body may take to arrive.
    pub body_time: Duration,
    /// Distinct findings in one request.
    pub findings: usize,
    /// Nesting of JSON.
    pub depth: usize,
    /// Exchanges at once on one connection.
    pub streams: u32,
    /// How long Envoy may take to accept one message.
    pub send_time: Duration,
    /// Bytes of an answer that is held whole.
    pub answer: usize,
    /// A larger body is masked on the blocking pool.
    pub resent: usize,
    pub slice: usize,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Detect {
    pub private_ip: bool,
    pub public_ip: bool,
    pub families_off: Vec<String>,
    pub profile: Profile,
    pub arn_style: ArnStyle,
    /// Running conversations take the newest patterns too.
    pub newest: bool,
    /// Patterns and an allow-list of the operator's own.
    pub own: Arc<Own>,
    /// The files that were read for them.
    pub files: Vec<PathBuf>,
}

/// One tenant: its static API keys, as SHA-256 hashes, and what differs for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TenantRow {
    pub tenant: Tenant,
    pub hashes: Vec<[u8; 32]>,
    pub apart: Apart,
}

/// What one tenant has in place of what all have.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Apart {
    pub families_off: Option<Vec<String>>,
    pub profile: Option<Profile>,
    pub own: Option<Arc<Own>>,
    pub body: Option<usize>,
    pub findings: Option<usize>,
    pub refuse: Option<Refuse>,
}

/// Tools that the provider runs, by the option that refuses them.
fn hosted() -> impl Iterator<Item = (&'static str, Hosted)> {
    [
        ("refuse.web_search", Hosted::WebSearch),
        ("refuse.web_fetch", Hosted::WebFetch),
        ("refuse.code_execution", Hosted::Code),
        ("refuse.mcp", Hosted::Mcp),
        ("refuse.file_search", Hosted::FileSearch),
    ]
    .into_iter()
}

/// Other media types that are let through below a path, and counted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PassThrough {
    pub path_prefix: String,
    pub media_types: Vec<String>,
}

/// What is refused rather than let through as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "independent switches of the configuration")]
pub struct Refuse {
    pub url_findings: bool,
    pub credential_findings: bool,
    pub id_findings: bool,
    pub images: bool,
    pub pdf: bool,
    pub files: bool,
    pub audio: bool,
    pub video: bool,
    /// Tools that the provider runs.
    pub hosted: BTreeSet<Hosted>,
}

impl Refuse {
    /// What each option says.
    pub(crate) fn read<E>(is: impl Fn(&'static str) -> Result<bool, E>) -> Result<Self, E> {
        let mut refused = BTreeSet::new();
        for (key, tool) in hosted() {
            if is(key)? {
                refused.insert(tool);
            }
        }
        Ok(Self {
            url_findings: is("refuse.url_findings")?,
            credential_findings: is("refuse.credential_findings")?,
            id_findings: is("refuse.id_findings")?,
            images: is("refuse.images")?,
            pdf: is("refuse.pdf")?,
            files: is("refuse.files")?,
            audio: is("refuse.audio")?,
            video: is("refuse.video")?,
            hosted: refused,
        })
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shutdown {
    /// Between "not serving" in the health answer and the drain.
    pub notice: Duration,
    /// The longest that running exchanges are waited for.
    pub drain: Duration,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Log {
    /// `error`, `warn`, `info`, `debug` or `trace`.
    pub level: String,
    pub format: LogFormat,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    Json,
    Text,
}
