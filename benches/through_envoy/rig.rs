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
    Masker,
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
    pub(crate) envoy: Process,
    pub(crate) processor: Process,
}

impl Rig {
    pub(crate) async fn start(kind: Kind, provider: &str, dir: &Path) -> Outcome<Self> {
        let (port_, health) = (port()?, port()?);
        let listen = format!("127.0.0.1:{}", port()?);
        let name = format!("{kind:?}").to_lowercase();
        let mut command = match kind {
            Kind::Noop => {
                let mut command = Command::new(std::env::current_exe()?);
                command.args(["noop", &listen]);
                command
            }
            Kind::Masker => masker(&listen, dir)?,
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
        fs::write(&config, rendered.stdout)?;
        let program = std::env::var_os("ENVOY").unwrap_or_else(|| "envoy".into());
        let mut command = Command::new(program);
        command.arg("-c").arg(&config).args(["--use-dynamic-base-id", "--concurrency", "1"]);
        command.args(["--log-level", "warning"]);
        let envoy = Process::start(&mut command, &dir.join(format!("{name}-envoy.log")))?;
        until_ok(&format!("http://127.0.0.1:{health}/healthz")).await?;
        Ok(Self { url: format!("http://127.0.0.1:{port_}/v1/messages"), envoy, processor })
    }
}

fn masker(listen: &str, dir: &Path) -> Outcome<Command> {
    let key = dir.join("key");
    fs::write(&key, KEY)?;
    fs::set_permissions(&key, fs::Permissions::from_mode(0o600))?;
    let mut command = Command::new(env!("CARGO_BIN_EXE_masker"));
    command.args(["serve", "--store", "memory", "--listen", listen, "--key-file"]).arg(key);
    command.args(["--admin", &format!("127.0.0.1:{}", port()?)]);
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
