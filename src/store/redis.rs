//! The connection to a Redis: one, multiplexed, for all exchanges.
//!
//! ```text
//! key    m1:<22 characters>    base64url of Scope::store_key, an HMAC of the placeholder
//! value  see seal.rs           sealed under the tenant's key, with its fingerprint
//! key    m1:r:<22 characters>  a record of a conversation, or the names of a session
//! value  see record.rs         sealed under the tenant's key for records
//! ```
//!
//! One pipeline per call; for each mapping `SET key value NX GET EX ttl`
//! (Redis 7.0), which writes where nothing is and else answers what is there,
//! and `EXPIRE key ttl GT`, which refreshes what was there unless it lives longer. A stored value is
//! never overwritten. For each placeholder to reveal, `GET key`. Records are overwritten with
//! each turn, `SET key value EX ttl GET`, and read with `GET key`.
//!
//! The connection speaks RESP3, in which the client learns of a lost
//! connection at once; it reconnects in the background with backoff and jitter.

use std::convert::Infallible;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use redis::aio::{ConnectionManager, ConnectionManagerConfig};
use redis::io::tcp::TcpSettings;
use redis::{
    Client, ErrorKind, IntoConnectionInfo, Pipeline, ProtocolVersion, PushInfo, PushKind,
    RedisError, TlsCertificates, Value,
};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use thiserror::Error;
use zeroize::Zeroizing;

use crate::store::batch::{Batch, NotWritten, Replies, Saved, StoreKey};
use crate::store::config::RedisUrl;

/// Written to see whether the store takes writes again.
const PROBE_KEY: &str = "m1:probe";
const PROBE_TTL: u64 = 60;
/// Reconnecting gives up soon: the breaker decides when to try again.
const BACKOFF_MIN: Duration = Duration::from_millis(50);
const BACKOFF_MAX: Duration = Duration::from_secs(1);
const BACKOFF_TRIES: usize = 3;

/// Why a call failed. Holds no text of a key, a value or a password.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub(crate) enum Failure {
    #[error("no answer within {0:?}")]
    Deadline(Duration),
    #[error("Redis answered {0}")]
    Refused(Box<str>),
    #[error("connection: {0}")]
    Connection(io::ErrorKind),
    #[error("{0}")]
    Client(&'static str),
}

impl From<RedisError> for Failure {
    fn from(error: RedisError) -> Self {
        if let Some(code) = error.code() {
            return Self::Refused(code.into());
        }
        match error.kind() {
            ErrorKind::AuthenticationFailed => Self::Client("authentication failed"),
            ErrorKind::Io => Self::Connection(io_kind(&error)),
            _ => Self::Client("protocol error"),
        }
    }
}

fn io_kind(error: &RedisError) -> io::ErrorKind {
    if error.is_timeout() {
        io::ErrorKind::TimedOut
    } else if error.is_connection_refusal() {
        io::ErrorKind::ConnectionRefused
    } else if error.is_connection_dropped() {
        io::ErrorKind::ConnectionReset
    } else {
        io::ErrorKind::Other
    }
}

/// Why the files beside the URL cannot be used.
#[derive(Debug, Error)]
pub enum FileError {
    #[error("cannot read {path}: {source}")]
    Read { path: PathBuf, source: io::Error },
    #[error("{path} is not UTF-8")]
    Text { path: PathBuf },
    #[error("{path} holds no certificate in PEM")]
    Certificate { path: PathBuf },
    #[error("a CA file is of use with rediss:// only")]
    Plaintext,
    #[error("the URL cannot be used")]
    Url,
}

/// Where to connect, and how.
#[derive(Debug)]
pub(crate) struct Target {
    pub(crate) url: RedisUrl,
    pub(crate) ca: Option<PathBuf>,
    pub(crate) username_file: Option<PathBuf>,
    pub(crate) password_file: Option<PathBuf>,
    pub(crate) connect_timeout: Duration,
    pub(crate) ttl: Duration,
    pub(crate) lasting_ttl: Duration,
}

