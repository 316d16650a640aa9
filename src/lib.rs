//! Masker: an Envoy external processor that masks AWS identifiers and secrets
//! in requests to an outside LLM and restores them in its answers.
//!
//! `detect`, `body`, `mask`, `mode` and `breaker` are the core: no I/O, no
//! clock. The rest is the shell. `ARCHITECTURE.md` has the map.

pub mod admin;
pub mod body;
pub mod breaker;
pub mod cli;
pub mod config;
pub mod detect;
pub mod ext_proc;
pub mod listen;
pub mod mask;
pub mod mode;
pub mod outward;
pub mod store;
pub mod telemetry;
