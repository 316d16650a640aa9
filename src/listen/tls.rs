//! Server certificates, read again when their files change.
//!
//! A new file that cannot be used is refused with a warning and what was read
//! before stays, so that half of a renewed pair breaks nothing.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::ArcSwap;
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{VerifierBuilderError, WebPkiClientVerifier};
use rustls::{RootCertStore, ServerConfig};
use thiserror::Error;
use zeroize::Zeroizing;

/// No certificate chain or key is longer; a wrong path may name anything.
const FILE_MAX: u64 = 1 << 20;

/// The files of a TLS listener, all PEM.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tls {
    /// The certificate, followed by its intermediates.
    pub cert: PathBuf,
    pub key: PathBuf,
    /// If set, clients must show a certificate that one of these signed.
    pub client_ca: Option<PathBuf>,
}

#[derive(Debug, Error)]
pub enum TlsError {
    #[error("cannot read {}", path.display())]
    Read { path: PathBuf, source: io::Error },
    #[error("{} has more than {FILE_MAX} bytes", path.display())]
    TooLong { path: PathBuf },
    #[error("{} is not valid PEM", path.display())]
    Pem { path: PathBuf, source: pem::Error },
    #[error("{} holds no certificate", path.display())]
    NoCertificate { path: PathBuf },
    #[error("{} holds no private key", path.display())]
    NoKey { path: PathBuf },
    #[error("the certificate {} and the key {} cannot be used together", cert.display(), key.display())]
    Pair { cert: PathBuf, key: PathBuf, source: rustls::Error },
    #[error("the client CA {} cannot be used", path.display())]
    ClientCa { path: PathBuf, source: rustls::Error },
    #[error("the client CA {} cannot be used", path.display())]
    Verifier { path: PathBuf, source: VerifierBuilderError },
    #[error("TLS 1.2 and 1.3 are not available")]
    Versions(#[source] rustls::Error),
}

/// What a look at the files came to.
#[derive(Debug)]
pub(super) enum Refresh {
    Unchanged,
    Renewed,
    Refused(TlsError),
    /// Still as unusable as when it was refused.
    StillRefused,
}

/// The configuration in use. New connections take the current one; those that
/// are open keep theirs. No session outlives a change: the cache is part of it.
pub(super) struct Certificates {
    files: Tls,
    current: ArcSwap<ServerConfig>,
    seen: Mutex<Seen>,
}

struct Seen {
    stamps: Vec<Option<Stamp>>,
    refused: Option<String>,
}

/// Which contents a file has, without reading it: device, inode, length and
/// time of change (of the mode, too). Symbolic links are followed, as Kubernetes
/// swaps those.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stamp([u64; 3], [i64; 2]);

impl Stamp {
    pub(crate) fn read(path: &Path) -> Option<Self> {
        let meta = fs::metadata(path).ok()?;
        Some(Self([meta.dev(), meta.ino(), meta.len()], [meta.ctime(), meta.ctime_nsec()]))
    }
}

impl Certificates {
    pub(super) fn load(files: Tls) -> Result<Self, TlsError> {
        // Taken before reading: a change while reading is seen by the next look.
        let stamps = files.stamps();
        let current = ArcSwap::from_pointee(files.server_config()?);
        Ok(Self { files, current, seen: Mutex::new(Seen { stamps, refused: None }) })
    }

    pub(super) fn current(&self) -> Arc<ServerConfig> {
        self.current.load_full()
    }

    /// Reads the files again if they changed, or if they were refused before.
    pub(super) fn refresh(&self) -> Refresh {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let stamps = self.files.stamps();
        if stamps == seen.stamps && seen.refused.is_none() {
            return Refresh::Unchanged;
        }
        seen.stamps = stamps;
        match self.files.server_config() {
            Ok(config) => {
                self.current.store(Arc::new(config));
                seen.refused = None;
                Refresh::Renewed
            }
            Err(error) => {
                let told = seen.refused.replace(error.to_string());
                if told == seen.refused { Refresh::StillRefused } else { Refresh::Refused(error) }
            }
        }
    }
}

impl Tls {
    fn stamps(&self) -> Vec<Option<Stamp>> {
        let files = [Some(&self.cert), Some(&self.key), self.client_ca.as_ref()];
        files.into_iter().flatten().map(|path| Stamp::read(path)).collect()
    }

    fn server_config(&self) -> Result<ServerConfig, TlsError> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .map_err(TlsError::Versions)?;
        let builder = match &self.client_ca {
            None => builder.with_no_client_auth(),
            Some(path) => {
                let mut roots = RootCertStore::empty();
                for root in certificates(path)? {
                    let failed = |source| TlsError::ClientCa { path: path.clone(), source };
                    roots.add(root).map_err(failed)?;
                }
                let verifier =
                    WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider)
                        .build()
                        .map_err(|source| TlsError::Verifier { path: path.clone(), source })?;
                builder.with_client_cert_verifier(verifier)
            }
        };
        let mut config =
            builder.with_single_cert(certificates(&self.cert)?, private_key(&self.key)?).map_err(
                |source| TlsError::Pair { cert: self.cert.clone(), key: self.key.clone(), source },
            )?;
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(config)
    }
}

