//! `masker serve`: the only place where the parts are wired.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use arc_swap::ArcSwap;
use prometheus_client::registry::Registry;
use thiserror::Error;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;
use tonic::transport::Server;

use crate::admin::{self, Control, Token, TokenError};
use crate::cli::core::Documents;
use crate::cli::process::{self, ProcessError};
use crate::cli::reload::{self, Read, Source};
use crate::cli::told::Told;
use crate::cli::wiring;
use crate::config::load::{Env, Flags};
use crate::config::problem::Problems;
use crate::config::{Config, key, load};
use crate::detect::CatalogError;
use crate::ext_proc::gate::Gate;
use crate::ext_proc::server::Server as Processor;
use crate::ext_proc::service::{Service, Shared};
use crate::listen::{self, Bound, Listen, ListenError, TlsError};
use crate::mode;
use crate::store::{OpenError, Store};
use crate::telemetry::journal::{Entry, JournalError};
use crate::telemetry::{Metrics, Recent, Watch, log, metrics};

/// One message holds at most what Envoy's listener buffers, which is 1 MiB in
/// `envoy/`; tonic's own default would cut off larger settings.
const MESSAGE: usize = 64 << 20;
/// What clients have aborted and the reader has not seen yet: the default of 20
/// would cut the connection, and every stream on it, in a burst of aborts.
const ABORTED: usize = 1_000_000;
/// h2 counts small frames that wait against half of this window; less would cut
/// connections with many event streams.
const CONNECTION_WINDOW: u32 = 1 << 30;
const STREAM_WINDOW: u32 = 1 << 20;
/// How long streams that were ended may take to close.
const CLOSING: Duration = Duration::from_secs(2);

