//! What options must not say together, and the files that they name.

use std::path::Path;

use crate::config::file::File;
use crate::config::key;
use crate::config::options::Form;
use crate::config::options::Given;
use crate::config::options::OPTIONS;
use crate::config::problem::Origin;
use crate::config::secret;
use crate::config::tenants::ROTATING;
use crate::config::value::Value;
use crate::listen::Address;
use crate::store::config::{RedisUrl, Topology};

pub(crate) fn check(file: &mut File) {
    for section in ["listen", "admin"] {
        tls(file, section);
    }
    address(file, "listen", "listen.tls.client_ca");
    address(file, "admin", "admin.token_file");
    one_address_each(file);
    keys(file);
    store(file);
    limits(file);
    bearer_prefixes(file);
    files(file);
}

/// A certificate and its key go together; a client authority needs both.
fn tls(file: &mut File, section: &str) {
    let [cert, key, ca] = ["cert", "key", "client_ca"].map(|name| format!("{section}.tls.{name}"));
    for (has, lacks) in [(&cert, &key), (&key, &cert), (&ca, &cert)] {
        if let (Some(origin), None) = (file.set_by(has), file.set_by(lacks)) {
            file.problem(origin, format!("{has} needs {lacks}"));
        }
    }
}

/// Originals travel to an address: who reaches it must show who they are.
fn address(file: &mut File, section: &str, proof: &str) {
    let key = format!("{section}.address");
    let Some((Value::Address(address), origin)) = file.values.get(key.as_str()).cloned() else {
        return;
    };
    let plaintext = format!("{section}.allow_plaintext");
    let allowed = matches!(file.values.get(plaintext.as_str()), Some((Value::Flag(true), _)));
    if address.is_local() || allowed {
        return;
    }
    let needs = [format!("{section}.tls.cert"), format!("{section}.tls.key"), proof.to_owned()];
    let lacks: Vec<_> =
        needs.iter().filter(|key| file.set_by(key).is_none()).map(String::as_str).collect();
    if !lacks.is_empty() {
        let text = format!(
            "{key} {address} is reached by other machines: set {}, or {plaintext} = true where something else protects the way",
            lacks.join(", "),
        );
        file.problem(origin, text);
    }
}

fn one_address_each(file: &mut File) {
    let (Some((Value::Address(listen), _)), Some((Value::Address(admin), origin))) =
        (file.values.get("listen.address"), file.values.get("admin.address"))
    else {
        return;
    };
    // Port 0 asks the system for a free one, each time another.
    let free = matches!(listen, Address::Tcp(address) if address.port() == 0);
    if listen == admin && !free {
        let (text, origin) = (format!("admin.address {admin} is listen.address too"), *origin);
        file.problem(origin, text);
    }
}

/// The keys come from one place.
fn keys(file: &mut File) {
    if let (Some(origin), Some(_)) = (file.set_by("key_command"), file.set_by("key_file")) {
        file.problem(origin, "key_command is set, but key_file is too: leave one out".to_owned());
    }
    let empty =
        matches!(file.values.get("key_command"), Some((Value::List(words), _)) if words.is_empty());
    if let (Some(origin), true) = (file.set_by("key_command"), empty) {
        file.problem(origin, "key_command names no program".to_owned());
    }
}

