//! An external processor that changes nothing: the yardstick for benchmarks.
//!
//! `noop_processor --listen 127.0.0.1:50051`

mod processor;

use std::error::Error;
use std::net::SocketAddr;

use clap::Parser;
use tokio::net::TcpListener;

/// An external processor that changes nothing.
#[derive(Debug, Parser)]
struct Arguments {
    /// Where Envoy finds it.
    #[arg(long, default_value = "127.0.0.1:50051")]
    listen: SocketAddr,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments = Arguments::parse();
    let listener = TcpListener::bind(arguments.listen).await?;
    tokio::select! {
        served = processor::serve(listener) => Ok(served?),
        stopped = tokio::signal::ctrl_c() => Ok(stopped?),
    }
}
