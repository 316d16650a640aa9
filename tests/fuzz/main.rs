//! Mutated golden bodies: what no case was written for.
//!
//! Without settings each target takes a fixed number of inputs, always the same.
//! `FUZZ_SECONDS` lets each run for so long with inputs that differ each time;
//! `FUZZ_SEED` repeats a run. An input that fails is made smaller and kept in
//! `tests/fuzz/corpus/`, and everything in there is tried by every run.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::print_stderr,
    reason = "tests fail by panicking"
)]

mod corpus;
#[path = "../common/dice.rs"]
mod dice;
#[path = "../common/files.rs"]
mod files;
mod mutate;
mod run;
#[path = "../common/setup.rs"]
mod setup;
mod targets;

use targets::Target;

#[test]
fn every_input_of_the_corpus_passes() {
    for (target, name, input) in corpus::inputs() {
        eprintln!("{name}");
        target.check(&input).unwrap_or_else(|wrong| panic!("{name}: {wrong}"));
    }
}

#[test]
fn any_text_is_masked_and_comes_back() {
    run::run(Target::Text);
}

#[test]
fn any_json_is_rewritten_and_comes_back() {
    run::run(Target::Json);
}

#[test]
fn any_stream_is_restored_alike_however_it_is_split() {
    run::run(Target::Stream);
}
