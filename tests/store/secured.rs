//! What a Redis can tell, and who may talk to it.

use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use masker::breaker::State;
use masker::mask::{Mapping, MasterKey, Ring, Tenant};
use masker::mode::Mode;
use masker::store::config::{Backend, RedisConfig, RedisUrl, StoreConfig};
use masker::store::{OpenError, Store};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use zeroize::Zeroizing;

use crate::redis_server::{Server, command};
use crate::{CANARY, mappings, redis, reveal, save, scope, until, values};

const PASSWORD: &str = "canary-password";

fn with_files(config: StoreConfig, name: Option<&Path>, password: Option<&Path>) -> StoreConfig {
    let Backend::Redis(redis) = config.backend else { panic!() };
    let (username_file, password_file) = (name.map(Into::into), password.map(Into::into));
    let backend = Backend::Redis(Box::new(RedisConfig { username_file, password_file, ..*redis }));
    StoreConfig { backend, ..config }
}

pub(crate) fn written(dir: &Path, name: &str, text: &str) -> PathBuf {
    let path = dir.join(name);
    fs::write(&path, text).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    path
}

#[tokio::test]
async fn redis_shows_neither_value_nor_tenant() {
    let server = Server::start(&[]).await;
    let store = Store::open(&redis(&server.url())).await.unwrap();
    let scope = scope("tenant-name");
    let all = mappings(&scope, 20);
    save(&store, &scope, &all).await;
    let content = server.content().await;
    assert_eq!(content.len(), 20);
    for (key, value) in content {
        assert!(key.starts_with("m1:") && key.len() == 25, "{key}");
        for hidden in [CANARY, "tenant-name", "AWS_", "EC2"] {
            assert!(!key.contains(hidden));
            assert!(!value.windows(hidden.len()).any(|part| part == hidden.as_bytes()));
        }
        let tag = |m: &Mapping| m.placeholder.as_str().rsplit('_').next().unwrap().to_owned();
        assert!(all.iter().all(|m| !key.contains(&tag(m))));
    }
}

#[tokio::test]
async fn damaged_values_are_never_restored() {
    let server = Server::start(&[]).await;
    let store = Store::open(&redis(&server.url())).await.unwrap();
    let scope = scope("a");
    let all = mappings(&scope, 2);
    save(&store, &scope, &all).await;
    for (key, value) in server.content().await {
        let last = (value.len() - 1).to_string();
        server
            .command(&["SETRANGE", &key, &last, if value.ends_with(b"x") { "y" } else { "x" }])
            .await;
    }
    assert_eq!(reveal(&store, &scope, &all).await, [None, None]);
    assert_eq!(store.status().unreadable, 2);
    // Nor do they look like a collision to one that saves.
    for (key, _) in server.content().await {
        server.command(&["SET", &key, "garbage"]).await;
    }
    let other = Store::open(&redis(&server.url())).await.unwrap();
    save(&other, &scope, &all).await;
    assert_eq!((other.status().unreadable, other.status().collisions), (2, 0));
}

#[tokio::test]
async fn a_user_with_few_rights_is_enough() {
    let server = Server::start(&[]).await;
    let rule = format!(">{PASSWORD}");
    let words = ["ACL", "SETUSER", "masker", "on", &rule, "~m1:*", "-@all"];
    let rights = ["+set", "+get", "+expire", "+select", "+hello", "+auth"];
    server.command(&[&words[..], &rights[..]].concat()).await;
    server.command(&["ACL", "SETUSER", "default", "resetpass", "-@all", "+hello", "+auth"]).await;

    let dir = tempfile::tempdir().unwrap();
    let user = written(dir.path(), "user", "masker\n");
    let password = written(dir.path(), "password", &format!("{PASSWORD}\r\n"));
    let in_url = format!("redis://masker:{PASSWORD}@127.0.0.1:{}/2", server.port);
    let scope = scope("a");
    let all = mappings(&scope, 5);
    for config in [
        redis(&in_url),
        with_files(redis(&server.url()), Some(&user), Some(&password)),
        with_files(
            redis(&format!("redis://masker@127.0.0.1:{}", server.port)),
            None,
            Some(&password),
        ),
    ] {
        let store = Store::open(&config).await.unwrap();
        assert_eq!(store.mode(), Mode::Normal);
        assert!(!save(&store, &scope, &all).await.degraded);
        assert_eq!(reveal(&store, &scope, &all).await, values(&all));
        let printed = format!("{config:?} {store:?}");
        assert!(!printed.contains(PASSWORD), "{printed}");
    }
}

