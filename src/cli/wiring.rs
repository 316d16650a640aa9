//! From the configuration to what the parts take.

use std::collections::HashMap;
use std::num::NonZero;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, available_parallelism};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::time::Instant;

use crate::admin;
use crate::breaker::State;
use crate::cli::serve::ServeError;
use crate::config::key::KeySource;
use crate::config::{Config, TenantRow};
use crate::detect::edition::Editions;
use crate::detect::{self, Catalog};
use crate::ext_proc::budget::Budget;
use crate::ext_proc::gate::Gate;
use crate::ext_proc::service::Shared;
use crate::ext_proc::settings::{Limits, Refuse, Route, Settings, Tenants};
use crate::listen::{self, Places, Tls};
use crate::mask::Tenant;
use crate::mask::masker::{self, Masker};
use crate::mask::resent::Resent;
use crate::mode::{self, Mode};
use crate::store::config::Backend;
use crate::store::{self, Store};
use crate::telemetry::Metrics;
use crate::telemetry::alerts::Facts;
use crate::telemetry::labels::Listener;
use crate::telemetry::metrics::{self, StoreCounters};

/// Files change rarely.
const LOOK_EVERY: Duration = Duration::from_secs(60);
/// Bytes of a page of memory; larger ones are rare, and then the number is too small.
const PAGE: usize = 4096;

/// The masker with the catalog that the configuration asks for.
pub(super) fn masker(config: &Config) -> Result<Masker, Box<detect::CatalogError>> {
    editions(config).map(|(masker, _)| masker)
}

/// The same, and the editions for conversations that run.
pub(super) fn editions(config: &Config) -> Result<(Masker, Editions), Box<detect::CatalogError>> {
    let settings = detect::Settings {
        private_ip: config.detect.private_ip,
        public_ip: config.detect.public_ip,
        families_off: config.detect.families_off.clone(),
        profile: config.detect.profile,
        arn_style: config.detect.arn_style,
        own: Arc::clone(&config.detect.own),
    };
    let catalog = Arc::new(Catalog::builtin(&settings).map_err(Box::new)?);
    let read = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis();
    let read = u64::try_from(read).unwrap_or_default();
    let editions = Editions::new(Arc::clone(&catalog), settings, read, config.detect.newest);
    let limits = masker::Limits { findings: config.limits.findings, depth: config.limits.depth };
    let resent = Resent::new(config.limits.resent);
    Ok((Masker { catalog, limits, around: config.around, resent }, editions))
}

/// The same, ready to serve: its tables are made on all processors.
fn serving(config: &Config) -> Result<(Masker, Editions), Box<detect::CatalogError>> {
    let (masker, editions) = editions(config)?;
    let next = AtomicUsize::new(0);
    let work = || while masker.catalog.tabulate(next.fetch_add(1, Ordering::Relaxed)) {};
    thread::scope(|scope| {
        for _ in 1..available_parallelism().map_or(1, NonZero::get) {
            // Where there can be no other thread, this one does all.
            thread::Builder::new().spawn_scoped(scope, work).ok();
        }
        work();
    });
    Ok((masker, editions))
}

pub(super) fn settings(config: &Config) -> Result<Settings, ServeError> {
    let limits = &config.limits;
    let route = |own: &crate::config::PassThrough| Route {
        path_prefix: own.path_prefix.clone(),
        media_types: own.media_types.iter().map(|media| media.to_ascii_lowercase()).collect(),
    };
    let (masker, editions) = serving(config)?;
    let settings = Settings {
        masker,
        editions: Arc::new(editions),
        master: config.key.load()?,
        tenants: tenants(config),
        limits: Limits {
            body: limits.body,
            body_time: limits.body_time,
            answer: limits.answer,
            depth: limits.depth,
            slice: limits.slice,
        },
        refuse: refuse(&config.refuse),
        lasting: !matches!(config.store.backend, Backend::Memory { .. }),
        retry: config.store.breaker.retry_every,
        restore: Arc::new(config.restore.clone()),
        lenient: config.lenient,
        routes: config.routes.iter().map(route).collect(),
        budget: Budget::new(limits.buffered),
        apart: HashMap::new(),
    };
    Ok(Settings { apart: apart(config, &settings)?, ..settings })
}

