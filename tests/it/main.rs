//! The core, from outside: what must hold for any body and any split of it.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "tests fail by panicking"
)]

mod answers;
mod architecture;
mod attacks;
mod aws_answers;
mod beside;
mod bytes;
mod careful;
mod chained;
mod conversations;
mod custom;
#[path = "../common/dice.rs"]
mod dice;
mod driver;
mod envoy;
mod every_split;
mod exchange;
#[path = "../common/files.rs"]
mod files;
mod formats;
mod golden;
mod golden_streams;
mod hosted;
mod identifiers;
mod json;
mod kept;
mod names;
mod near;
mod note;
mod offsets;
mod operations;
mod planted;
mod prefixed;
mod printed;
mod profiles;
mod properties;
mod reasoning;
mod refusals;
mod resent;
mod robust;
mod schemas;
#[path = "../common/setup.rs"]
mod setup;
mod spellings;
mod splits;
mod streams;
mod thinking;
mod widened;
mod wire;
