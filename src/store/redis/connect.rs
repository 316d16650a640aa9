//! From the configuration to a connection: files, TLS, and who is asked.

use std::convert::Infallible;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use redis::aio::{ConnectionManager, ConnectionManagerConfig};
use redis::cluster::{ClusterClientBuilder, ClusterConfig};
use redis::cluster_read_routing::RandomReplicaStrategy;
use redis::io::tcp::TcpSettings;
use redis::sentinel::{SentinelClient, SentinelClientBuilder, SentinelServerType};
use redis::{
    Client, ClientTlsConfig, ConnectionAddr, ConnectionInfo, IntoConnectionInfo, ProtocolVersion,
    PushInfo, PushKind, RedisConnectionInfo, RedisResult, TlsCertificates, TlsMode,
};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use thiserror::Error;
use tokio::time::timeout;
use zeroize::Zeroizing;

use crate::store::config::{RedisConfig, Topology};
use crate::store::redis::Target;
use crate::store::redis::cluster::Cluster;
use crate::store::redis::line::{Line, Replicated};
use crate::store::redis::sentinel::Watch;

/// Reconnecting gives up soon: the breaker decides when to try again.
const BACKOFF_MIN: Duration = Duration::from_millis(50);
const BACKOFF_MAX: Duration = Duration::from_secs(1);
const BACKOFF_TRIES: usize = 3;
/// In a cluster: redirections, and nodes that are being replaced.
const CLUSTER_TRIES: u32 = 4;
const CLUSTER_WAIT_MIN: u64 = 10;
const CLUSTER_WAIT_MAX: u64 = 100;

/// Why the files beside the URL cannot be used.
#[derive(Debug, Error)]
pub enum FileError {
    #[error("cannot read {path}: {source}")]
    Read { path: PathBuf, source: io::Error },
    #[error("{path} is not UTF-8")]
    Text { path: PathBuf },
    #[error("{path} holds no certificate in PEM")]
    Certificate { path: PathBuf },
    #[error("{path} holds no private key in PEM")]
    Key { path: PathBuf },
    #[error("a CA file and a client certificate are of use with TLS only, rediss://")]
    Plaintext,
    #[error("a user needs a password: the URL's, or a password file")]
    NoPassword,
    #[error("the URL or a file beside it cannot be used")]
    Url,
}

/// All that a connection needs, read and checked.
struct Parts {
    redis: RedisConnectionInfo,
    certificates: Option<TlsCertificates>,
    tcp: TcpSettings,
}

type Secret = Zeroizing<String>;

/// Connects lazily; only sentinels are asked at once. A store that does not
/// answer is no error: None.
pub(super) async fn connect(
    target: &Target,
    epoch: &Arc<AtomicU64>,
) -> Result<Option<Line>, FileError> {
    let config = &target.redis;
    let parts = parts(config).await?;
    let line = match config.url.topology() {
        Topology::Standalone => {
            let mut addresses = addresses(config);
            let address = addresses.pop().ok_or(FileError::Url)?;
            let client = client(&parts, address).map_err(|_| FileError::Url)?;
            manager(target, epoch, client).map(|primary| Line::One { primary, watch: None })
        }
        Topology::Sentinel { primary } => by_sentinel(target, epoch, parts, primary).await?,
        Topology::Cluster => Some(cluster(target, epoch, parts)?),
    };
    Ok(line)
}

async fn parts(config: &RedisConfig) -> Result<Parts, FileError> {
    let tls = config.url.is_tls();
    if !tls && (config.ca.is_some() || config.identity.is_some()) {
        return Err(FileError::Plaintext);
    }
    let (username, password) = config.url.login();
    let username = secret(config.username_file.as_deref(), username).await?;
    let password = secret(config.password_file.as_deref(), password).await?;
    let mut redis = RedisConnectionInfo::default()
        .set_protocol(ProtocolVersion::RESP3)
        .set_db(config.url.database())
        .set_skip_set_lib_name();
    match (username, password) {
        (Some(_), None) => return Err(FileError::NoPassword),
        (username, Some(password)) => {
            redis = redis.set_password(password.as_str());
            if let Some(username) = username {
                redis = redis.set_username(username.as_str());
            }
        }
        (None, None) => {}
    }
    let certificates = if tls { Some(certificates(config).await?) } else { None };
    let tcp = TcpSettings::default().set_nodelay(true);
    Ok(Parts { redis, certificates, tcp })
}

