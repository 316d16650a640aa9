//! Operators block and bypass, with `masker mode` over the API.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Output};

use crate::bed::{Bed, Plan};
use crate::messages::asking;
use crate::planted::{assert_unseen, prose};
use crate::stage::{Exchange, Play};

pub(crate) const TOKEN: &str = "a-token-of-the-tests-with-enough-characters";

/// A gateway with a token, and these lines under `[mode]`.
pub(crate) async fn bed(mode: &str) -> Bed {
    let plan = Plan { no_masker: true, no_envoy: true, ..Plan::default() };
    let mut bed = Bed::start(plan).await;
    let token = bed.path("token");
    fs::write(&token, TOKEN).expect("the token is written");
    fs::set_permissions(&token, fs::Permissions::from_mode(0o600)).expect("it is private");
    let audit = bed.path("audit");
    let config =
        format!("[admin]\ntoken_file = {token:?}\n[audit]\nfile = {audit:?}\n[mode]\n{mode}\n");
    fs::write(bed.path("masker.toml"), config).expect("the configuration is written");
    bed.start_masker(false).await;
    bed.with_envoy().await
}

fn mode(bed: &Bed, args: &[&str]) -> Output {
    command(bed, "mode", args)
}

/// A command of masker's that calls the API of the one that runs.
pub(crate) fn command(bed: &Bed, name: &str, args: &[&str]) -> Output {
    let config = bed.path("masker.toml");
    Command::new(env!("CARGO_BIN_EXE_masker"))
        .arg(name)
        .args(args)
        .arg("--config")
        .arg(config)
        .args(["--admin", &format!("127.0.0.1:{}", bed.admin_port)])
        .env_clear()
        .output()
        .expect("masker runs")
}

#[track_caller]
fn ok(output: &Output) -> String {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[track_caller]
fn refused(output: &Output) -> String {
    assert_eq!(output.status.code(), Some(1));
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn block_all_refuses_until_it_ends() {
    let bed = bed("").await;
    assert_eq!(ok(&mode(&bed, &["show"])), "normal\n");
    let said = ok(&mode(&bed, &["block-all", "--for", "10m", "--reason", "a drill"]));
    assert!(said.starts_with("block-all, set by an operator, for "), "{said}");
    assert!(said.contains("\nset from 127.0.0.1:") && said.ends_with(": a drill\n"), "{said}");
    assert_eq!(ok(&mode(&bed, &["show"])).lines().nth(1), said.lines().nth(1));
    let refused_time = refused(&mode(&bed, &["block-all", "--for", "2d", "--reason", "x"]));
    assert!(refused_time.contains("at most 86400"), "{refused_time}");
    assert_eq!(bed.metric("masker_mode").await, "2");
    let reply = bed.post("/v1/messages", &asking(&prose())).await;
    assert_eq!((reply.status, reply.header("x-masker-refused")), (503, "blocked"));
    assert_eq!(reply.json()["error"]["type"], "api_error");
    assert!(!reply.header("retry-after").is_empty());
    assert!(bed.seen().is_empty());
    assert_eq!(ok(&mode(&bed, &["normal"])), "normal\n");
    let reply = bed.post("/v1/messages", &asking(&prose())).await;
    assert_eq!(reply.status, 200, "{}", reply.text());
    assert_unseen(&bed.seen());
    let logs = String::from_utf8_lossy(&bed.logs()).into_owned();
    for part in ["\"call\":\"SetMode\"", "MODE_BLOCK_ALL", "\"reason\":\"a drill\""] {
        assert!(logs.contains(part), "{part}");
    }
    // Not allowed: nothing changes.
    let said = refused(&mode(&bed, &["bypass", "--for", "1m", "--reason", "x"]));
    assert!(said.contains("`allow_bypass = true` under `[mode]`"), "{said}");
    let said = refused(&mode(&bed, &["normal", "--for", "1m"]));
    assert!(said.contains("--for and --reason are for block-all and bypass"), "{said}");
    assert_eq!(ok(&mode(&bed, &["show"])), "normal\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bypass_needs_both_keys() {
    let bed = bed("allow_bypass = true\nlongest_bypass = \"10m\"").await;
    for (args, wrong) in [
        (vec!["bypass", "--reason", "x"], "bypass needs an end"),
        (vec!["bypass", "--for", "10m"], "needs a reason"),
        (vec!["bypass", "--for", "11m", "--reason", "x"], "lasts at most 600 s"),
    ] {
        let said = refused(&mode(&bed, &args));
        assert!(said.contains(wrong), "{said}");
    }
    ok(&mode(&bed, &["bypass", "--for", "10m", "--reason", "the provider is our own today"]));
    assert_eq!(bed.metric("masker_mode").await, "3");
    // Envoy's configuration admits none: nothing leaves.
    let reply = bed.post("/v1/messages", &asking(&prose())).await;
    assert_eq!(reply.status, 403, "{}", reply.text());
    assert!(bed.seen().is_empty());
    // To an Envoy that does, it goes as it came, without the proof.
    let body = asking(&prose()).to_string().into_bytes();
    let mut exchange = Exchange::open(&bed).await;
    exchange.play(&Play::Headers).await;
    exchange.play(&Play::Body(body.clone(), true)).await;
    let passed = exchange.request().await;
    assert!(!passed.ok && passed.body == body);
    assert_eq!(passed.removed, ["x-masker-tenant"]);
    drop(exchange);
    bed.until_metric("masker_requests_total{outcome=\"bypassed\"}", "2").await;
}
