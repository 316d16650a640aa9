//! Tries inputs, and makes one that fails smaller.

use std::panic::{AssertUnwindSafe, catch_unwind, set_hook, take_hook};
use std::time::{Duration, SystemTime};

use tokio::time::Instant;

use crate::corpus;
use crate::dice::Dice;
use crate::mutate::mutated;
use crate::targets::Target;

/// Without `FUZZ_SECONDS`.
const INPUTS: u64 = 250;
/// Attempts to make an input smaller.
const ATTEMPTS: usize = 2000;

fn setting(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|value| value.parse().unwrap_or_else(|_| panic!("{name}={value}")))
}

pub(crate) fn run(target: Target) {
    let seconds = setting("FUZZ_SECONDS");
    let clock = || {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
        now.as_secs() * 1_000_000 + u64::from(now.subsec_micros())
    };
    let seed = setting("FUZZ_SEED").unwrap_or_else(|| seconds.map_or(1, |_| clock()));
    let end = seconds.map(|seconds| Instant::now() + Duration::from_secs(seconds));
    let (seeds, mut dice) = (corpus::seeds(target), Dice::new(seed));
    let mut tried = 0;
    while end.map_or(tried < INPUTS, |end| Instant::now() < end) {
        let input = mutated(&seeds, &mut dice);
        if let Some(wrong) = failure(target, &input) {
            let least = smaller(target, input);
            let path = corpus::keep(target, &least);
            let text = String::from_utf8_lossy(&least);
            panic!("FUZZ_SEED={seed}, input {tried}: {wrong}\n{}\n{text:?}", path.display());
        }
        tried += 1;
    }
    eprintln!("{}: {tried} inputs, FUZZ_SEED={seed}", target.name());
}

/// What is wrong with an input; a panic is.
fn failure(target: Target, input: &[u8]) -> Option<String> {
    let checked = catch_unwind(AssertUnwindSafe(|| target.check(input)));
    checked.unwrap_or_else(|_| Err("it panics".to_owned())).err()
}

/// Takes out pieces, large ones first, as long as it still fails.
fn smaller(target: Target, mut input: Vec<u8>) -> Vec<u8> {
    let loud = take_hook();
    set_hook(Box::new(|_| ()));
    let (mut size, mut attempts) = (input.len() / 2, 0);
    while size > 0 && attempts < ATTEMPTS {
        let mut at = 0;
        while at < input.len() && attempts < ATTEMPTS {
            attempts += 1;
            let mut less = input.clone();
            drop(less.drain(at..(at + size).min(input.len())));
            if failure(target, &less).is_some() { input = less } else { at += size }
        }
        size /= 2;
    }
    set_hook(loud);
    input
}
