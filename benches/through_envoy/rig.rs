//! One processor with an Envoy of its own in front.

use std::collections::HashMap;
use std::fs::{self, File};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::Outcome;
use crate::load;

/// A master key for measurements.
const KEY: &str = "8c1f0a7d93e4b2566fd80b19c7a35e42d1960f3b78ac24e5510d9be76342fa8c";

#[derive(Clone, Copy, Debug)]
pub(crate) enum Kind<'a> {
    Noop,
    /// With the memory store, or a Redis.
    Masker {
        redis: Option<&'a Redis>,
    },
    /// With the memory store; neither masker nor Envoy logs a request.
    Quiet,
}

/// A process that ends with its owner.
#[derive(Debug)]
pub(crate) struct Process {
    child: Child,
    /// Nanoseconds of each thread, also of those that ended.
    threads: Mutex<HashMap<String, f64>>,
}

impl Drop for Process {
    fn drop(&mut self) {
        // Both fail only when the process has ended by itself.
        let _killed = self.child.kill();
        let _reaped = self.child.wait();
    }
}

impl Process {
    pub(crate) fn start(command: &mut Command, log: &Path) -> Outcome<Self> {
        let log = File::create(log)?;
        let command = command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
        Ok(Self { child: command.spawn()?, threads: Mutex::default() })
    }

    /// Microseconds of processor time so far, of all threads.
    pub(crate) fn cpu(&self) -> Outcome<f64> {
        let mut threads = self.threads.lock().unwrap_or_else(PoisonError::into_inner);
        for thread in fs::read_dir(format!("/proc/{}/task", self.child.id()))? {
            let thread = thread?;
            // One may end just now.
            let Ok(stat) = fs::read_to_string(thread.path().join("schedstat")) else { continue };
            let spent = stat.split(' ').next().ok_or("no statistics of a thread")?.parse()?;
            threads.insert(thread.file_name().to_string_lossy().into_owned(), spent);
        }
        Ok(threads.values().sum::<f64>() / 1e3)
    }

    /// A size in `/proc/PID/status`, in bytes.
    pub(crate) fn size(&self, name: &str) -> Outcome<f64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
        let kib = line.and_then(|line| line.split_whitespace().next()).ok_or("no such size")?;
        Ok(kib.parse::<f64>()? * 1024.0)
    }

    /// From here on `VmHWM` is the most that was used since.
    pub(crate) fn forget_peak(&self) -> Outcome<()> {
        Ok(fs::write(format!("/proc/{}/clear_refs", self.child.id()), "5")?)
    }
}

#[derive(Debug)]
pub(crate) struct Redis {
    url: String,
    pub(crate) port: u16,
    _process: Process,
}

pub(crate) fn redis(dir: &Path) -> Outcome<Redis> {
    let port = port()?;
    let program = std::env::var_os("REDIS_SERVER").unwrap_or_else(|| "redis-server".into());
    let mut command = Command::new(program);
    command
        .args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--save", "", "--dir"])
        .arg(dir);
    let process = Process::start(&mut command, &dir.join("redis.log"))?;
    Ok(Redis { url: format!("redis://127.0.0.1:{port}"), port, _process: process })
}

#[derive(Debug)]
pub(crate) struct Provider {
    pub(crate) address: String,
    _process: Process,
}

pub(crate) fn provider() -> Outcome<Provider> {
    let address = format!("127.0.0.1:{}", port()?);
    let mut command = Command::new(std::env::current_exe()?);
    let process = Process::start(command.args(["provider", &address]), Path::new("/dev/null"))?;
    Ok(Provider { address, _process: process })
}

#[derive(Debug)]
pub(crate) struct Rig {
    pub(crate) url: String,
    /// Where metrics and the monitoring API are.
    pub(crate) admin: String,
    pub(crate) envoy: Process,
    /// The chain before masker has none.
    pub(crate) processor: Option<Process>,
}

impl Rig {
    /// Microseconds of CPU so far: Envoy's, and the processor's.
    pub(crate) fn cpu(&self) -> Outcome<[f64; 2]> {
        let processor = self.processor.as_ref().map_or(Ok(0.0), Process::cpu)?;
        Ok([self.envoy.cpu()?, processor])
    }