/// What is read again, beside all that is only read at the start.
pub(super) fn again(config: &Config, before: &Settings) -> Result<Settings, ServeError> {
    let master = config.key.load()?;
    if master.check() != before.master.check() {
        return Err(ServeError::Retagged);
    }
    let (masker, editions) = serving(config)?;
    // What else is in it is read at the start only.
    let masker = Masker { catalog: masker.catalog, ..before.masker.clone() };
    let settings = Settings {
        masker,
        editions: Arc::new(editions),
        master,
        tenants: tenants(config),
        restore: Arc::new(config.restore.clone()),
        lenient: config.lenient,
        apart: HashMap::new(),
        ..before.clone()
    };
    Ok(Settings { apart: apart(config, &settings)?, ..settings })
}

/// The settings of tenants that have some of their own.
fn apart(
    config: &Config,
    all: &Settings,
) -> Result<HashMap<Tenant, Arc<Settings>>, Box<detect::CatalogError>> {
    let mut apart = HashMap::new();
    for row in &config.tenants {
        let Some(own) = config.apart(&row.tenant) else { continue };
        let limits = masker::Limits { findings: own.limits.findings, ..all.masker.limits };
        let mut settings = all.clone();
        settings.masker.limits = limits;
        // A catalog takes a few megabytes: one of its own for who detects otherwise.
        if own.detect != config.detect {
            let (masker, editions) = serving(&own)?;
            // One cache for all: what it keeps is told apart by the tenant's keys.
            settings.masker.catalog = masker.catalog;
            settings.editions = Arc::new(editions);
        }
        // What all have of these is read at the start alone.
        settings.limits.body = row.apart.body.unwrap_or(all.limits.body);
        if let Some(own) = &row.apart.refuse {
            settings.refuse = refuse(own);
        }
        apart.insert(row.tenant.clone(), Arc::new(settings));
    }
    Ok(apart)
}

fn tenants(config: &Config) -> Tenants {
    let own = |row: &TenantRow| row.hashes.iter().map(|&hash| (hash, row.tenant.clone())).collect();
    let keys = config.tenants.iter().flat_map(|row| -> Vec<_> { own(row) }).collect();
    Tenants { keys, bearer_prefixes: config.bearer_prefixes.clone() }
}

/// Tells the metrics which tenants are counted by name.
pub(super) fn count_tenants(config: &Config, metrics: &Metrics) {
    if config.tenants_metrics {
        metrics.tenants.know(config.tenants.iter().map(|row| row.tenant.as_str()));
    }
}

fn refuse(refuse: &crate::config::Refuse) -> Refuse {
    Refuse {
        urls: refuse.url_findings,
        credentials: refuse.credential_findings,
        ids: refuse.id_findings,
        images: refuse.images,
        documents: refuse.pdf,
        files: refuse.files,
        audio: refuse.audio,
        video: refuse.video,
        hosted: refuse.hosted.clone(),
    }
}

pub(super) fn admin_limits(config: &Config) -> admin::Limits {
    admin::Limits {
        body: config.limits.body,
        calls: config.admin.calls,
        time: config.admin.call_time,
        unmask_calls: config.admin.unmask_per_minute,
        unmask_placeholders: config.admin.unmask_placeholders_per_minute,
    }
}

/// What `GetStatus` shows.
pub(super) fn status(
    settings: &Shared,
    store: &Store,
    gate: &Gate,
    metrics: &Metrics,
    started: Instant,
) -> Arc<dyn Fn() -> admin::Status + Send + Sync> {
    let (settings, store, metrics) = (Arc::clone(settings), store.clone(), metrics.clone());
    let gate = gate.clone();
    let count = |value: usize| u64::try_from(value).unwrap_or(u64::MAX);
    Arc::new(move || {
        let own = store.status();
        let settings = settings.load();
        admin::Status {
            version: env!("CARGO_PKG_VERSION"),
            mode: gate.view(),
            backend: own.backend,
            breaker: own.breaker.as_str(),
            queued: count(own.queued),
            exchanges: u64::try_from(metrics.exchanges.get()).unwrap_or_default(),
            buffered_bytes: count(settings.budget.held()),
            buffered_bytes_limit: count(settings.budget.limit()),
            uptime: started.elapsed(),
            classes: u32::try_from(settings.masker.catalog.classes()).unwrap_or(u32::MAX),
        }
    })
}

/// When modes change, and whether there is a bypass.
pub(super) fn modes(config: &Config) -> mode::Settings {
    let own = config.mode;
    mode::Settings {
        bypass: own.allow_bypass.then_some(own.longest_bypass),
        failures: own.failures,
        window: own.window,
        block: own.block,
    }
}

/// 0 normal, 1 degraded, 2 block-all, 3 bypass.
fn mode_gauge(mode: Mode) -> i64 {
    match mode {
        Mode::Normal => 0,
        Mode::Degraded => 1,
        Mode::BlockAll => 2,
        Mode::Bypass => 3,
    }
}