fn addresses(config: &RedisConfig) -> Vec<ConnectionAddr> {
    let tls = config.url.is_tls();
    let own = |(host, port): &(String, u16)| match (host.clone(), *port) {
        (host, port) if tls => {
            ConnectionAddr::TcpTls { host, port, insecure: false, tls_params: None }
        }
        (host, port) => ConnectionAddr::Tcp(host, port),
    };
    config.url.hosts().iter().map(own).collect()
}

fn info(parts: &Parts, address: ConnectionAddr) -> RedisResult<ConnectionInfo> {
    let info = address.into_connection_info()?;
    Ok(info.set_redis_settings(parts.redis.clone()).set_tcp_settings(parts.tcp.clone()))
}

fn client(parts: &Parts, address: ConnectionAddr) -> RedisResult<Client> {
    let info = info(parts, address)?;
    match &parts.certificates {
        Some(certificates) => Client::build_with_tls(info, certificates.clone()),
        None => Client::open(info),
    }
}

/// What is called when the server, or the client itself, has news.
fn pushed(
    epoch: &Arc<AtomicU64>,
) -> impl Fn(PushInfo) -> Result<(), Infallible> + Send + Sync + 'static {
    let epoch = Arc::clone(epoch);
    move |push| {
        if push.kind == PushKind::Disconnection {
            epoch.fetch_add(1, Ordering::AcqRel);
        }
        Ok(())
    }
}

fn manager(target: &Target, epoch: &Arc<AtomicU64>, client: Client) -> Option<ConnectionManager> {
    let config = ConnectionManagerConfig::new()
        .set_connection_timeout(Some(target.connect_timeout))
        // The guard waits less; this only ends what nobody waits for.
        .set_response_timeout(Some(target.patience()))
        .set_number_of_retries(BACKOFF_TRIES)
        .set_min_delay(BACKOFF_MIN)
        .set_max_delay(BACKOFF_MAX)
        .set_push_sender(pushed(epoch));
    ConnectionManager::new_lazy_with_config(client, config).ok()
}

async fn by_sentinel(
    target: &Target,
    epoch: &Arc<AtomicU64>,
    parts: Parts,
    name: &str,
) -> Result<Option<Line>, FileError> {
    let config = &target.redis;
    let username = secret(config.sentinel_username_file.as_deref(), None).await?;
    let password = secret(config.sentinel_password_file.as_deref(), None).await?;
    let build = |role| -> RedisResult<SentinelClient> {
        let mut builder = SentinelClientBuilder::new(addresses(config), name, role)?
            .set_client_to_redis_db(config.url.database())
            .set_client_to_redis_protocol(ProtocolVersion::RESP3)
            .set_client_to_redis_tcp_settings(parts.tcp.clone())
            .set_client_to_sentinel_tcp_settings(parts.tcp.clone());
        if let Some(certificates) = &parts.certificates {
            builder = builder
                .set_client_to_redis_tls_mode(TlsMode::Secure)
                .set_client_to_redis_certificates(certificates.clone())
                .set_client_to_sentinel_certificates(certificates.clone());
        }
        if let Some(username) = parts.redis.username() {
            builder = builder.set_client_to_redis_username(username);
        }
        if let Some(password) = parts.redis.password() {
            builder = builder.set_client_to_redis_password(password);
        }
        if let Some(username) = &username {
            builder = builder.set_client_to_sentinel_username(username.as_str());
        }
        if let Some(password) = &password {
            builder = builder.set_client_to_sentinel_password(password.as_str());
        }
        builder.build()
    };
    let mut primaries = build(SentinelServerType::Master).map_err(|_| FileError::Url)?;
    // A sentinel is asked, and then the one that it names: the client sets no limits of its own.
    let limit = target.connect_timeout.saturating_mul(2);
    let Ok(Ok(client)) = timeout(limit, primaries.async_get_client()).await else {
        return Ok(None);
    };
    let replica = if config.read_from_replicas {
        let mut replicas = build(SentinelServerType::Replica).map_err(|_| FileError::Url)?;
        let found = timeout(limit, replicas.async_get_client()).await;
        found.ok().and_then(Result::ok)
    } else {
        None
    };
    let address = client.get_connection_info().addr().clone();
    let watch = Watch::new(primaries, name, address, target.connect_timeout);
    let Some(primary) = manager(target, epoch, client) else { return Ok(None) };
    let watch = Some(Arc::new(watch));
    Ok(Some(match replica.and_then(|client| manager(target, epoch, client)) {
        Some(replica) => Line::Replicated(Replicated { primary, replica, watch }),
        None => Line::One { primary, watch },
    }))
}

