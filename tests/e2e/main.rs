//! The whole path: clients, a real Envoy, masker, a real Redis and a provider
//! that remembers what it was sent.
//!
//! `ENVOY`, `REDIS_SERVER`, `PYTHON` (with the package `anthropic`) and
//! `CLAUDE_CODE`, `CHROMEDRIVER`, `AXE` (a file) and `SCHEMATHESIS` name the programs; `scripts/install.sh` finds or installs them.
//! Each test starts what it needs on free ports and shares nothing.

#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr,
    reason = "a test stops at the first surprise"
)]

mod bed;
mod planted;
#[path = "../common/ports.rs"]
mod ports;
#[path = "../../examples/mock_provider/provider/mod.rs"]
mod provider;

mod aborts;
mod attacks;
mod canary;
mod claude_code;
mod dashboard;
mod doctor;
mod fail_closed;
mod hang_up;
mod headers;
mod messages;
mod modes;
mod monitoring;
mod old_patterns;
mod outage;
mod outward;
mod player;
mod recorder;
mod refusals;
mod reload;
mod rules;
mod sdk;
mod sessions;
mod sizes;
mod slow_proxy;
mod soak;
mod stage;
mod tenants;
mod turns;
mod verify;
