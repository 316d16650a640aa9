//! The API of a running masker, as its own commands call it.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use thiserror::Error;
use tonic::metadata::{Ascii, MetadataValue};
use tonic::service::Interceptor;
use tonic::service::interceptor::InterceptedService;
use tonic::transport::{Certificate, Channel, ClientTlsConfig, Endpoint, Identity};
use tonic::{Code, Request, Status};

use crate::admin::proto::masker_client::MaskerClient;
use crate::config::Config;
use crate::config::load::Flags;
use crate::listen::Address;

/// For connecting, and for an answer.
const TIME: Duration = Duration::from_secs(10);

pub(super) type Client = MaskerClient<InterceptedService<Channel, Bearer>>;

/// Where the running masker is, and how it is talked to.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct Args {
    /// The configuration of the running masker, TOML: its address, token and certificate
    /// [env: MASKER_CONFIG]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Where its API is served: IP:PORT or unix:PATH [env: MASKER_ADMIN]
    /// [default: 127.0.0.1:9400]
    #[arg(long, value_name = "ADDRESS")]
    admin: Option<String>,
    /// Holds the bearer token [default: `admin.token_file` of the configuration]
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
    /// Trust this authority, PEM [default: `admin.tls.cert` of the configuration]
    #[arg(long, value_name = "FILE")]
    ca: Option<PathBuf>,
    /// The name in its certificate [default: the address]
    #[arg(long, value_name = "NAME")]
    server_name: Option<String>,
    /// Show this certificate and key, both in one PEM file
    #[arg(long, value_name = "FILE")]
    identity: Option<PathBuf>,
}

impl Args {
    pub(super) fn flags(&self) -> Flags {
        let (config, admin) = (self.config.clone(), self.admin.clone());
        Flags { config, admin, ..Flags::default() }
    }
}

#[derive(Debug, Error)]
pub(super) enum ClientError {
    #[error(
        "the API needs a token: name its file with --token-file, or as `admin.token_file` in the configuration"
    )]
    NoToken,
    #[error("cannot read {0}")]
    File(PathBuf, #[source] io::Error),
    #[error("{0} holds no token that can be sent")]
    Token(PathBuf),
    #[error("the runtime cannot be started")]
    Runtime(#[source] io::Error),
    #[error("cannot reach masker at {0}; is it running?")]
    Connect(String, #[source] tonic::transport::Error),
    #[error(
        "masker took the connection and did not answer within {TIME:?}: it hangs, or is stopped"
    )]
    Silent,
    #[error("masker refused: {}", .0.message())]
    Refused(Status),
}

impl From<Status> for ClientError {
    fn from(status: Status) -> Self {
        match status.code() {
            // The time was over; masker itself never answers so.
            Code::Cancelled | Code::DeadlineExceeded => Self::Silent,
            _ => Self::Refused(status),
        }
    }
}

/// Adds the token to each call.
#[derive(Clone)]
pub(super) struct Bearer(MetadataValue<Ascii>);

impl Interceptor for Bearer {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        request.metadata_mut().insert("authorization", self.0.clone());
        request.set_timeout(TIME);
        Ok(request)
    }
}

/// Connects and calls.
pub(super) fn run<T>(
    config: &Config,
    args: &Args,
    call: impl AsyncFnOnce(Client) -> Result<T, ClientError>,
) -> Result<T, ClientError> {
    let bearer = bearer(args.token_file.as_ref().or(config.admin.token_file.as_ref()))?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.map_err(ClientError::Runtime)?.block_on(async {
        let channel = connect(config, args).await?;
        call(MaskerClient::with_interceptor(channel, bearer)).await
    })
}

fn bearer(path: Option<&PathBuf>) -> Result<Bearer, ClientError> {
    let path = path.ok_or(ClientError::NoToken)?;
    let text = read(path)?;
    let mut value: MetadataValue<Ascii> = std::str::from_utf8(&text)
        .ok()
        .map(|text| format!("Bearer {}", text.trim()))
        .and_then(|text| text.parse().ok())
        .ok_or_else(|| ClientError::Token(path.clone()))?;
    value.set_sensitive(true);
    Ok(Bearer(value))
}

fn read(path: &Path) -> Result<Vec<u8>, ClientError> {
    fs::read(path).map_err(|error| ClientError::File(path.to_owned(), error))
}

async fn connect(config: &Config, args: &Args) -> Result<Channel, ClientError> {
    let address = &config.admin.address;
    let failed = |error| ClientError::Connect(address.to_string(), error);
    let scheme = if config.admin.tls.is_some() || args.ca.is_some() { "https" } else { "http" };
    let uri = match address {
        Address::Tcp(address) => format!("{scheme}://{address}"),
        Address::Unix(path) => format!("unix://{}", path.display()),
    };
    let endpoint = Endpoint::from_shared(uri).map_err(failed)?;
    let mut endpoint = endpoint.connect_timeout(TIME);
    let trusted = args.ca.as_ref().or(config.admin.tls.as_ref().map(|tls| &tls.cert));
    if let Some(path) = trusted {
        let mut tls = ClientTlsConfig::new().ca_certificate(Certificate::from_pem(read(path)?));
        if let Some(path) = &args.identity {
            let pem = read(path)?;
            tls = tls.identity(Identity::from_pem(&pem, &pem));
        }
        if let Some(name) = &args.server_name {
            tls = tls.domain_name(name);
        }
        endpoint = endpoint.tls_config(tls).map_err(failed)?;
    }
    endpoint.connect().await.map_err(failed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_masker_that_hangs_has_refused_nothing() {
        // What tonic says when `set_timeout` is over.
        let said = ClientError::from(Status::cancelled("Timeout expired")).to_string();
        assert!(said.contains("did not answer within 10s") && !said.contains("refused"), "{said}");
        let said = ClientError::from(Status::failed_precondition("needs an end")).to_string();
        assert_eq!(said, "masker refused: needs an end");
    }
}
