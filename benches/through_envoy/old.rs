//! The chain that masker replaces, nginx with Lua, where Debian's parts of it are installed
//! (`apt-get install nginx-light libnginx-mod-http-lua lua-nginx-redis`).

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::Command;

use crate::bars::Bar;
use crate::bars::Bound::AtLeast;
use crate::rig::{self, Process, Provider, Redis, Rig};
use crate::shape::Shape;
use crate::way::spread;
use crate::{Outcome, load};

const NGINX: &str = "/usr/sbin/nginx";
const MODULES: &str = "/usr/lib/nginx/modules";
const DRIVER: &str = "/usr/share/lua/5.1/nginx/redis.lua";
const ROUNDS: usize = 5;
/// It serves about a hundred a second.
const REQUESTS: usize = 64;

/// How many times as many requests a second masker serves.
pub(crate) async fn measure(
    masker: &Rig,
    (provider, redis): (&Provider, &Redis),
    dir: &Path,
    fewer: usize,
) -> Outcome<Option<Bar>> {
    let [shape, ..] = Shape::all()?;
    let there = [NGINX, &format!("{MODULES}/ngx_http_lua_module.so"), DRIVER];
    let out = &mut std::io::stdout();
    if let Some(missing) = there.iter().find(|file| !Path::new(file).exists()) {
        writeln!(out, "\nnginx with Lua is not measured: {missing} is missing")?;
        return Ok(None);
    }
    let nginx = nginx(provider, redis, dir).await?;
    let (rounds, requests) = if fewer > 1 { (1, 16) } else { (ROUNDS, REQUESTS) };
    let (mut rates, mut pairs) = (Vec::new(), Vec::new());
    for _ in 0..rounds {
        let old = load::round(&nginx, &shape, requests).await?;
        let new = load::round(masker, &shape, shape.requests(fewer)).await?;
        rates.push(old.rate);
        pairs.push(new.rate / old.rate);
    }
    let rates = spread(rates.into_iter(), 0);
    writeln!(out, "\nnginx with Lua: {rates} requests/s of {}", shape.name)?;
    Ok(Some(Bar::new(
        &format!("{}: requests/s, masker / nginx with Lua", shape.name),
        pairs,
        AtLeast(40.0),
    )))
}

async fn nginx(provider: &Provider, redis: &Redis, dir: &Path) -> Outcome<Rig> {
    let (port, old) =
        (rig::port()?, concat!(env!("CARGO_MANIFEST_DIR"), "/benches/through_envoy/old"));
    let (dir_, port_, redis_) =
        (dir.display().to_string(), port.to_string(), redis.port.to_string());
    let mut text = fs::read_to_string(Path::new(old).join("nginx.conf"))?;
    for (name, value) in [
        ("@MODULES@", MODULES),
        ("@DIR@", &dir_),
        ("@OLD@", old),
        ("@PROVIDER@", &provider.address),
        ("@PORT@", &port_),
        ("@REDIS_PORT@", &redis_),
    ] {
        text = text.replace(name, value);
    }
    let config = dir.join("nginx.conf");
    fs::write(&config, text)?;
    let mut command = Command::new(NGINX);
    let envoy = Process::start(command.arg("-c").arg(&config), &dir.join("nginx.log"))?;
    rig::until_ok(&format!("http://127.0.0.1:{port}/healthz")).await?;
    let url = format!("http://127.0.0.1:{port}/v1/messages");
    // It shows nothing of itself.
    Ok(Rig { url, admin: String::new(), envoy, processor: None })
}