#[tokio::test]
async fn a_wrong_password_is_an_outage_that_a_new_file_ends() {
    let server = Server::start(&[]).await;
    let admin = format!("redis://:{PASSWORD}@127.0.0.1:{}", server.port);
    server.command(&["CONFIG", "SET", "requirepass", PASSWORD]).await;
    let dir = tempfile::tempdir().unwrap();
    let password = written(dir.path(), "password", "wrong");
    let config = with_files(crate::impatient(&server.url()), None, Some(&password));
    let store = Store::open(&config).await.unwrap();
    assert_eq!(store.mode(), Mode::Degraded);
    let scope = scope("a");
    let all = mappings(&scope, 5);
    assert!(save(&store, &scope, &all).await.degraded);
    written(dir.path(), "password", PASSWORD);
    until(&store, "written", |status| status.saved == 5 && status.queued == 0).await;
    until(&store, "back", |status| status.breaker == State::Closed).await;
    let size = command(&admin, &["DBSIZE"]).await;
    assert!(matches!(size, ::redis::Value::Int(5 | 6)), "{size:?}");
}

/// Keeps what is logged.
#[derive(Clone, Default)]
struct Sink(Arc<Mutex<Vec<u8>>>);

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn an_outage_is_logged_without_values_or_passwords() {
    let sink = Sink::default();
    let writer = sink.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_writer(move || writer.clone())
        .finish();
    // Of the whole process: what the other tests log must not show anything either.
    tracing::subscriber::set_global_default(subscriber).unwrap();
    let mut server = Server::start(&["--requirepass", PASSWORD]).await;
    let url = format!("redis://:{PASSWORD}@127.0.0.1:{}", server.port);
    let store = Store::open(&crate::impatient(&url)).await.unwrap();
    let scope = scope("a");
    let all = mappings(&scope, 5);
    save(&store, &scope, &all).await;
    server.kill().await;
    let new = mappings(&scope, 9);
    for _ in 0..6 {
        assert!(save(&store, &scope, &new).await.degraded);
    }
    store.close(Duration::from_secs(5)).await;
    let log = String::from_utf8(sink.0.lock().unwrap().clone()).unwrap();
    assert!(log.contains("out of reach") && log.contains("not written before the end"), "{log}");
    assert!(!log.contains(CANARY) && !log.contains(PASSWORD), "{log}");
    let printed = format!("{store:?} {:?}", store.status());
    assert!(!printed.contains(CANARY) && !printed.contains(PASSWORD), "{printed}");
}

#[tokio::test]
async fn missing_files_are_named() {
    let dir = tempfile::tempdir().unwrap();
    let missing = dir.path().join("missing");
    let no_pem = written(dir.path(), "ca.pem", "no certificate");
    let with_ca = |url: &str, ca: &Path| {
        let url = RedisUrl::parse(url).unwrap();
        let ca = Some(ca.to_owned());
        let backend = Backend::Redis(Box::new(RedisConfig { ca, ..RedisConfig::new(url) }));
        StoreConfig { backend, ..StoreConfig::default() }
    };
    for (config, says) in [
        (with_files(redis("redis://127.0.0.1:1"), None, Some(&missing)), "missing"),
        (with_files(redis("redis://127.0.0.1:1"), Some(&missing), None), "missing"),
        (with_ca("rediss://127.0.0.1:1", &missing), "missing"),
        (with_ca("rediss://127.0.0.1:1", &no_pem), "no certificate"),
        (with_ca("redis://127.0.0.1:1", &no_pem), "rediss://"),
    ] {
        let error = Store::open(&config).await.unwrap_err();
        assert!(matches!(error, OpenError::File(_)));
        assert!(error.to_string().contains(says), "{error}");
    }
}