fn cluster(target: &Target, epoch: &Arc<AtomicU64>, parts: Parts) -> Result<Line, FileError> {
    let config = &target.redis;
    let nodes: RedisResult<Vec<_>> =
        addresses(config).into_iter().map(|address| info(&parts, address)).collect();
    let mut builder = ClusterClientBuilder::new(nodes.map_err(|_| FileError::Url)?)
        .use_protocol(ProtocolVersion::RESP3)
        .connection_timeout(target.connect_timeout)
        .response_timeout(target.patience())
        .retries(CLUSTER_TRIES)
        .min_retry_wait(CLUSTER_WAIT_MIN)
        .max_retry_wait(CLUSTER_WAIT_MAX)
        .tcp_settings(parts.tcp.clone())
        .push_sender(pushed(epoch));
    if let Some(certificates) = parts.certificates {
        builder = builder.tls(TlsMode::Secure).certs(certificates);
    }
    if config.read_from_replicas {
        builder = builder.read_routing_strategy(RandomReplicaStrategy);
    }
    let client = builder.build().map_err(|_| FileError::Url)?;
    let connection = client.get_pending_async_connection_with_config(ClusterConfig::new());
    Ok(Line::Cluster(Cluster::new(connection, config.read_from_replicas)))
}

async fn certificates(config: &RedisConfig) -> Result<TlsCertificates, FileError> {
    install_crypto();
    let root_cert = match &config.ca {
        Some(path) => Some(read_certificates(path).await?),
        None => None,
    };
    let client_tls = match &config.identity {
        Some(identity) => Some(ClientTlsConfig {
            client_cert: read_certificates(&identity.cert).await?,
            client_key: read_key(&identity.key).await?,
        }),
        None => None,
    };
    Ok(TlsCertificates { client_tls, root_cert })
}

/// rustls looks for a process-wide provider, and would panic without one where
/// the features of all crates together do not leave exactly one.
fn install_crypto() {
    if rustls::crypto::CryptoProvider::get_default().is_none() {
        // Another thread may have been faster, which is as good.
        rustls::crypto::ring::default_provider().install_default().ok();
    }
}

async fn read(path: &Path) -> Result<Zeroizing<Vec<u8>>, FileError> {
    let read = tokio::fs::read(path).await;
    read.map(Zeroizing::new).map_err(|source| FileError::Read { path: path.to_owned(), source })
}

/// Certificates in PEM, at least one: an empty list would trust nobody, and
/// say so only as a failed connection.
async fn read_certificates(path: &Path) -> Result<Vec<u8>, FileError> {
    let bytes = read(path).await?.to_vec();
    let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&bytes).collect();
    if certificates.is_ok_and(|certificates| !certificates.is_empty()) {
        Ok(bytes)
    } else {
        Err(FileError::Certificate { path: path.to_owned() })
    }
}

async fn read_key(path: &Path) -> Result<Vec<u8>, FileError> {
    let bytes = read(path).await?.to_vec();
    match PrivateKeyDer::from_pem_slice(&bytes) {
        Ok(_) => Ok(bytes),
        Err(_) => Err(FileError::Key { path: path.to_owned() }),
    }
}

/// A file's first line, or else what the URL says: editors and `echo` end a
/// line with a line end.
async fn secret(path: Option<&Path>, url: Option<Secret>) -> Result<Option<Secret>, FileError> {
    let Some(path) = path else { return Ok(url) };
    let bytes = read(path).await?;
    let text = std::str::from_utf8(&bytes);
    let text = text.map_err(|_| FileError::Text { path: path.to_owned() })?;
    Ok(Some(Zeroizing::new(text.trim_end_matches(['\r', '\n']).to_owned())))
}
