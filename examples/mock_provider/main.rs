//! A provider that answers like the Claude API and remembers what it was sent.
//!
//! `mock_provider --listen 127.0.0.1:9000 --record requests.jsonl`
//!
//! `GET /__requests` lists what arrived, `DELETE /__requests` forgets it, and
//! `PUT /__script` says how to answer from now on (`provider/script.rs`).

mod provider;

use std::error::Error;
use std::fs::OpenOptions;
use std::io::Write;
use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Parser;
use tokio::net::TcpListener;

use provider::Provider;

/// A provider that answers like the Claude API and remembers what it was sent.
#[derive(Debug, Parser)]
struct Arguments {
    /// Where to listen, for HTTP/1.1 and for HTTP/2 without TLS.
    #[arg(long, default_value = "127.0.0.1:9000")]
    listen: SocketAddr,
    /// A file that gets one line of JSON for each request.
    #[arg(long)]
    record: Option<PathBuf>,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments = Arguments::parse();
    let record = match &arguments.record {
        Some(path) => Some(OpenOptions::new().create(true).append(true).open(path)?),
        None => None,
    };
    let listener = TcpListener::bind(arguments.listen).await?;
    writeln!(std::io::stdout(), "mock provider on http://{}", listener.local_addr()?)?;
    tokio::select! {
        () = Provider::new(record).serve(listener) => Ok(()),
        stopped = tokio::signal::ctrl_c() => Ok(stopped?),
    }
}
