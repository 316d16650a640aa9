//! One processor with an Envoy of its own in front.

use std::fs::{self, File};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::Outcome;
use crate::load;

/// A master key for measurements.
const KEY: &str = "8c1f0a7d93e4b2566fd80b19c7a35e42d1960f3b78ac24e5510d9be76342fa8c";

#[derive(Clone, Copy, Debug)]
pub(crate) enum Kind {
    Noop,
    /// With its log, as Envoy has its own.
    Masker,
    /// Neither masker nor Envoy logs a request.
    Quiet,
}

/// A process that ends with its owner.
#[derive(Debug)]
pub(crate) struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        // Both fail only when the process has ended by itself.
        let _killed = self.0.kill();
        let _reaped = self.0.wait();
    }
}

impl Process {
    fn start(command: &mut Command, log: &Path) -> Outcome<Self> {
        let log = File::create(log)?;
        let command = command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
        Ok(Self(command.spawn()?))
    }

    /// Microseconds of processor time so far, user and system.
    pub(crate) fn cpu(&self) -> Outcome<f64> {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.0.id()))?;
        // Behind the name in brackets: fields 14 and 15, in ticks of 10 ms (proc(5)).
        let (_, fields) = stat.rsplit_once(')').ok_or("no process statistics")?;
        let ticks = fields.split_whitespace().skip(11).take(2).map(str::parse::<u32>);
        let ticks = ticks.sum::<Result<u32, _>>()?;
        Ok(f64::from(ticks) * 10_000.0)
    }
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
    pub(crate) processor: Process,
}

impl Rig {
    pub(crate) async fn start(kind: Kind, provider: &str, dir: &Path) -> Outcome<Self> {
        let (port_, health) = (port()?, port()?);
        let listen = format!("127.0.0.1:{}", port()?);
        let admin = format!("127.0.0.1:{}", port()?);
        let name = format!("{kind:?}").to_lowercase();
        let mut command = match kind {
            Kind::Noop => {
                let mut command = Command::new(std::env::current_exe()?);
                command.args(["noop", &listen]);
                command
            }
            Kind::Masker => masker(&listen, &admin, "info", dir)?,
            Kind::Quiet => masker(&listen, &admin, "error", dir)?,
        };
        let processor = Process::start(&mut command, &dir.join(format!("{name}.log")))?;
        let config = dir.join(format!("{name}.yaml"));
        let render = Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts/render.sh");
        let rendered = Command::new(render)
            .env("UPSTREAM", format!("http://{provider}"))
            .env("PORT", port_.to_string())
            .env("HEALTH_PORT", health.to_string())
            .env("MASKER_LISTEN", &listen)
            .env("ENVOY_ADMIN_SOCKET", dir.join(format!("{name}.sock")))
            .stderr(Stdio::inherit())
            .output()?;
        let rendered = String::from_utf8(rendered.stdout)?;
        fs::write(
            &config,
            if matches!(kind, Kind::Quiet) { silent(&rendered)? } else { rendered },
        )?;
        let program = std::env::var_os("ENVOY").unwrap_or_else(|| "envoy".into());
        let mut command = Command::new(program);
        command.arg("-c").arg(&config).args(["--use-dynamic-base-id", "--concurrency", "1"]);
        command.args(["--log-level", "warning"]);
        let envoy = Process::start(&mut command, &dir.join(format!("{name}-envoy.log")))?;
        until_ok(&format!("http://127.0.0.1:{health}/healthz")).await?;
        let url = format!("http://127.0.0.1:{port_}/v1/messages");
        Ok(Self { url, admin: format!("http://{admin}"), envoy, processor })
    }
}

/// Envoy's configuration without its access log.
fn silent(config: &str) -> Outcome<String> {
    let (before, rest) = config.split_once("          access_log:\n").ok_or("no access log")?;
    let end = rest
        .lines()
        .take_while(|line| line.starts_with("          -") || line.starts_with("           "));
    let length: usize = end.map(|line| line.len() + 1).sum();
    Ok(format!("{before}{}", rest.get(length..).ok_or("no end of the access log")?))
}

fn masker(listen: &str, admin: &str, level: &str, dir: &Path) -> Outcome<Command> {
    let key = dir.join("key");
    fs::write(&key, KEY)?;
    fs::set_permissions(&key, fs::Permissions::from_mode(0o600))?;
    let mut command = Command::new(env!("CARGO_BIN_EXE_masker"));
    command.args(["serve", "--store", "memory", "--listen", listen, "--key-file"]).arg(key);
    command.args(["--admin", admin]);
    let config = dir.join(format!("masker-{level}.toml"));
    let token = dir.join("token");
    fs::write(&token, "a-token-of-the-bench-that-nobody-is-told")?;
    fs::set_permissions(&token, fs::Permissions::from_mode(0o600))?;
    fs::write(&config, format!("[log]\nlevel = {level:?}\n[admin]\ntoken_file = {token:?}\n"))?;
    command.arg("--config").arg(config);
    Ok(command)
}

async fn until_ok(url: &str) -> Outcome<()> {
    let until = Instant::now() + Duration::from_secs(30);
    while load::status(url).await != Some(200) {
        if Instant::now() > until {
            return Err(format!("{url} does not get ready").into());
        }
        sleep(Duration::from_millis(50)).await;
    }
    Ok(())
}

fn port() -> Outcome<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}
