//! One test's world: provider, masker, Envoy and perhaps Redis, in a directory
//! of its own, on free ports, gone when it is dropped.

mod client;
mod process;
mod sentinel;
mod tools;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, UnixStream};

pub(crate) use client::{Client, Reply, Streamed};
pub(crate) use process::{Process, Signal};
pub(crate) use tools::program;

use crate::bed::sentinel::Sentinel;
use crate::ports::port;
use crate::provider::{Provider, Script, Seen};

/// The longest that a program may take to get ready.
const READY: Duration = Duration::from_secs(30);
/// A master key for tests.
const KEY: &str = "8c1f0a7d93e4b2566fd80b19c7a35e42d1960f3b78ac24e5510d9be76342fa8c";

pub(crate) struct Bed {
    // Dropped in this order: Envoy first, the directory last.
    envoy: Option<Process>,
    pub(crate) masker: Option<Process>,
    pub(crate) sentinel: Option<Sentinel>,
    pub(crate) redis: Option<Process>,
    pub(crate) provider: Provider,
    pub(crate) client: Client,
    pub(crate) port: u16,
    health_port: u16,
    pub(crate) provider_port: u16,
    pub(crate) admin_port: u16,
    pub(crate) masker_port: u16,
    /// Where `masker verify` listens.
    pub(crate) verify_port: u16,
    pub(crate) redis_port: u16,
    /// Where masker looks for Redis: a test may put something in between.
    pub(crate) store: String,
    sign: bool,
    dir: TempDir,
}

/// What a test wants to differ from the usual.
#[derive(Debug, Default)]
pub(crate) struct Plan {
    pub(crate) redis: bool,
    /// With a copy of it, and a sentinel that masker asks.
    pub(crate) sentinel: bool,
    /// TOML of the configuration file.
    pub(crate) config: &'static str,
    /// No masker: the test itself listens where it would be.
    pub(crate) no_masker: bool,
    pub(crate) no_envoy: bool,
    /// Envoy signs for AWS.
    pub(crate) sign: bool,
}

impl Bed {
    /// Masker with the memory store, and Envoy in front.
    pub(crate) async fn usual() -> Self {
        Self::start(Plan::default()).await
    }

    pub(crate) async fn start(plan: Plan) -> Self {
        let dir = tempfile::Builder::new().prefix("masker-e2e-").tempdir().expect("a directory");
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port for the provider");
        let provider = Provider::new(None);
        let provider_port = listener.local_addr().expect("an address").port();
        tokio::spawn(provider.clone().serve(listener));
        let redis_port = port();
        let mut bed = Self {
            envoy: None,
            masker: None,
            sentinel: None,
            redis: None,
            provider,
            client: Client::default(),
            port: port(),
            health_port: port(),
            provider_port,
            admin_port: port(),
            masker_port: port(),
            verify_port: port(),
            redis_port,
            store: format!("redis://127.0.0.1:{redis_port}/0"),
            sign: plan.sign,
            dir,
        };
        fs::write(bed.path("masker.toml"), plan.config).expect("the configuration is written");
        if plan.redis {
            bed.start_redis().await;
        }
        if plan.sentinel {
            let sentinel = Sentinel::start(redis_port, bed.dir.path()).await;
            bed.store = sentinel.url();
            bed.sentinel = Some(sentinel);
        }
        if !plan.no_masker {
            bed.start_masker(plan.redis).await;
        }
        if !plan.no_envoy {
            bed.start_envoy().await;
        }
        bed
    }

