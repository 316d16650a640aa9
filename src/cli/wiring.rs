//! From the configuration to what the parts take.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use tokio::time::Instant;

use crate::admin;
use crate::admin::proto;
use crate::breaker::State;
use crate::cli::serve::ServeError;
use crate::config::{Config, key};
use crate::detect::edition::Editions;
use crate::detect::{self, Catalog};
use crate::ext_proc::budget::Budget;
use crate::ext_proc::service::Shared;
use crate::ext_proc::settings::{Limits, Refuse, Route, Settings, Tenants};
use crate::mask::masker::{self, Masker};
use crate::mask::resent::Resent;
use crate::mode::Mode;
use crate::store::Store;
use crate::store::config::Backend;
use crate::telemetry::Metrics;

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
    Ok((Masker { catalog, limits, resent }, editions))
}

pub(super) fn settings(config: &Config) -> Result<Settings, ServeError> {
    let limits = &config.limits;
    let refuse = &config.refuse;
    let mut tenants =
        Tenants { bearer_prefixes: config.bearer_prefixes.clone(), ..Tenants::default() };
    for own in &config.tenants {
        tenants.keys.extend(own.hashes.iter().map(|&hash| (hash, own.tenant.clone())));
    }
    let route = |own: &crate::config::PassThrough| Route {
        path_prefix: own.path_prefix.clone(),
        media_types: own.media_types.iter().map(|media| media.to_ascii_lowercase()).collect(),
    };
    let (masker, editions) = editions(config)?;
    Ok(Settings {
        masker,
        editions: Arc::new(editions),
        master: key::load(&config.key_file)?,
        tenants,
        limits: Limits {
            body: limits.body,
            body_time: limits.body_time,
            answer: limits.answer,
            depth: limits.depth,
            slice: limits.slice,
        },
        refuse: Refuse {
            urls: refuse.url_findings,
            credentials: refuse.credential_findings,
            ids: refuse.id_findings,
            images: refuse.images,
            documents: refuse.pdf,
            files: refuse.files,
        },
        lasting: !matches!(config.store.backend, Backend::Memory { .. }),
        restore: Arc::new(config.restore.clone()),
        routes: config.routes.iter().map(route).collect(),
        budget: Budget::new(limits.buffered),
    })
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
    metrics: &Metrics,
    started: Instant,
) -> Arc<dyn Fn() -> admin::Status + Send + Sync> {
    let (settings, store, metrics) = (Arc::clone(settings), store.clone(), metrics.clone());
    let count = |value: usize| u64::try_from(value).unwrap_or(u64::MAX);
    Arc::new(move || {
        let own = store.status();
        let settings = settings.load();
        admin::Status {
            version: env!("CARGO_PKG_VERSION"),
            mode: match store.mode() {
                Mode::Normal => proto::Mode::Normal,
                Mode::Degraded => proto::Mode::Degraded,
            },
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

/// 0 closed, 1 half-open, 2 open.
pub(super) fn breaker_gauge(state: State) -> i64 {
    match state {
        State::Closed => 0,
        State::HalfOpen => 1,
        State::Open => 2,
    }
}