#[tokio::test]
async fn tls_trusts_its_own_authority_only() {
    let dir = tempfile::tempdir().unwrap();
    let authority = |name: &str| {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        (written(dir.path(), name, &issuer.pem()), issuer)
    };
    let (ca, issuer) = authority("ca.pem");
    let (stranger, _) = authority("stranger.pem");
    let key = KeyPair::generate().unwrap();
    let names = vec!["127.0.0.1".to_owned()];
    let certificate = CertificateParams::new(names).unwrap().signed_by(&key, &issuer).unwrap();
    let cert = written(dir.path(), "cert.pem", &certificate.pem());
    let key = written(dir.path(), "key.pem", &key.serialize_pem());
    let path = |path: &Path| path.to_str().unwrap().to_owned();
    let (cert, key, ca_arg) = (path(&cert), path(&key), path(&ca));
    let server = Server::start(&[
        "--tls-cert-file",
        &cert,
        "--tls-key-file",
        &key,
        "--tls-ca-cert-file",
        &ca_arg,
        "--tls-auth-clients",
        "no",
    ])
    .await;

    let config = |ca: &Path| {
        let url = RedisUrl::parse(&format!("rediss://127.0.0.1:{}", server.port)).unwrap();
        let ca = Some(ca.to_owned());
        let backend = Backend::Redis(Box::new(RedisConfig { ca, ..RedisConfig::new(url) }));
        let (deadline, connect_timeout) = (Duration::from_secs(5), Duration::from_secs(5));
        StoreConfig { backend, deadline, connect_timeout, ..StoreConfig::default() }
    };
    let scope = scope("a");
    let all = mappings(&scope, 5);
    let store = Store::open(&config(&ca)).await.unwrap();
    assert!(!save(&store, &scope, &all).await.degraded);
    assert_eq!(reveal(&store, &scope, &all).await, values(&all));

    let store = Store::open(&config(&stranger)).await.unwrap();
    assert_eq!(store.mode(), Mode::Degraded);
    assert!(save(&store, &scope, &all).await.degraded);
}

#[tokio::test]
async fn keys_rotate_and_nothing_is_lost() {
    let server = Server::start(&[]).await;
    let tenant = Tenant::named("a").unwrap();
    let mut ring = Ring::parse(&(0..32).collect::<Vec<u8>>()).unwrap();
    let first = MasterKey::of(ring.clone()).scope(&tenant);
    let all = mappings(&first, 50);
    let store = Store::open(&redis(&server.url())).await.unwrap();
    save(&store, &first, &all).await;
    let id = ring.add(Zeroizing::new([7; 32])).unwrap();
    let adding = MasterKey::of(ring.clone()).scope(&tenant);
    ring.make_current(id).unwrap();
    let second = MasterKey::of(ring.clone()).scope(&tenant);
    assert!(mappings(&second, 50) == all, "no placeholder changes");
    // Replicas with either ring read what the other wrote.
    let (a, b) = tokio::join!(async { Store::open(&redis(&server.url())).await.unwrap() }, async {
        Store::open(&redis(&server.url())).await.unwrap()
    });
    assert_eq!(reveal(&a, &second, &all).await, values(&all));
    save(&a, &second, &all[..30]).await;
    let sealed_under =
        async |id: u8| server.content().await.iter().filter(|(_, value)| value[1] == id).count();
    // What is used is sealed again.
    until(&a, "sealed again", |status| status.queued == 0).await;
    for _ in 0..600 {
        if sealed_under(1).await == 30 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!((sealed_under(0).await, sealed_under(1).await), (20, 30));
    assert_eq!(reveal(&b, &adding, &all).await, values(&all));
    save(&b, &adding, &all).await;
    assert_eq!(sealed_under(1).await, 30, "an older key takes no newer one's place");
    ring.retire(0).unwrap();
    let third = MasterKey::of(ring).scope(&tenant);
    assert_eq!(reveal(&b, &third, &all[..30]).await, values(&all[..30]));
    assert!(reveal(&b, &third, &all[30..]).await.iter().all(Option::is_none));
    assert_eq!((b.status().unreadable, b.status().collisions), (20, 0));
}
