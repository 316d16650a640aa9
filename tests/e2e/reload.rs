//! Patterns that are read again while exchanges run.

use std::collections::BTreeSet;
use std::fs;
use std::process::Command;
use std::time::Duration;

use serde_json::json;

use crate::bed::{Bed, Plan, Signal};
use crate::outage::{placeholders, restored};
use crate::stage::{Exchange, Play};

use Play::{Body, Headers};

const TEXT: &str = "ORD-1234 and INV-9876";
const ORDERS: &str = "[[patterns]]\nname = \"orders\"\nkind = \"ORDER\"\n\
                      expression = 'ORD-[0-9]{4}'\nexamples = [\"ORD-1234\"]\n";
const APPLIED: &str = "masker_config_reloads_total{result=\"applied\"}";
const REFUSED: &str = "masker_config_reloads_total{result=\"refused\"}";

fn body() -> Vec<u8> {
    crate::messages::asking(TEXT).to_string().into_bytes()
}

/// What the provider would see of the text.
fn seen(masked: &[u8]) -> (bool, bool) {
    let text = String::from_utf8_lossy(masked);
    (text.contains("ORD-1234"), text.contains("INV-9876"))
}

async fn ask(bed: &Bed) -> (bool, bool) {
    let mut exchange = Exchange::open(bed).await;
    exchange.play(&Headers).await;
    exchange.play(&Body(body(), true)).await;
    let masked = exchange.request().await;
    assert!(masked.ok);
    seen(&masked.body)
}

async fn until(bed: &Bed, metric: &str, value: &str) {
    for _ in 0..500 {
        if bed.metric(metric).await == value {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("{metric} is not {value}");
}

/// Runs `masker keys` on the bed's key file.
fn keys(bed: &Bed, arguments: &[&str]) {
    let key = bed.path("key").to_string_lossy().into_owned();
    let (command, rest) = arguments.split_first().expect("a command");
    let masker = Command::new(env!("CARGO_BIN_EXE_masker"))
        .args(["keys", command, &key])
        .args(rest)
        .output()
        .expect("masker runs");
    assert!(masker.status.success(), "{}", String::from_utf8_lossy(&masker.stderr));
}

/// A key that rotates seals from then on, without a restart: who lacks it cannot read what
/// is stored from then on. The key of placeholders is not changed under way.
#[tokio::test(flavor = "multi_thread")]
async fn keys_rotate_without_a_restart() {
    let bed = Bed::start(Plan { redis: true, ..Plan::default() }).await;
    let ask = async |value: &str| {
        let text = format!("Look at {value}, please.");
        let headers = [("content-type", "application/json")];
        let body = crate::messages::asking(&text).to_string().into_bytes();
        let reply = bed.client.send("POST", &bed.url("/v1/messages"), &headers, body).await;
        assert_eq!(reply.json()["content"][0]["text"], format!("I see: {text}"));
        let mut names = BTreeSet::new();
        placeholders(&bed.seen(), &mut names);
        names.pop_first().expect("it was masked")
    };
    let (before, after) = ("i-00a0000000000000b", "i-00a0000000000000c");
    let first = ask(before).await;
    keys(&bed, &["add"]);
    keys(&bed, &["use", "1"]);
    bed.masker.as_ref().expect("masker runs").signal(Signal::HangUp);
    // The file is watched, too: it may be read once or twice.
    for _ in 0..500 {
        if bed.metric(APPLIED).await != "0" {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let second = ask(after).await;
    assert_eq!(ask(before).await, first, "no placeholder changes");
    keys(&bed, &["retag", "--new-placeholders"]);
    until(&bed, REFUSED, "1").await;
    assert_eq!(ask(after).await, second, "not under way");
    let logs = String::from_utf8_lossy(&bed.logs()).into_owned();
    assert!(logs.contains("the key of placeholders is another one"), "{logs}");
    // The replica has the first key alone.
    let third = "i-00a0000000000000d";
    let text = restored(&bed, &[second.clone(), ask(third).await].into()).await;
    assert!(text.contains(&second) && !text.contains(after) && !text.contains(third), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn patterns_are_read_again_and_no_exchange_notices() {
    let bed = Bed::start(Plan { no_envoy: true, config: ORDERS, ..Plan::default() }).await;
    assert_eq!(ask(&bed).await, (false, true));
    // Begun before the change, ended after it: masked with what it began with.
    let mut running = Exchange::open(&bed).await;
    running.play(&Headers).await;
    let whole = body();
    let (first, last) = whole.split_at(whole.len() / 2);
    running.play(&Body(first.to_vec(), false)).await;
    bed.until_exchanging().await;

    fs::write(bed.path("names"), "# invoices\nINV-9876\n").expect("the names are written");
    let names = json!(bed.path("names"));
    let more =
        format!("{ORDERS}[[patterns]]\nname = \"inv\"\nkind = \"INVOICE\"\nfile = {names}\n");
    fs::write(bed.path("masker.toml"), &more).expect("the configuration is written");
    until(&bed, APPLIED, "1").await;
    assert_eq!(ask(&bed).await, (false, false));
    running.play(&Body(last.to_vec(), true)).await;
    let masked = running.request().await;
    assert!(masked.ok);
    assert_eq!(seen(&masked.body), (false, true));

    // A list of names is watched too.
    fs::write(bed.path("names"), "INV-9999\n").expect("the names are written");
    until(&bed, APPLIED, "2").await;
    assert_eq!(ask(&bed).await, (false, true));

    // What is wrong is refused, told without its names, and what was there stays.
    fs::write(bed.path("names"), "INV-9876\nxy\n").expect("the names are written");
    until(&bed, REFUSED, "1").await;
    assert_eq!(ask(&bed).await, (false, true));
    let logs = String::from_utf8_lossy(&bed.logs()).into_owned();
    assert!(logs.contains("patterns.file holds on line 2 a name of 2 bytes"), "{logs}");
    assert!(!logs.contains("INV-9876"), "{logs}");

    // A hang-up reads again at once, and ends nothing.
    bed.masker.as_ref().expect("masker runs").signal(Signal::HangUp);
    until(&bed, REFUSED, "2").await;
    fs::write(bed.path("masker.toml"), "").expect("the configuration is written");
    bed.masker.as_ref().expect("masker runs").signal(Signal::HangUp);
    until(&bed, APPLIED, "3").await;
    assert_eq!(ask(&bed).await, (true, true));
}