pub(crate) struct Link {
    target: Target,
    connection: Mutex<Option<ConnectionManager>>,
    /// Grows with each connection that is lost: what is known of the content
    /// of the store ends there.
    epoch: Arc<AtomicU64>,
}

impl fmt::Debug for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Link").field("target", &self.target).finish_non_exhaustive()
    }
}

impl Link {
    /// Reads the files; connects later.
    pub(crate) async fn new(target: Target) -> Result<Self, FileError> {
        let link = Self { target, connection: Mutex::default(), epoch: Arc::default() };
        link.renew().await?;
        Ok(link)
    }

    pub(crate) fn epoch(&self) -> u64 {
        self.epoch.load(Ordering::Acquire)
    }

    /// Drops the connection and makes another, lazily: one that hangs does not
    /// tell, and the files may have changed.
    pub(crate) async fn renew(&self) -> Result<(), FileError> {
        let client = self.client().await?;
        let epoch = Arc::clone(&self.epoch);
        let pushed = move |push: PushInfo| {
            if push.kind == PushKind::Disconnection {
                epoch.fetch_add(1, Ordering::AcqRel);
            }
            Ok::<(), Infallible>(())
        };
        let config = ConnectionManagerConfig::new()
            .set_connection_timeout(Some(self.target.connect_timeout))
            // The guard waits less; this only ends what nobody waits for.
            .set_response_timeout(Some(self.target.connect_timeout))
            .set_number_of_retries(BACKOFF_TRIES)
            .set_min_delay(BACKOFF_MIN)
            .set_max_delay(BACKOFF_MAX)
            .set_push_sender(pushed);
        let connection = ConnectionManager::new_lazy_with_config(client, config).ok();
        self.epoch.fetch_add(1, Ordering::AcqRel);
        *self.connection.lock().unwrap_or_else(PoisonError::into_inner) = connection;
        Ok(())
    }

    async fn client(&self) -> Result<Client, FileError> {
        let target = &self.target;
        let info = target.url.expose().into_connection_info();
        // The URL was checked when it was parsed.
        let info = info.map_err(|_| FileError::Url)?;
        let mut redis = info
            .redis_settings()
            .clone()
            .set_protocol(ProtocolVersion::RESP3)
            .set_skip_set_lib_name();
        if let Some(path) = &target.username_file {
            redis = redis.set_username(read_secret(path).await?.as_str());
        }
        if let Some(path) = &target.password_file {
            redis = redis.set_password(read_secret(path).await?.as_str());
        }
        let info = info
            .set_redis_settings(redis)
            .set_tcp_settings(TcpSettings::default().set_nodelay(true));
        if !target.url.is_tls() {
            return if target.ca.is_none() {
                Client::open(info).map_err(|_| FileError::Url)
            } else {
                Err(FileError::Plaintext)
            };
        }
        install_crypto();
        let root_cert = match &target.ca {
            Some(path) => Some(read_certificates(path).await?),
            None => None,
        };
        Client::build_with_tls(info, TlsCertificates { client_tls: None, root_cert })
            .map_err(|_| FileError::Url)
    }

    /// One round trip.
    pub(crate) async fn run(&self, batch: &Batch) -> Result<Replies, Failure> {
        let ttl = self.target.ttl.as_secs().max(1);
        let lasting = self.target.lasting_ttl.max(self.target.ttl).as_secs().max(1);
        let mut pipeline = Pipeline::with_capacity(batch.saves.len() * 2 + batch.reveals.len());
        for save in &batch.saves {
            let key = key(&save.key);
            let set = pipeline.cmd("SET").arg(&key).arg(save.sealed.as_ref());
            let ttl = if save.lasting { lasting } else { ttl };
            set.arg("NX").arg("GET").arg("EX").arg(ttl);
            pipeline.cmd("EXPIRE").arg(&key).arg(ttl).arg("GT");
        }
        for reveal in &batch.reveals {
            pipeline.cmd("GET").arg(key(reveal));
        }
        for write in &batch.writes {
            let set = pipeline.cmd("SET").arg(record_key(&write.key)).arg(write.value.as_ref());
            set.arg("EX").arg(ttl).arg("GET");
        }
        for read in &batch.reads {
            pipeline.cmd("GET").arg(record_key(read));
        }
        let answers = self.send(&mut pipeline).await?;
        read_answers(batch, answers)
    }