    /// Another masker and Envoy, with the same provider and the same Redis.
    pub(crate) async fn replica(&self, config: &str) -> Self {
        let dir = tempfile::Builder::new().prefix("masker-e2e-").tempdir().expect("a directory");
        let mut bed = Self {
            envoy: None,
            masker: None,
            sentinel: None,
            redis: None,
            provider: self.provider.clone(),
            client: Client::default(),
            port: port(),
            health_port: port(),
            provider_port: self.provider_port,
            admin_port: port(),
            masker_port: port(),
            verify_port: port(),
            redis_port: self.redis_port,
            store: self.store.clone(),
            sign: self.sign,
            dir,
        };
        fs::write(bed.path("masker.toml"), config).expect("the configuration is written");
        bed.start_masker(true).await;
        bed.start_envoy().await;
        bed
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub(crate) async fn start_redis(&mut self) {
        let port = self.redis_port.to_string();
        let dir = self.dir.path().to_string_lossy().into_owned();
        // Everything that is stored can then be read in a file.
        let arguments = [
            "--port",
            &port,
            "--bind",
            "127.0.0.1",
            "--dir",
            &dir,
            "--save",
            "",
            "--appendonly",
            "yes",
            "--aof-use-rdb-preamble",
            "no",
        ];
        let redis =
            Process::start("redis", &program("REDIS_SERVER"), &arguments, &[], self.dir.path());
        redis.until_listening(self.redis_port, READY).await;
        self.redis = Some(redis);
    }

    pub(crate) async fn start_masker(&mut self, redis: bool) {
        self.start_masker_store(redis, "/readyz").await;
    }

    /// Waits only for what `health` says: a masker without its store lives.
    pub(crate) async fn start_masker_store(&mut self, redis: bool, health: &str) {
        let key = self.path("key");
        fs::write(&key, KEY).expect("the key is written");
        fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).expect("the key is private");
        let store = if redis { &self.store } else { "memory" };
        let listen = format!("127.0.0.1:{}", self.masker_port);
        let admin = format!("127.0.0.1:{}", self.admin_port);
        let (key, config) = (self.path("key"), self.path("masker.toml"));
        let arguments = [
            "serve",
            "--listen",
            &listen,
            "--admin",
            &admin,
            "--store",
            store,
            "--key-file",
            &key.to_string_lossy(),
            "--config",
            &config.to_string_lossy(),
        ];
        let binary = Path::new(env!("CARGO_BIN_EXE_masker"));
        let masker = Process::start("masker", binary, &arguments, &[], self.dir.path());
        let ready = format!("http://{admin}{health}");
        self.client.until_ok(&ready, &masker, READY).await;
        self.masker = Some(masker);
    }

    /// Envoy as `make run` configures it.
    pub(crate) async fn with_envoy(mut self) -> Self {
        self.start_envoy().await;
        self
    }

    async fn start_envoy(&mut self) {
        let region = if self.sign { "us-east-1" } else { "" };
        let config = tools::render(&[
            ("SIGN_REGION", region.to_owned()),
            ("UPSTREAM", format!("http://127.0.0.1:{}", self.provider_port)),
            ("PORT", self.port.to_string()),
            ("HEALTH_PORT", self.health_port.to_string()),
            ("VERIFY_PORT", self.verify_port.to_string()),
            ("MASKER_LISTEN", format!("127.0.0.1:{}", self.masker_port)),
            ("ENVOY_ADMIN_SOCKET", self.path("envoy.sock").to_string_lossy().into_owned()),
        ]);
        let path = self.path("envoy.yaml");
        fs::write(&path, config).expect("Envoy's configuration is written");
        let path = path.to_string_lossy();
        let arguments =
            ["-c", &path, "--use-dynamic-base-id", "--concurrency", "1", "--log-level", "warning"];
        let keys = [("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE"), ("AWS_SECRET_ACCESS_KEY", "x")];
        let envoy = Process::start("envoy", &program("ENVOY"), &arguments, &keys, self.dir.path());
        self.client.until_ok(&self.health_url(), &envoy, READY).await;
        self.envoy = Some(envoy);
    }