#[derive(Debug, Error)]
pub(super) enum ServeError {
    #[error(transparent)]
    Config(#[from] Problems),
    #[error(transparent)]
    Key(#[from] key::KeySourceError),
    #[error(transparent)]
    Log(#[from] log::LogError),
    #[error(transparent)]
    Process(#[from] ProcessError),
    #[error(transparent)]
    Catalog(#[from] Box<CatalogError>),
    #[error(
        "the key of placeholders is another one: placeholders would change in running conversations, so start masker again for that"
    )]
    Retagged,
    #[error("the mapping store cannot be used")]
    Store(#[from] OpenError),
    #[error("the ext_proc listener cannot be opened")]
    Listen(#[source] ListenError),
    #[error("the admin listener cannot be opened")]
    Admin(#[source] ListenError),
    #[error("{0}.tls cannot be used")]
    Tls(&'static str, #[source] TlsError),
    #[error("the admin listener failed")]
    AdminServe(#[from] admin::AdminError),
    #[error(transparent)]
    Token(#[from] TokenError),
    #[error(transparent)]
    Journal(#[from] JournalError),
    #[error("the runtime cannot be started")]
    Runtime(#[source] std::io::Error),
    #[error("signals cannot be received")]
    Signal(#[source] std::io::Error),
    #[error("the ext_proc listener failed")]
    Serve(#[from] tonic::transport::Error),
}

/// Serves until SIGTERM or SIGINT.
pub(super) fn run(flags: Flags, env: Env<'_>) -> Result<(), ServeError> {
    let env = load::VARIABLES.into_iter().filter_map(|name| Some((name, env(name)?)));
    let source = Source { flags, env: env.collect::<HashMap<_, _>>() };
    let read = source.read()?;
    let log = log::init(&read.config.log)?;
    silence_panics();
    process::shut(read.config.lock_memory)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    runtime.map_err(ServeError::Runtime)?.block_on(serve(read, source, log))
}

/// A panic's message may quote the text that it failed on: only the place is logged.
fn silence_panics() {
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        tracing::error!(place, "a task panicked");
    }));
}

async fn serve(read: Read, source: Source, log: log::Switch) -> Result<(), ServeError> {
    let config = read.config.clone();
    let started = Instant::now();
    // From here on a hang-up ends nothing.
    let hangup = signal(SignalKind::hangup()).map_err(ServeError::Signal)?;
    let settings = Arc::new(ArcSwap::from_pointee(wiring::settings(&config)?));
    let token = token(&config)?;
    let (bound, admin_bound) = listeners(&config).await?;
    let store = open(&config, &settings).await?;
    let (registry, metrics) = counters(&config);
    let gate = Gate::new(wiring::modes(&config), store.clone());
    let parts = wiring::Parts {
        metrics: metrics.clone(),
        settings: Arc::clone(&settings),
        store: store.clone(),
        gate: gate.clone(),
        envoy: bound.places(),
        files: wiring::Files::of(&config),
    };
    let watch = Watch::new(metrics.clone(), config.alerts, wiring::look(parts), started);
    let recent = Recent::default();
    let told = Told::begin(&config, &watch, &recent).await?;
    let journal = told.journal.clone();
    let stop = CancellationToken::new();
    let service = Service {
        settings: Arc::clone(&settings),
        store: store.clone(),
        gate: gate.clone(),
        metrics: metrics.clone(),
        recent: recent.clone(),
        send_time: config.limits.send_time,
        stop: stop.clone(),
    };
    let (reload_calls, calls) = mpsc::channel(1);
    let draining = Arc::new(AtomicBool::new(false));
    let core = Documents { settings: Arc::clone(&settings), store: store.clone() };
    let control = Control {
        status: wiring::status(&settings, &store, &gate, &metrics, started),
        order: order(&gate),
        readiness: readiness(&draining, &store),
        metrics: scrape(registry, &watch),
        core: Arc::new(core),
        watch: watch.clone(),
        recent,
        journal: journal.clone(),
        reload: reload_calls,
        log,
        token,
        limits: wiring::admin_limits(&config),
    };
    announce(&config, &settings, &store, (&bound, &admin_bound));
    let admin_stop = CancellationToken::new();
    let admin = admin::serve(admin_bound, control, admin_stop.clone().cancelled_owned());
    let admin = tokio::spawn(admin);
    let asked = reload::Asked { hangup, calls };
    let reloads = reload::watch(source, read, settings, watch.clone(), journal.clone(), asked);
    let served = tokio::select! {
        served = data_plane(&config, bound, service, &draining, &stop) => served,
        never = reloads => match never {},
        never = watch.run() => match never {},
    };
    // First, so that what it is asked for is in the audit log before its end.
    admin_stop.cancel();
    let admin = end(admin).await;
    journal.write(&Entry { action: "stop", who: "masker", ..Entry::default() });
    told.end(CLOSING).await;
    store.close(CLOSING).await;
    admin.transpose()?;
    tracing::info!("stopped");
    served
}

/// What a task came to that was asked to stop; after a while it is stopped.
async fn end<T>(mut task: JoinHandle<T>) -> Option<T> {
    let ended = timeout(CLOSING, &mut task).await;
    task.abort();
    ended.ok()?.ok()
}

fn announce(config: &Config, settings: &Shared, store: &Store, bound: (&Bound, &Bound)) {
    let (ext_proc, admin) = (bound.0.address(), bound.1.address());
    let backend = store.status().backend;
    let classes = settings.load().masker.catalog.classes();
    let patterns = config.detect.own.patterns.len();
    tracing::info!(%ext_proc, %admin, store = backend, classes, patterns, "serving");
}

pub(super) fn token(config: &Config) -> Result<Token, TokenError> {
    config.admin.token_file.as_ref().map_or_else(|| Ok(Token::none()), |path| Token::load(path))
}

async fn open(config: &Config, settings: &Shared) -> Result<Store, OpenError> {
    let store = Store::open(&config.store).await?;
    store.expect_key(&settings.load().master);
    Ok(store)
}

fn counters(config: &Config) -> (Registry, Metrics) {
    let mut registry = Registry::default();
    let metrics = Metrics::new(&mut registry);
    wiring::count_tenants(config, &metrics);
    (registry, metrics)
}

/// For Envoy, and for operators.
async fn listeners(config: &Config) -> Result<(Bound, Bound), ServeError> {
    let admin = Listen { address: config.admin.address.clone(), tls: config.admin.tls.clone() };
    let envoy = listen::bind(&config.listen).await.map_err(ServeError::Listen)?;
    let admin = listen::bind(&admin).await.map_err(ServeError::Admin)?;
    Ok((envoy, admin))
}

/// Serves Envoy; on a signal says so, drains, and ends what is left.
async fn data_plane(
    config: &Config,
    bound: Bound,
    service: Service,
    draining: &AtomicBool,
    stop: &CancellationToken,
) -> Result<(), ServeError> {
    let (health, health_service) = tonic_health::server::health_reporter();
    health.set_serving::<Processor>().await;
    let accept = CancellationToken::new();
    let service = Processor::new(service, MESSAGE);
    let server = Server::builder()
        .tcp_nodelay(true)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .initial_stream_window_size(STREAM_WINDOW)
        .max_concurrent_streams(config.limits.streams)
        .http2_max_pending_accept_reset_streams(Some(ABORTED))
        .http2_max_local_error_reset_streams(None)
        .http2_keepalive_interval(Some(Duration::from_secs(30)))
        .add_service(health_service)
        .add_service(service)
        .serve_with_incoming_shutdown(bound.incoming(), accept.clone().cancelled_owned());
    let mut server = tokio::spawn(server);
    let mut signals = Signals::new()?;
    tokio::select! {
        ended = &mut server => return Ok(ended.map_or(Ok(()), |ended| ended)?),
        () = signals.recv() => {}
    }
    draining.store(true, Ordering::Relaxed);
    health.set_not_serving::<Processor>().await;
    tracing::info!("draining: no new exchanges");
    tokio::select! {
        () = sleep(config.shutdown.notice) => {}
        () = signals.recv() => {}
    }
    accept.cancel();
    let drained = tokio::select! {
        ended = timeout(config.shutdown.drain, &mut server) => ended.ok(),
        () = signals.recv() => None,
    };
    if let Some(ended) = drained {
        return Ok(ended.map_or(Ok(()), |ended| ended)?);
    }
    tracing::warn!("exchanges were cut off at the end of the drain time");
    stop.cancel();
    if timeout(CLOSING, &mut server).await.is_err() {
        server.abort();
    }
    Ok(())
}

struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    fn new() -> Result<Self, ServeError> {
        Ok(Self {
            terminate: signal(SignalKind::terminate()).map_err(ServeError::Signal)?,
            interrupt: signal(SignalKind::interrupt()).map_err(ServeError::Signal)?,
        })
    }

    async fn recv(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}

/// Why no exchange should come here now.
fn readiness(
    draining: &Arc<AtomicBool>,
    store: &Store,
) -> Arc<dyn Fn() -> Vec<String> + Send + Sync> {
    let (draining, store) = (Arc::clone(draining), store.clone());
    Arc::new(move || {
        let mut reasons = store.unfit();
        if draining.load(Ordering::Relaxed) {
            reasons.push("shutting down".to_owned());
        }
        reasons
    })
}

type Orders = Arc<dyn Fn(mode::Order) -> Result<mode::View, mode::Refused> + Send + Sync>;

fn order(gate: &Gate) -> Orders {
    let gate = gate.clone();
    Arc::new(move |order| gate.order(order))
}

type Scrape = Arc<dyn Fn() -> Result<String, std::fmt::Error> + Send + Sync>;

/// The metrics, with those that are read from the parts when asked for.
fn scrape(registry: Registry, watch: &Watch) -> Scrape {
    let watch = watch.clone();
    Arc::new(move || {
        watch.facts();
        metrics::encode(&registry)
    })
}