/// 0 closed, 1 half-open, 2 open.
fn breaker_gauge(state: State) -> i64 {
    match state {
        State::Closed => 0,
        State::HalfOpen => 1,
        State::Open => 2,
    }
}

/// What the store has counted goes to the metrics.
fn store_counters(to: &StoreCounters, from: &store::Status) {
    for (counter, total) in [
        (&to.failures, from.failures),
        (&to.saved, from.saved),
        (&to.revealed, from.revealed),
        (&to.cache_hits, from.cache_hits),
        (&to.dropped, from.dropped),
        (&to.collisions, from.collisions),
        (&to.unreadable, from.unreadable),
    ] {
        metrics::grow(counter, total);
    }
}

/// What is asked how it does, once a second and when somebody looks.
pub(super) struct Parts {
    pub(super) metrics: Metrics,
    pub(super) settings: Shared,
    pub(super) store: Store,
    pub(super) gate: Gate,
    pub(super) envoy: Places,
    pub(super) files: Files,
}

/// Files whose age is shown.
pub(super) struct Files {
    certificates: Vec<(Listener, PathBuf)>,
    /// Where the keys come from a file.
    key: Option<PathBuf>,
    read: Mutex<Option<Instant>>,
}

impl Files {
    pub(super) fn of(config: &Config) -> Self {
        let own = |listener, tls: &Option<Tls>| Some((listener, tls.as_ref()?.cert.clone()));
        let all =
            [own(Listener::Processor, &config.listen.tls), own(Listener::Admin, &config.admin.tls)];
        let certificates = all.into_iter().flatten().collect();
        let key = match &config.key {
            KeySource::File(path) => Some(path.clone()),
            KeySource::Env(_) | KeySource::Command(_) => None,
        };
        Self { certificates, key, read: Mutex::new(None) }
    }

    /// Looks at the files, once in a while.
    fn look(&self, metrics: &Metrics) {
        let mut read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        if read.is_some_and(|at| at.elapsed() < LOOK_EVERY) {
            return;
        }
        *read = Some(Instant::now());
        let gauge = |seconds: u64| i64::try_from(seconds).unwrap_or(i64::MAX);
        for (listener, path) in &self.certificates {
            let end = listen::expiry(path).unwrap_or_default();
            metrics.process.certificate_end.get_or_create(listener).set(gauge(end));
        }
        let meta = self.key.as_ref().and_then(|path| std::fs::metadata(path).ok());
        let written = meta.and_then(|meta| meta.modified().ok());
        let written = written.and_then(|time| time.duration_since(UNIX_EPOCH).ok());
        metrics.process.key_time.set(gauge(written.unwrap_or_default().as_secs()));
    }
}

/// Asks the parts, and brings what they say to the metrics.
pub(super) fn look(parts: Parts) -> Arc<dyn Fn() -> Facts + Send + Sync> {
    let gauge = |value: usize| i64::try_from(value).unwrap_or(i64::MAX);
    let started = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    parts.metrics.process.start_time.set(i64::try_from(started.as_secs()).unwrap_or_default());
    Arc::new(move || {
        let Parts { metrics, settings, store, gate, envoy, files } = &parts;
        files.look(metrics);
        let (status, settings, mode) = (store.status(), settings.load(), gate.view().mode);
        metrics.buffered_bytes.set(gauge(settings.budget.held()));
        metrics.store_queue.set(gauge(status.queued));
        store_counters(&metrics.store, &status);
        metrics.breaker_state.set(breaker_gauge(status.breaker));
        metrics.mode.set(mode_gauge(mode));
        metrics.process.connections.set(gauge(envoy.taken()));
        metrics.process.resident_bytes.set(gauge(resident_bytes().unwrap_or_default()));
        let all = std::iter::once(&settings.masker);
        let all = all.chain(settings.apart.values().map(|own| &own.masker));
        let kinds = all.flat_map(|masker| masker.catalog.kinds());
        let critical = kinds.filter(|(_, kind)| kind.critical).map(|(_, kind)| kind.name.clone());
        Facts { breaker: status.breaker, mode, critical: critical.collect() }
    })
}

/// The second number of `/proc/self/statm`, in pages; none where there is no such file.
fn resident_bytes() -> Option<usize> {
    let text = std::fs::read_to_string("/proc/self/statm").ok()?;
    let pages: usize = text.split(' ').nth(1)?.parse().ok()?;
    Some(pages.saturating_mul(PAGE))
}
