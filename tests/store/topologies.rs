//! The suite with TLS, with client certificates and with an ACL user.

use std::path::{Path, PathBuf};

use masker::store::config::{Backend, Identity, RedisConfig, RedisUrl, StoreConfig};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};

use crate::behavior::{self, patient};
use crate::redis_server::Server;
use crate::secured::written;

type Issuer = CertifiedIssuer<'static, KeyPair>;

pub(crate) fn authority(dir: &Path, name: &str) -> (PathBuf, Issuer) {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
    (written(dir, name, &issuer.pem()), issuer)
}

/// A certificate for 127.0.0.1 and its key.
pub(crate) fn certificate(dir: &Path, name: &str, issuer: &Issuer) -> Identity {
    let key = KeyPair::generate().unwrap();
    let names = vec!["127.0.0.1".to_owned()];
    let mut params = CertificateParams::new(names).unwrap();
    // OpenSSL takes what has its issuer's name for self-signed.
    params.distinguished_name.push(DnType::CommonName, name);
    let cert = params.signed_by(&key, issuer).unwrap();
    Identity {
        cert: written(dir, &format!("{name}-cert.pem"), &cert.pem()),
        key: written(dir, &format!("{name}-key.pem"), &key.serialize_pem()),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn suite_over_tls_with_client_certificates() {
    let dir = tempfile::tempdir().unwrap();
    let (ca, issuer) = authority(dir.path(), "ca.pem");
    let own = certificate(dir.path(), "server", &issuer);
    let identity = certificate(dir.path(), "client", &issuer);
    let text = |path: &Path| path.to_str().unwrap().to_owned();
    let server = Server::start(&[
        "--tls-cert-file",
        &text(&own.cert),
        "--tls-key-file",
        &text(&own.key),
        "--tls-ca-cert-file",
        &text(&ca),
        "--tls-auth-clients",
        "yes",
    ])
    .await;
    let url = RedisUrl::parse(&format!("rediss://127.0.0.1:{}", server.port)).unwrap();
    let redis =
        RedisConfig { ca: Some(ca), identity: Some(identity), ..RedisConfig::new(url.clone()) };
    let with =
        |redis| StoreConfig { backend: Backend::Redis(Box::new(redis)), ..StoreConfig::default() };
    behavior::all(&patient(with(redis.clone())), 100).await;
    // Without the certificate it is an outage.
    let store = masker::store::Store::open(&with(RedisConfig { identity: None, ..redis })).await;
    assert_eq!(store.unwrap().mode(), masker::mode::Mode::Degraded);
}

#[tokio::test(flavor = "multi_thread")]
async fn suite_as_a_user_with_few_rights() {
    let server = Server::start(&[]).await;
    let words = ["ACL", "SETUSER", "masker", "on", ">secret", "~m1:*", "-@all"];
    let rights = ["+hello", "+auth", "+select", "+set", "+get", "+expire"];
    server.command(&[&words[..], &rights[..]].concat()).await;
    server.command(&["ACL", "SETUSER", "default", "-@all", "+hello", "+ping"]).await;
    let dir = tempfile::tempdir().unwrap();
    let url = RedisUrl::parse(&format!("redis://127.0.0.1:{}/3", server.port)).unwrap();
    let redis = RedisConfig {
        username_file: Some(written(dir.path(), "user", "masker\n")),
        password_file: Some(written(dir.path(), "password", "secret\n")),
        ..RedisConfig::new(url)
    };
    let config = StoreConfig { backend: Backend::Redis(Box::new(redis)), ..StoreConfig::default() };
    behavior::all(&patient(config), 100).await;
}
