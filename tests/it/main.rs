//! The core, from outside: what must hold for any body and any split of it.

mod architecture;
mod driver;
mod exchange;
mod golden;
mod golden_streams;
mod json;
mod planted;
mod properties;
mod refusals;
mod robust;
mod splits;
mod streams;