    /// Writes a key of its own, which ends soon. A store that is full,
    /// read-only or too old would answer a `PING`.
    pub(crate) async fn probe(&self) -> Result<(), Failure> {
        let mut pipeline = Pipeline::with_capacity(1);
        let set = pipeline.cmd("SET").arg(PROBE_KEY).arg("1");
        set.arg("NX").arg("GET").arg("EX").arg(PROBE_TTL);
        let answers = self.send(&mut pipeline).await?;
        answers.into_iter().try_for_each(|answer| check(answer).map(drop))
    }

    async fn send(&self, pipeline: &mut Pipeline) -> Result<Vec<Value>, Failure> {
        let connection = self.connection.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let mut connection = connection.ok_or(Failure::Client("no connection"))?;
        pipeline.ignore_errors();
        let expected = pipeline.len();
        let answers: Vec<Value> = pipeline.query_async(&mut connection).await?;
        if answers.len() == expected { Ok(answers) } else { Err(Failure::Client("protocol error")) }
    }
}

fn key(key: &StoreKey) -> String {
    named("m1:", key)
}

fn record_key(key: &StoreKey) -> String {
    named("m1:r:", key)
}

fn named(prefix: &str, key: &StoreKey) -> String {
    let mut text = String::with_capacity(27);
    text.push_str(prefix);
    URL_SAFE_NO_PAD.encode_string(key, &mut text);
    text
}

/// Sorts the answers of a pipeline, one for each of its commands.
fn read_answers(batch: &Batch, answers: Vec<Value>) -> Result<Replies, Failure> {
    let mut replies = Replies::default();
    let mut answers = answers.into_iter().map(check);
    let mut next = || answers.next().unwrap_or(Err(Failure::Client("protocol error")));
    for _ in &batch.saves {
        let set = next();
        let expire = next();
        let saved = match set {
            Ok(Value::Nil) => Saved::New,
            Ok(Value::BulkString(existing)) => Saved::Existing(existing),
            Ok(_) => return Err(Failure::Client("protocol error")),
            Err(failure) => {
                replies.failure = Some(failure);
                Saved::Waiting
            }
        };
        replies.saves.push(saved);
        if let Err(failure) = expire {
            replies.failure.get_or_insert(failure);
        }
    }
    let mut value = |replies: &mut Replies| match next() {
        Ok(Value::BulkString(sealed)) => Ok(Ok(Some(sealed))),
        Ok(Value::Nil) => Ok(Ok(None)),
        Ok(_) => Err(Failure::Client("protocol error")),
        Err(failure) => {
            replies.failure = Some(failure);
            Ok(Err(NotWritten))
        }
    };
    for _ in &batch.reveals {
        let revealed = value(&mut replies)?.unwrap_or_default();
        replies.reveals.push(revealed);
    }
    for _ in &batch.writes {
        let written = value(&mut replies)?;
        replies.writes.push(written);
    }
    for _ in &batch.reads {
        let read = value(&mut replies)?.unwrap_or_default();
        replies.reads.push(read);
    }
    Ok(replies)
}

fn check(answer: Value) -> Result<Value, Failure> {
    match answer {
        Value::ServerError(error) => Err(Failure::Refused(error.code().into())),
        other => Ok(other),
    }
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

/// A file's first line: editors and `echo` end it with a line end.
async fn read_secret(path: &Path) -> Result<Zeroizing<String>, FileError> {
    let bytes = read(path).await?;
    let text = std::str::from_utf8(&bytes);
    let text = text.map_err(|_| FileError::Text { path: path.to_owned() })?;
    Ok(Zeroizing::new(text.trim_end_matches(['\r', '\n']).to_owned()))
}