    /// Waits until Envoy has found a masker again that was started meanwhile. That it calls it
    /// healthy does not tell: it may not have noticed yet that the one before is gone.
    pub(crate) async fn until_healthy(&self) {
        let envoy = self.envoy.as_ref().expect("Envoy runs");
        let before = self.health_checks().await;
        for _ in 0..600 {
            if self.health_checks().await > before {
                break;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        self.client.until_ok(&self.health_url(), envoy, READY).await;
    }

    /// How often masker said to Envoy that it is well.
    async fn health_checks(&self) -> u64 {
        let stream = UnixStream::connect(self.path("envoy.sock")).await;
        let mut stream = stream.expect("Envoy's admin listens");
        let ask = "GET /stats?filter=health_check HTTP/1.1\r\nhost: e\r\nconnection: close\r\n\r\n";
        stream.write_all(ask.as_bytes()).await.expect("sent");
        let mut stats = Vec::new();
        stream.read_to_end(&mut stats).await.expect("an answer");
        let stats = String::from_utf8_lossy(&stats);
        let count =
            |line: &str| line.strip_prefix("cluster.masker.health_check.success: ")?.parse().ok();
        stats.lines().find_map(count).unwrap_or_else(|| panic!("no health checks in {stats}"))
    }

    fn health_url(&self) -> String {
        format!("http://127.0.0.1:{}/healthz", self.health_port)
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> Reply {
        let headers = [("content-type", "application/json"), ("x-api-key", "sk-ant-api03-e2e")];
        self.client.send("POST", &self.url(path), &headers, body.to_string().into_bytes()).await
    }

    /// A metric, with its labels as it is printed, as text; empty when there is none.
    pub(crate) async fn metric(&self, name: &str) -> String {
        let url = format!("http://127.0.0.1:{}/metrics", self.admin_port);
        let metrics = self.client.get(&url).await.text();
        let line = metrics.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        line.unwrap_or_default().to_owned()
    }

    /// Waits until a metric has this value: exchanges are counted at their end.
    pub(crate) async fn until_metric(&self, name: &str, wanted: &str) {
        let mut found = String::new();
        for _ in 0..600 {
            found = self.metric(name).await;
            if found == wanted {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("{name} is {found}, not {wanted}");
    }

    /// Waits until masker has an exchange.
    pub(crate) async fn until_exchanging(&self) {
        for _ in 0..500 {
            if !matches!(self.metric("masker_exchanges").await.as_str(), "0" | "") {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("masker has no exchange");
    }

    /// Waits until masker notices no more aborted requests.
    pub(crate) async fn until_quiet(&self) {
        let mut before = None;
        for _ in 0..300 {
            let now = self.metric("masker_requests_total{outcome=\"aborted\"}").await;
            if before.as_ref() == Some(&now) {
                return;
            }
            before = Some(now);
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        panic!("aborted requests still arrive");
    }

    /// A command without arguments that hold blanks.
    pub(crate) async fn redis_command(&self, command: &str) {
        let answer = self.redis_answer(command).await;
        assert!(answer.starts_with("+OK"), "{answer}");
    }

    /// The beginning of what Redis answers to such a command.
    pub(crate) async fn redis_answer(&self, command: &str) -> String {
        sentinel::ask(self.redis_port, command).await
    }

    /// What the provider saw since it was last asked.
    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.provider.records.take()
    }

    pub(crate) fn script(&self, script: Value) {
        let script: Script = serde_json::from_value(script).expect("a script");
        *self.provider.script.lock().expect("no panic") = script;
    }

    /// What the programs of this bed wrote.
    pub(crate) fn logs(&self) -> Vec<u8> {
        let names =
            ["masker.out", "masker.err", "envoy.out", "envoy.err", "redis.out", "redis.err"];
        names.iter().flat_map(|name| fs::read(self.path(name)).unwrap_or_default()).collect()
    }
}

impl Drop for Bed {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.dir.disable_cleanup(true);
            eprintln!("logs are kept in {}", self.dir.path().display());
        }
    }
}
