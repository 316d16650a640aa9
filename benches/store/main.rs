//! What Redis on loopback adds to a call of the store, beside the memory store.
//!
//! `cargo bench --bench store` starts a `redis-server` of its own. Both stores take turns in every
//! round; ratios are taken within a round. The clock is the time that goes by: a request waits for it.

use std::error::Error;
use std::io::Write;
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use masker::mask::{Mapping, MasterKey, Scope, Tenant};
use masker::store::config::{Backend, RedisConfig, RedisUrl, StoreConfig};
use masker::store::{Store, Wants};
use tokio::time::Instant;

const COUNTS: [usize; 4] = [1, 10, 100, 1000];
const ROUNDS: usize = 15;
/// Calls of one sample, of all sizes about as many values.
const VALUES: usize = 1000;

type Failed = Box<dyn Error>;

/// Ended with the program.
struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended already.
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Failed> {
    // `cargo test --benches` comes without `--bench`: it wants to know that this runs.
    let rounds = if std::env::args().any(|arg| arg == "--bench") { ROUNDS } else { 1 };
    let (_server, url) = start().await?;
    let redis = Backend::Redis(Box::new(RedisConfig::new(RedisUrl::parse(&url)?)));
    let stores = [open(Backend::default()).await?, open(redis).await?];
    let scope = MasterKey::parse(b"32 bytes for a key of benchmarks")?.scope(&Tenant::default());
    let out = &mut std::io::stdout().lock();
    writeln!(out, "median (min – max) of {rounds} rounds")?;
    writeln!(out, "{:<22}{:>26}{:>26}{:>26}", "", "memory, µs", "Redis, µs", "Redis / memory")?;
    let mut next = 0;
    for count in COUNTS {
        let calls = (VALUES / count).min(100);
        let (mut new, mut resent) = ([Vec::new(), Vec::new()], [Vec::new(), Vec::new()]);
        for _ in 0..rounds {
            for (place, store) in stores.iter().enumerate() {
                let sets: Vec<_> = (0..calls).map(|_| fresh(&scope, &mut next, count)).collect();
                // The first time they are new, the second time known.
                for times in [&mut new, &mut resent] {
                    let took = sample(store, &scope, &sets).await?;
                    times.get_mut(place).ok_or("two stores")?.push(took);
                }
            }
        }
        print(out, &format!("{count} new"), &new)?;
        print(out, &format!("{count} resent"), &resent)?;
    }
    Ok(())
}

async fn start() -> Result<(Server, String), Failed> {
    let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port();
    let program = std::env::var_os("REDIS_SERVER").unwrap_or_else(|| "redis-server".into());
    let mut command = Command::new(program);
    command.args(["--bind", "127.0.0.1", "--save", "", "--port", &port.to_string()]);
    let server = Server(command.stdout(Stdio::null()).stderr(Stdio::null()).spawn()?);
    for _ in 0..500 {
        if TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_ok() {
            return Ok((server, format!("redis://127.0.0.1:{port}")));
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    Err("redis-server does not listen".into())
}

async fn open(backend: Backend) -> Result<Store, Failed> {
    // A loaded machine must not look like a slow store.
    let deadline = Duration::from_secs(5);
    Ok(Store::open(&StoreConfig { backend, deadline, ..StoreConfig::default() }).await?)
}

fn fresh(scope: &Scope, next: &mut u64, count: usize) -> Vec<Arc<Mapping>> {
    let mut make = || {
        *next += 1;
        Arc::new(scope.mapping(false, "EC2", &format!("i-{next:017x}")))
    };
    (0..count).map(|_| make()).collect()
}

/// Microseconds of one call.
async fn sample(store: &Store, scope: &Scope, sets: &[Vec<Arc<Mapping>>]) -> Result<f64, Failed> {
    let begin = Instant::now();
    for set in sets {
        let wants = Wants { save: set.clone(), ..Wants::default() };
        if store.fetch(scope, wants).await?.degraded {
            return Err("the store did not answer in time".into());
        }
    }
    Ok(begin.elapsed().as_secs_f64() * 1e6 / f64::from(u32::try_from(sets.len())?))
}

fn print(out: &mut impl Write, name: &str, [memory, redis]: &[Vec<f64>; 2]) -> Result<(), Failed> {
    let ratios: Vec<_> = redis.iter().zip(memory).map(|(redis, memory)| redis / memory).collect();
    let columns = [memory, redis, &ratios].map(|values| spread(values));
    writeln!(out, "{name:<22}{:>26}{:>26}{:>26}", columns[0], columns[1], columns[2])?;
    Ok(())
}

fn spread(values: &[f64]) -> String {
    let mut values = values.to_vec();
    values.sort_by(f64::total_cmp);
    let at = |index: usize| values.get(index).copied().unwrap_or(f64::NAN);
    let (least, most) = (at(0), at(values.len().saturating_sub(1)));
    format!("{:.1} ({least:.1} – {most:.1})", at(values.len() / 2))
}
