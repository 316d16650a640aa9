//! Envoy's external processing filter: one gRPC stream per HTTP exchange.

pub mod answer;
pub mod aside;
pub mod budget;
pub mod endpoint;
pub mod exchange;
pub mod gate;
pub mod headers;
pub mod messages;
pub mod pieces;
mod queue;
mod record;
pub mod refuse;
pub mod request;
pub mod server;
pub mod service;
pub mod settings;
pub mod talk;
pub mod tally;
pub mod wire;