    pub(crate) async fn start(kind: Kind<'_>, provider: &str, dir: &Path) -> Outcome<Self> {
        let (own, health) = (port()?, port()?);
        let listen = format!("127.0.0.1:{}", port()?);
        let admin = format!("127.0.0.1:{}", port()?);
        let processor = processor(kind, &listen, &admin, dir)?;
        let (config, socket) = (dir.join(format!("{own}.yaml")), dir.join(format!("{own}.sock")));
        let render = Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts/render.sh");
        let rendered = Command::new(render)
            .env("UPSTREAM", format!("http://{provider}"))
            .env("PORT", own.to_string())
            .env("HEALTH_PORT", health.to_string())
            .env("MASKER_LISTEN", &listen)
            .env("ENVOY_ADMIN_SOCKET", socket)
            .stderr(Stdio::inherit())
            .output()?;
        let rendered = String::from_utf8(rendered.stdout)?;
        let quiet = matches!(kind, Kind::Quiet);
        fs::write(&config, if quiet { silent(&rendered)? } else { rendered })?;
        let program = std::env::var_os("ENVOY").unwrap_or_else(|| "envoy".into());
        let mut command = Command::new(program);
        command.arg("-c").arg(&config).args(["--use-dynamic-base-id", "--concurrency", "1"]);
        command.args(["--log-level", "warning"]);
        let envoy = Process::start(&mut command, &dir.join(format!("{own}-envoy.log")))?;
        until_ok(&format!("http://127.0.0.1:{health}/healthz")).await?;
        let url = format!("http://127.0.0.1:{own}/v1/messages");
        let admin = format!("http://{admin}");
        Ok(Self { url, admin, envoy, processor: Some(processor) })
    }
}

/// Envoy's configuration without its access log.
fn silent(config: &str) -> Outcome<String> {
    let (before, rest) = config.split_once("          access_log:\n").ok_or("no access log")?;
    let inside = |line: &&str| line.starts_with("          -") || line.starts_with("           ");
    let length: usize = rest.lines().take_while(inside).map(|line| line.len() + 1).sum();
    Ok(format!("{before}{}", rest.get(length..).ok_or("no end of the access log")?))
}

/// The process that Envoy asks, with its own log.
pub(crate) fn processor(kind: Kind<'_>, listen: &str, admin: &str, dir: &Path) -> Outcome<Process> {
    let log = dir.join(format!("{}.log", listen.replace(':', "-")));
    let mut level = "info";
    let redis = match kind {
        Kind::Noop => {
            let mut command = Command::new(std::env::current_exe()?);
            return Process::start(command.args(["noop", listen]), &log);
        }
        Kind::Masker { redis } => redis,
        Kind::Quiet => {
            level = "error";
            None
        }
    };
    let key = dir.join("key");
    fs::write(&key, KEY)?;
    fs::set_permissions(&key, fs::Permissions::from_mode(0o600))?;
    let program = std::env::var_os("MASKER").unwrap_or_else(|| env!("CARGO_BIN_EXE_masker").into());
    let mut command = Command::new(program);
    command.args(["serve", "--listen", listen, "--admin", admin, "--key-file"]).arg(key);
    command.args(["--store", redis.map_or("memory", |redis| &redis.url)]);
    let (config, token) = (dir.join(format!("masker-{level}.toml")), dir.join("token"));
    fs::write(&token, "a-token-of-the-bench-that-nobody-is-told")?;
    fs::set_permissions(&token, fs::Permissions::from_mode(0o600))?;
    fs::write(&config, format!("[log]\nlevel = {level:?}\n[admin]\ntoken_file = {token:?}\n"))?;
    command.arg("--config").arg(config);
    Process::start(&mut command, &log)
}

pub(crate) async fn until_ok(url: &str) -> Outcome<()> {
    let until = Instant::now() + Duration::from_secs(30);
    while load::status(url).await != Some(200) {
        if Instant::now() > until {
            return Err(format!("{url} does not get ready").into());
        }
        sleep(Duration::from_millis(1)).await;
    }
    Ok(())
}

pub(crate) fn port() -> Outcome<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}
