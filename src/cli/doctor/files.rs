//! Keys, certificates, the token and the audit log: can they be read, and how old are they?

use std::fs;
use std::path::Path;
use std::time::Duration;
use std::time::SystemTime;
use std::time::UNIX_EPOCH;

use crate::admin::Token;
use crate::cli::doctor::Finding;
use crate::cli::doctor::bad;
use crate::cli::doctor::good;
use crate::cli::doctor::note;
use crate::cli::output::chain;
use crate::config::Config;
use crate::config::key::KeySource;
use crate::config::secret;
use crate::listen;
use crate::listen::Tls;
use crate::telemetry::journal;

const DAY: u64 = 86_400;
/// As in the rules for Prometheus.
const CERTIFICATE_DAYS: u64 = 14;
const KEY_DAYS: u64 = 365;

pub(super) fn examine(config: &Config, now: SystemTime) -> Vec<Finding> {
    let mut found = Vec::new();
    if let KeySource::File(path) = &config.key {
        found.extend(key_age(path, now));
    }
    for (listener, tls) in [("listen", &config.listen.tls), ("admin", &config.admin.tls)] {
        found.extend(tls.as_ref().map(|tls| certificate(listener, tls, now)));
    }
    found.push(token(config));
    found.extend(config.audit_file.as_deref().map(audit));
    let passwords = config.store.password_files().into_iter();
    found.extend(passwords.map(|(option, path)| password(option, path)));
    found
}

/// A password that others may read is theirs too.
fn password(option: &str, path: &Path) -> Finding {
    match fs::metadata(path).map(|about| secret::open_to_others(&about)) {
        Ok(None) => good(format!("password: {option} is its owner's alone")),
        Ok(Some(mode)) => note(
            format!("password: {option} has mode {mode:04o}, so that others may read it"),
            "`chmod 600` the file, and let it belong to the user that masker runs as",
        ),
        Err(error) => bad(
            format!("password: {option} cannot be read: {error}"),
            "write the password to the file, for the user that masker runs as",
        ),
    }
}

/// Where the keys come from, as people say it.
pub(super) fn source(source: &KeySource) -> String {
    match source {
        KeySource::File(path) => path.display().to_string(),
        KeySource::Env(_) => "MASKER_KEY".to_owned(),
        KeySource::Command(_) => "what key_command printed".to_owned(),
    }
}

/// None where the file cannot be seen, which reading it tells better.
fn key_age(path: &Path, now: SystemTime) -> Option<Finding> {
    let written = fs::metadata(path).ok()?.modified().ok()?;
    let days = now.duration_since(written).unwrap_or_default().as_secs() / DAY;
    let what = format!("keys: the file was written {days} days ago");
    Some(if days > KEY_DAYS {
        note(what, "rotate: `masker keys add`, then `masker keys use` on all replicas")
    } else {
        good(what)
    })
}

fn certificate(listener: &str, tls: &Tls, now: SystemTime) -> Finding {
    const RENEW: &str = "renew it; masker reads the files again by itself";
    let Some(end) = listen::expiry(&tls.cert) else {
        let what =
            format!("certificate: {listener}.tls.cert {} cannot be read", tls.cert.display());
        return bad(what, "it must be PEM, the listener's own certificate first");
    };
    let end = UNIX_EPOCH + Duration::from_secs(end);
    match end.duration_since(now) {
        Err(_) => bad(format!("certificate: that of {listener} has ended"), RENEW),
        Ok(left) => {
            let days = left.as_secs() / DAY;
            let what = format!("certificate: that of {listener} ends in {days} days");
            if days < CERTIFICATE_DAYS { bad(what, RENEW) } else { good(what) }
        }
    }
}

fn token(config: &Config) -> Finding {
    match config.admin.token_file.as_deref().map(Token::load) {
        None => note(
            "token: none, so that nobody can call the API or set the mode",
            "write 32 characters to a file of mode 0600 and name it as `admin.token_file`",
        ),
        Some(Ok(_)) => good("token: read"),
        Some(Err(error)) => bad(
            format!("token: {}", chain(&error)),
            "put the file right: masker does not start with it, and one that runs closes its API",
        ),
    }
}