fn store(file: &mut File) {
    let Some((Value::Store(url), origin)) = file.values.get("store.url").cloned() else { return };
    let is_tls = url.as_ref().is_some_and(RedisUrl::is_tls);
    let topology = url.as_ref().map(RedisUrl::topology);
    let is_sentinel = matches!(topology, Some(Topology::Sentinel { .. }));
    let is_one = matches!(topology, None | Some(Topology::Standalone));
    let mut wrong = Vec::new();
    for (key, fits, what) in [
        ("store.ca_file", is_tls, "a rediss:// store"),
        ("store.cert_file", is_tls, "a rediss:// store"),
        ("store.key_file", is_tls, "a rediss:// store"),
        ("store.username_file", url.is_some(), "a store in Redis"),
        ("store.password_file", url.is_some(), "a store in Redis"),
        ("store.sentinel_username_file", is_sentinel, "a redis+sentinel:// store"),
        ("store.sentinel_password_file", is_sentinel, "a redis+sentinel:// store"),
    ] {
        if let (Some(origin), false) = (file.set_by(key), fits) {
            wrong.push((origin, format!("{key} is for {what} only")));
        }
    }
    let replicas =
        matches!(file.values.get("store.read_from_replicas"), Some((Value::Flag(true), _)));
    if let (Some(origin), true) = (file.set_by("store.read_from_replicas"), replicas && is_one) {
        let text =
            "store.read_from_replicas is for a redis+sentinel:// or redis+cluster:// store only";
        wrong.push((origin, text.to_owned()));
    }
    for (has, lacks) in [
        ("store.cert_file", "store.key_file"),
        ("store.key_file", "store.cert_file"),
        ("store.sentinel_username_file", "store.sentinel_password_file"),
    ] {
        if let (Some(origin), None) = (file.set_by(has), file.set_by(lacks)) {
            wrong.push((origin, format!("{has} needs {lacks}")));
        }
    }
    for (origin, text) in wrong {
        file.problem(origin, text);
    }
    if let Some(url) = url {
        login(file, &url, origin);
    }
}

/// A flag is seen by everybody on the machine; a login has one place.
fn login(file: &mut File, url: &RedisUrl, origin: Origin) {
    if url.has_password() && matches!(origin, Origin::Flag(_)) {
        let text = "a password is never taken from a flag, which all users of the machine see: use MASKER_STORE, the file, or store.password_file";
        file.problem(origin, text.to_owned());
    }
    let user = file.set_by("store.username_file").or(url.has_username().then_some(origin));
    let password = url.has_password() || file.set_by("store.password_file").is_some();
    if let (Some(origin), false) = (user, password) {
        let text =
            "the Redis user has no password: set store.password_file, or write it into the URL";
        file.problem(origin, text.to_owned());
    }
    let twice = [
        ("store.username_file", "user", url.has_username()),
        ("store.password_file", "password", url.has_password()),
    ];
    for (key, what, in_url) in twice {
        if let (Some(origin), true) = (file.set_by(key), in_url) {
            file.problem(
                origin,
                format!("{key} is set, but store.url holds a {what} too: leave one out"),
            );
        }
    }
}

fn limits(file: &mut File) {
    let number = |key: &str| match file.values.get(key) {
        Some((Value::Number(number), _)) => *number,
        _ => 0,
    };
    let body = number("limits.body");
    let small = number("limits.buffered") < body;
    if small {
        // The one that somebody set is the one to change.
        let origin = file.set_by("limits.buffered").or(file.set_by("limits.body"));
        let text = "limits.buffered is smaller than limits.body: no large body would ever fit";
        file.problem(origin.unwrap_or(Origin::Default), text.to_owned());
    }
}

fn bearer_prefixes(file: &mut File) {
    let Some((Value::List(prefixes), origin)) = file.values.get("tenants_bearer_prefixes").cloned()
    else {
        return;
    };
    for prefix in prefixes {
        if let Some(rotating) = ROTATING.iter().find(|rotating| prefix.starts_with(**rotating)) {
            let text = format!(
                "tenants_bearer_prefixes holds {prefix:?}, but tokens that begin with {rotating:?} rotate: their users' tenant would change"
            );
            file.problem(origin, text);
        }
    }
}

/// Files that somebody named must be there. A default is looked at if it is
/// there, and missed only when it is used. The text is not shown: somebody may
/// have written the secret itself where its file belongs.
fn files(file: &mut File) {
    let mut found = Vec::new();
    for opt in OPTIONS {
        let Some((Value::Text(name), origin)) = file.values.get(opt.key) else { continue };
        let path = Path::new(name);
        let is_default =
            matches!(opt.given, Given::Default(text) if text.trim_matches('"') == name);
        if is_default && !path.exists() {
            continue;
        }
        let wrong = match opt.form {
            Form::File => secret::open(path).err().map(|error| format!("{} {error}", opt.key)),
            Form::KeyFile => key::load(path).err().map(|error| error.to_string()),
            _ => None,
        };
        found.extend(wrong.map(|wrong| (*origin, wrong)));
    }
    for (origin, text) in found {
        file.problem(origin, text);
    }
}
