//! Patterns that are read again while exchanges run.

use std::fs;
use std::time::Duration;

use serde_json::json;

use crate::bed::{Bed, Plan, Signal};
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