pub(super) fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let pem = read(path)?;
    let chain: Vec<_> = CertificateDer::pem_slice_iter(&pem)
        .collect::<Result<_, _>>()
        .map_err(|source| TlsError::Pem { path: path.to_owned(), source })?;
    if chain.is_empty() {
        return Err(TlsError::NoCertificate { path: path.to_owned() });
    }
    Ok(chain)
}

fn private_key(path: &Path) -> Result<PrivateKeyDer<'static>, TlsError> {
    PrivateKeyDer::from_pem_slice(&read(path)?).map_err(|source| match source {
        pem::Error::NoItemsFound => TlsError::NoKey { path: path.to_owned() },
        source => TlsError::Pem { path: path.to_owned(), source },
    })
}

fn read(path: &Path) -> Result<Zeroizing<Vec<u8>>, TlsError> {
    let failed = |source| TlsError::Read { path: path.to_owned(), source };
    if fs::metadata(path).map_err(failed)?.len() > FILE_MAX {
        return Err(TlsError::TooLong { path: path.to_owned() });
    }
    fs::read(path).map(Zeroizing::new).map_err(failed)
}

#[cfg(test)]
pub(super) mod tests {
    use rcgen::{BasicConstraints, Certificate, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
    use tempfile::TempDir;

    use super::*;

    /// A certificate authority of its own.
    pub(in crate::listen) struct Authority(CertifiedIssuer<'static, KeyPair>);

    impl Authority {
        pub(in crate::listen) fn new() -> Self {
            let mut params = CertificateParams::new([]).unwrap();
            params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
            Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
        }

        pub(in crate::listen) fn certificate(&self) -> &Certificate {
            self.0.as_ref()
        }

        pub(in crate::listen) fn sign(&self, name: &str) -> (Certificate, KeyPair) {
            let key = KeyPair::generate().unwrap();
            let params = CertificateParams::new([name.to_owned()]).unwrap();
            (params.signed_by(&key, &self.0).unwrap(), key)
        }
    }

    /// A directory with the files of a listener.
    pub(in crate::listen) struct Files(TempDir);

    impl Files {
        pub(in crate::listen) fn new() -> Self {
            Self(tempfile::tempdir().unwrap())
        }

        pub(in crate::listen) fn path(&self, name: &str) -> PathBuf {
            self.0.path().join(name)
        }

        /// Puts a new certificate for `localhost` in place.
        pub(in crate::listen) fn write(&self, authority: &Authority) {
            let (cert, key) = authority.sign("localhost");
            self.replace("cert.pem", &cert.pem());
            self.replace("key.pem", &key.serialize_pem());
        }

        /// As tools that renew certificates do: written beside, then renamed.
        fn replace(&self, name: &str, text: &str) {
            fs::write(self.path("new"), text).unwrap();
            fs::rename(self.path("new"), self.path(name)).unwrap();
        }

        pub(in crate::listen) fn tls(&self, client_ca: Option<&Authority>) -> Tls {
            let client_ca = client_ca.map(|authority| {
                self.replace("ca.pem", &authority.certificate().pem());
                self.path("ca.pem")
            });
            Tls { cert: self.path("cert.pem"), key: self.path("key.pem"), client_ca }
        }
    }

    #[test]
    fn what_cannot_be_used_is_refused_once_and_changes_nothing() {
        let files = Files::new();
        let authority = Authority::new();
        files.write(&authority);
        let certificates = Certificates::load(files.tls(Some(&authority))).unwrap();
        let first = certificates.current();
        assert!(matches!(certificates.refresh(), Refresh::Unchanged));

        let (cert, key) = authority.sign("localhost");
        for (name, text, part) in [
            ("cert.pem", cert.pem(), "cannot be used together"),
            ("cert.pem", "nonsense".to_owned(), "holds no certificate"),
            ("key.pem", "-----BEGIN PRIVATE KEY-----\n!".to_owned(), "certificate"),
            ("ca.pem", String::new(), "ca.pem holds no certificate"),
        ] {
            files.replace(name, &text);
            match certificates.refresh() {
                Refresh::Refused(error) => {
                    assert!(error.to_string().contains(part), "{error}");
                }
                Refresh::StillRefused => assert_eq!(name, "key.pem"),
                other => panic!("{name} was taken: {other:?}"),
            }
            assert!(matches!(certificates.refresh(), Refresh::StillRefused));
            assert!(Arc::ptr_eq(&first, &certificates.current()));
        }

        files.replace("cert.pem", &cert.pem());
        files.replace("key.pem", &key.serialize_pem());
        files.replace("ca.pem", &authority.certificate().pem());
        assert!(matches!(certificates.refresh(), Refresh::Renewed));
        assert!(!Arc::ptr_eq(&first, &certificates.current()));
    }

    #[test]
    fn files_are_named_in_errors() {
        let files = Files::new();
        files.write(&Authority::new());
        let tls = files.tls(None);
        for (name, text, message) in [
            ("key.pem", "", "key.pem holds no private key"),
            ("cert.pem", "-----BEGIN CERTIFICATE-----\nx\n", "cert.pem is not valid PEM"),
        ] {
            files.replace(name, text);
            let error = tls.server_config().unwrap_err().to_string();
            assert!(error.ends_with(message), "{error}");
        }
        fs::remove_file(files.path("cert.pem")).unwrap();
        assert!(tls.server_config().unwrap_err().to_string().starts_with("cannot read"));
    }
}
