//! Who else is told: a webhook, channels and a stream of Redis.

use std::path::Path;

use crate::config::check::Fields;
use crate::config::file::File;
use crate::config::problem::Origin;
use crate::config::secret;
use crate::config::suggest;
use crate::config::value::Value;
use crate::outward::channels::{Channel, Events};
use crate::outward::http::{Target, TargetError};
use crate::outward::traces::Traces;

const CHANNELS: &str = "events.channels";

/// The webhook, if one is named.
pub(crate) fn webhook(file: &mut File) -> Option<Target> {
    target(file, "alerts.webhook")
}

/// The collector of traces, if one is named.
pub(crate) fn traces(file: &mut File) -> Option<Traces> {
    let percent = match file.values.get("traces.percent") {
        Some((Value::Number(percent), _)) => u32::try_from(*percent).ok()?,
        _ => return None,
    };
    target(file, "traces").map(|target| Traces { target, percent })
}

/// What the files of a section name; what is wrong with them is a problem.
fn target(file: &mut File, section: &'static str) -> Option<Target> {
    let keys = ["url_file", "token_file", "ca_file"].map(|name| format!("{section}.{name}"));
    let [url, token, ca] = keys.each_ref().map(|key| Fields(file).path(key));
    let [url_key, token_key, ca_key] = keys;
    let Some(url) = url else {
        for key in [token_key, ca_key] {
            if let Some(origin) = file.set_by(&key) {
                file.problem(origin, format!("{key} needs {url_key}"));
            }
        }
        return None;
    };
    let url = text(file, &url_key, &url)?;
    let token = token.and_then(|token| text(file, &token_key, &token));
    let made = Target::new(&url, ca.as_deref()).map_err(|error| match error {
        TargetError::File(_) | TargetError::Certificate => (&ca_key, error),
        _ => (&url_key, error),
    });
    let made = made.and_then(|target| match token {
        Some(token) => target.bearer(&token).map_err(|error| (&token_key, error)),
        None => Ok(target),
    });
    match made {
        Ok(target) => Some(target),
        Err((key, error)) => {
            let origin = file.set_by(key).unwrap_or(Origin::Default);
            file.problem(origin, format!("{key} {error}"));
            None
        }
    }
}

/// What a file holds. One that cannot be read is told elsewhere.
fn text(file: &mut File, key: &str, path: &Path) -> Option<zeroize::Zeroizing<String>> {
    let bytes = secret::read(&secret::open(path).ok()?).ok()?;
    let Ok(text) = std::str::from_utf8(&bytes) else {
        let origin = file.set_by(key).unwrap_or(Origin::Default);
        file.problem(origin, format!("{key} holds what is not UTF-8"));
        return None;
    };
    Some(zeroize::Zeroizing::new(text.trim().to_owned()))
}

/// What is published, if anything is.
pub(crate) fn events(file: &mut File) -> Option<Events> {
    let Some((Value::List(names), origin)) = file.values.get(CHANNELS).cloned() else {
        return None;
    };
    let known = || Channel::ALL.into_iter().map(|(name, _)| name);
    for text in suggest::unknown(CHANNELS, &names, known) {
        file.problem(origin, text);
    }
    let named = |name: &str| names.iter().any(|own| own == name);
    let channels = Channel::ALL.into_iter().filter(|(name, _)| named(name)).map(|(_, own)| own);
    let every = match file.values.get("events.every") {
        Some((Value::Time(every), _)) => *every,
        _ => return None,
    };
    (!names.is_empty()).then(|| Events { channels: channels.collect(), every })
}

/// These are in the store's Redis.
pub(crate) fn needs_redis(file: &mut File) {
    if !matches!(file.values.get("store.url"), Some((Value::Store(None), _))) {
        return;
    }
    let none =
        matches!(file.values.get(CHANNELS), Some((Value::List(names), _)) if names.is_empty());
    for (key, set) in [(CHANNELS, !none), ("audit.stream", true)] {
        if let (Some(origin), true) = (file.set_by(key), set) {
            file.problem(origin, format!("{key} is for a store in Redis only"));
        }
    }
}