/// Can entries be added, and does each line follow the one before?
fn audit(path: &Path) -> Finding {
    if let Err(error) = journal::can_be_opened(path) {
        return bad(
            format!("audit: {}", chain(&error)),
            "masker does not start with it: put the file right, or move all of them away and keep them",
        );
    }
    match journal::check(path) {
        Ok(whole) => good(format!(
            "audit: {} entries in {} files, a whole chain",
            whole.entries, whole.files
        )),
        Err(_) if !path.exists() => good("audit: the file is made with the start"),
        Err(error) => note(
            format!("audit: {}", chain(&error)),
            "a full disk, or a process that was killed? masker cuts that line off when it starts",
        ),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;
    use std::path::PathBuf;

    use rcgen::CertificateParams;
    use rcgen::KeyPair;
    use rcgen::date_time_ymd;

    use super::*;
    use crate::store::doctor::Level;

    fn written(dir: &Path, name: &str, content: &str) -> PathBuf {
        let path = dir.join(name);
        fs::write(&path, content).unwrap();
        path
    }

    #[test]
    fn certificates_that_end_are_told_in_time() {
        let dir = tempfile::tempdir().unwrap();
        let mut params = CertificateParams::new(["localhost".to_owned()]).unwrap();
        params.not_after = date_time_ymd(2031, 3, 1);
        let made = params.self_signed(&KeyPair::generate().unwrap()).unwrap();
        let cert = written(dir.path(), "cert.pem", &made.pem());
        let tls = |cert| Tls { cert, key: dir.path().join("none"), client_ca: None };
        let end = UNIX_EPOCH + Duration::from_secs(1_930_089_600);
        let days = |days| Duration::from_secs(days * DAY);
        for (now, level, words) in [
            (end - days(300), Level::Good, "ends in 300 days"),
            (end - days(14), Level::Good, "ends in 14 days"),
            (end - days(13), Level::Bad, "ends in 13 days"),
            (end + days(1), Level::Bad, "has ended"),
        ] {
            let found = certificate("admin", &tls(cert.clone()), now);
            assert_eq!(found.level, level, "{found:?}");
            assert!(found.what.contains(words), "{found:?}");
            assert_eq!(found.remedy.is_some(), level != Level::Good);
        }
        let none = written(dir.path(), "none.pem", "no certificate");
        assert_eq!(certificate("listen", &tls(none), end).level, Level::Bad);
    }

    #[test]
    fn passwords_are_for_their_owner_alone() {
        let dir = tempfile::tempdir().unwrap();
        let path = written(dir.path(), "password", "canary");
        for (mode, level) in [(0o600, Level::Good), (0o400, Level::Good), (0o644, Level::Note)] {
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            let found = password("store.password_file", &path);
            assert_eq!(found.level, level, "{found:?}");
            assert!(!format!("{found:?}").contains("canary"), "{found:?}");
        }
        assert_eq!(password("store.password_file", &dir.path().join("none")).level, Level::Bad);
    }

    #[test]
    fn the_audit_log_is_looked_at() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("audit.log");
        assert_eq!(audit(&path).level, Level::Good);
        assert_eq!(audit(&dir.path().join("none/audit.log")).level, Level::Bad);
        let journal = journal::Journal::open(&path, Duration::from_secs(DAY)).unwrap();
        let write = |action| journal.write(&journal::Entry { action, ..Default::default() });
        write("one");
        write("two");
        let found = audit(&path);
        assert!(found.level == Level::Good && found.what.contains("2 entries"), "{found:?}");
        let whole = fs::read_to_string(&path).unwrap();
        for (text, level) in [
            (format!("{whole}{{\"seq\":3,"), Level::Note),
            (whole.replace("one", "ONE"), Level::Bad),
        ] {
            fs::write(&path, text).unwrap();
            let found = audit(&path);
            assert!(found.level == level && found.remedy.is_some(), "{found:?}");
        }
    }

    #[test]
    fn keys_grow_old() {
        let dir = tempfile::tempdir().unwrap();
        let path = written(dir.path(), "key", "k");
        let at = fs::metadata(&path).unwrap().modified().unwrap();
        let level = |days| key_age(&path, at + Duration::from_secs(days * DAY)).unwrap().level;
        assert_eq!((level(0), level(365), level(366)), (Level::Good, Level::Good, Level::Note));
        assert!(key_age(&dir.path().join("none"), at).is_none());
    }
}
