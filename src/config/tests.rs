//! Configurations as an operator writes them.

use std::collections::HashMap;
use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use tempfile::TempDir;

use crate::config::Config;
use crate::config::file::File;
use crate::config::load::Flags;
use crate::config::options::Form;
use crate::config::options::OPTIONS;
use crate::config::print;
use crate::config::tenants;
use crate::detect::Profile;
use crate::detect::custom::Find;
use crate::listen::Address;
use crate::store::config::Backend;

/// A directory with a configuration, some files and an environment.
struct Setup {
    dir: TempDir,
    flags: Flags,
    env: HashMap<String, String>,
}

impl Setup {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        Self { dir, flags: Flags::default(), env: HashMap::new() }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Writes the configuration; `@name` stands for the path of a file in the directory.
    fn config(mut self, text: &str) -> Self {
        for name in ["cert", "key", "ca", "token", "password", "keys"] {
            fs::write(self.path(name), format!("canary-{name}\n")).unwrap();
        }
        let text = text.replace('@', &format!("{}/", self.dir.path().display()));
        fs::write(self.path("masker.toml"), text).unwrap();
        self.flags.config = Some(self.path("masker.toml"));
        self
    }

    fn env(mut self, name: &str, value: &str) -> Self {
        self.env.insert(name.to_owned(), value.to_owned());
        self
    }

    fn load(&self) -> Result<Config, Vec<String>> {
        let read = |name: &str| self.env.get(name).cloned();
        Config::load(&self.flags, &read).map_err(|problems| {
            let dir = format!("{}/", self.dir.path().display());
            problems.to_string().replace(&dir, "").lines().map(str::to_owned).collect()
        })
    }

    fn problems(&self) -> Vec<String> {
        self.load().map(drop).unwrap_err()
    }
}

fn config(text: &str) -> Config {
    Setup::new().config(text).load().unwrap()
}

fn problems(text: &str) -> Vec<String> {
    Setup::new().config(text).problems()
}

#[test]
fn every_error_at_once_with_its_line() {
    let found = problems(
        "key_file = 5\n\
         lisen = { address = \"x\" }\n\
         [limits]\n\
         bdy = \"1MiB\"\n\
         body = 7\n\
         depth = 100_000\n\
         body_time = \"30 s\"\n\
         slice = \"2GiB\"\n\
         [log]\n\
         level = \"verbose\"\n\
         [detect]\n\
         families_off = [\"a\", 1]\n\
         private_ip = \"yes\"\n\
         [listen]\n\
         address = \"localhost:1\"\n\
         tls = true\n\
         [store]\n\
         url = \"sentinel://h\"\n\
         [[tenants]]\n\
         nme = \"a\"\n\
         keys_file = \"@keys\"\n\
         [[routes]]\n\
         path_prefix = \"v1\"\n\
         media_types = [\"audio\"]\n\
         [surprise]\n",
    );
    let wrong = [
        "1: key_file is a whole number; write the path of a file, in quotes",
        "2: unknown key \"lisen\"; did you mean \"listen\"?",
        "4: unknown key \"limits.bdy\"; did you mean \"limits.body\"?",
        "5: limits.body is a whole number; write a size such as \"32MiB\"",
        "6: limits.depth must be from 8 to 1024",
        "7: limits.body_time is wrong: write a duration as \"30s\": a whole number and one of ms, s, m, h, d",
        "8: limits.slice must be from 1KiB to 1GiB",
        "10: log.level is \"verbose\"; write one of error, warn, info, debug, trace",
        "12: detect.families_off holds something else than texts; write a list of texts such as [\"a\", \"b\"]",
        "13: detect.private_ip is a text; write true or false",
        "15: listen.address is wrong: ",
        "16: listen.tls is a section; write [listen.tls]",
        "18: store.url is wrong: the scheme \"sentinel\" is unknown; write ",
        "19: tenants lacks name; write a text, in quotes",
        "20: unknown key \"tenants.nme\"; did you mean \"tenants.name\"?",
        "22: routes.path_prefix begins with a slash: \"/v1/audio/\"",
        "22: routes.media_types holds \"audio\"; write a lower-case type without parameters such as \"audio/mpeg\"",
        "25: unknown key \"surprise\"; `masker check --print-default` shows all keys",
    ];
    assert_eq!(found.len(), wrong.len(), "{found:#?}");
    for (found, wrong) in found.iter().zip(wrong) {
        assert!(found.starts_with(&format!("masker.toml:{wrong}")), "{found}");
    }
}

#[test]
fn families_that_there_are_not_are_named() {
    let found =
        problems("[detect]\nfamilies_off = [\"arn\", \"key\", \"context\", \"everything\"]\n");
    let [near, far] = found.as_slice() else { panic!("{found:?}") };
    assert_eq!(
        near,
        "masker.toml:2: detect.families_off names an unknown family \"key\"; did you mean \"keys\"?"
    );
    let said =
        "masker.toml:2: detect.families_off names an unknown family \"everything\"; there are ";
    assert!(far.starts_with(said) && far.ends_with("arn, context, keys"), "{far}");
}

#[test]
fn broken_toml_is_named_beside_the_rest() {
    let found = problems("[limits]\nbody = \ndepth = 1\n[log\nlevel = \"info\"\n");
    assert!(found[0].starts_with("masker.toml:2: this is not TOML: "), "{found:?}");
    assert!(found.contains(&"masker.toml:3: limits.depth must be from 8 to 1024".to_owned()));
    assert!(found.iter().any(|text| text.starts_with("masker.toml:4: this is not TOML: ")));
}

#[test]
fn a_missing_file_is_a_problem() {
    let mut setup = Setup::new();
    setup.flags.config = Some(setup.path("none.toml"));
    assert!(setup.problems()[0].starts_with("none.toml: cannot be read: "));
}

#[test]
fn the_printed_default_is_the_default() {
    let text = print::default_file();
    let printed = config(&text);
    let default = config("");
    assert_eq!(format!("{printed:?}"), format!("{default:?}"));
    assert!(text.lines().all(|line| line.len() <= 100), "{text}");
}

#[test]
fn the_printed_default_documents_every_option() {
    let text = print::default_file();
    // With its examples, too, it sets every option there is and none that is not.
    let is_option = |line: &str| {
        let key = line.split(" = ").next().unwrap_or_default();
        line.starts_with("[[")
            || line.contains(" = ") && key.bytes().all(|b| b.is_ascii_lowercase() || b == b'_')
    };
    let all: String = text
        .lines()
        .map(|line| line.strip_prefix("# ").filter(|rest| is_option(rest)).unwrap_or(line))
        .flat_map(|line| [line, "\n"])
        .collect();
    let mut file = File::default();
    file.read(&all);
    assert_eq!(file.problems, []);
    for opt in OPTIONS {
        assert!(file.values.contains_key(opt.key), "{}", opt.key);
        if !matches!(opt.form, Form::Rows(_)) {
            let words = opt.doc.split_whitespace().next().unwrap();
            assert!(text.contains(words), "{}", opt.key);
        }
    }
    assert_eq!(file.values.len(), OPTIONS.len());
}

#[test]
fn defaults() {
    let config = config("");
    assert_eq!(config.listen.address.to_string(), "127.0.0.1:50051");
    assert_eq!(config.admin.address.to_string(), "127.0.0.1:9400");
    assert!(matches!(config.store.backend, Backend::Memory { .. }));
    assert_eq!(config.store.ttl, Duration::from_hours(7 * 24));
    assert_eq!(config.limits.body, 32 << 20);
    assert_eq!(config.limits.buffered, 512 << 20);
    assert_eq!(config.limits.findings, 50_000);
    assert!(config.refuse.url_findings && !config.refuse.images);
}

#[test]
fn flag_over_environment_over_file_over_default() {
    let address = |setup: &Setup| setup.load().unwrap().listen.address.to_string();
    let setup = Setup::new().config("[listen]\naddress = \"127.0.0.1:1\"\n");
    assert_eq!(address(&setup), "127.0.0.1:1");
    let setup = setup.env("MASKER_LISTEN", "");
    assert_eq!(address(&setup), "127.0.0.1:1");
    let mut setup = setup.env("MASKER_LISTEN", "unix:/tmp/m");
    assert_eq!(address(&setup), "unix:/tmp/m");
    setup.flags.listen = Some("127.0.0.1:3".to_owned());
    assert_eq!(address(&setup), "127.0.0.1:3");
}

#[test]
fn each_override_reaches_its_option() {
    let setup = Setup::new().config("[limits]\nfindings = 7\n");
    let file = setup.path("masker.toml").display().to_string();
    let mut setup = setup
        .env("MASKER_CONFIG", &file)
        .env("MASKER_ADMIN", "127.0.0.1:2")
        .env("MASKER_STORE", "rediss://:canary@cache/3");
    setup.flags.config = None;
    let config = setup.load().unwrap();
    assert_eq!(config.limits.findings, 7);
    assert_eq!(config.admin.address, Address::Tcp(([127, 0, 0, 1], 2).into()));
    assert!(
        matches!(&config.store.backend, Backend::Redis(redis) if redis.url.to_string() == "rediss://cache:6379/3")
    );
    assert!(!format!("{config:?}").contains("canary"));

    let setup = setup
        .env("MASKER_ADMIN", "x")
        .env("MASKER_STORE", "http://h")
        .env("MASKER_KEY_FILE", "/nonexistent/key");
    let found = setup.problems();
    assert!(found[0].starts_with("MASKER_ADMIN: is wrong: "), "{found:?}");
    assert!(found[1].starts_with("MASKER_KEY_FILE: no key file"), "{found:?}");
    assert!(found[2].starts_with("MASKER_STORE: is wrong: the scheme \"http\""), "{found:?}");
}

#[test]
fn a_password_is_never_taken_from_a_flag() {
    let url = "redis://me:canary@cache:6379";
    let mut setup = Setup::new().env("MASKER_STORE", url);
    assert!(setup.load().is_ok());
    config("store.url = \"redis://me:canary\\u0040cache\"");
    setup.flags.store = Some(url.to_owned());
    let found = setup.problems();
    assert!(found[0].starts_with("--store: a password is never taken from a flag"), "{found:?}");
    assert!(!found[0].contains("canary"));
    setup.flags.store = Some("redis://cache:6379".to_owned());
    assert!(setup.load().is_ok());
}

#[test]
fn originals_travel_protected() {
    let mtls = "tls = { cert = \"@cert\", key = \"@key\", client_ca = \"@ca\" }";
    let tls = "tls = { cert = \"@cert\", key = \"@key\" }";
    for (text, lacks) in [
        (
            "[listen]\naddress = \"0.0.0.0:1\"".to_owned(),
            "listen.tls.cert, listen.tls.key, listen.tls.client_ca",
        ),
        (format!("[listen]\naddress = \"[::]:1\"\n{tls}"), "set listen.tls.client_ca,"),
        (
            "[admin]\naddress = \"10.1.2.3:1\"".to_owned(),
            "admin.tls.cert, admin.tls.key, admin.token_file",
        ),
        (format!("[admin]\naddress = \"0.0.0.0:1\"\n{mtls}"), "set admin.token_file,"),
    ] {
        let found = problems(&text);
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].starts_with("masker.toml:2: ") && found[0].contains(lacks), "{found:?}");
    }
    for text in [
        format!("[listen]\naddress = \"0.0.0.0:1\"\n{mtls}"),
        "[listen]\naddress = \"0.0.0.0:1\"\nallow_plaintext = true".to_owned(),
        format!("[admin]\naddress = \"0.0.0.0:1\"\ntoken_file = \"@token\"\n{tls}"),
        "[admin]\naddress = \"0.0.0.0:1\"\nallow_plaintext = true".to_owned(),
        "[listen]\naddress = \"unix:/run/masker\"\n[admin]\naddress = \"[::1]:1\"".to_owned(),
    ] {
        config(&text);
    }
}

#[test]
fn what_must_not_stand_together() {
    for (text, wrong) in [
        ("listen.tls.cert = \"@cert\"", "1: listen.tls.cert needs listen.tls.key"),
        ("admin.tls.key = \"@key\"", "1: admin.tls.key needs admin.tls.cert"),
        ("listen.tls.client_ca = \"@ca\"", "1: listen.tls.client_ca needs listen.tls.cert"),
        (
            "admin.address = \"127.0.0.1:50051\"",
            "1: admin.address 127.0.0.1:50051 is listen.address too",
        ),
        ("store.ca_file = \"@ca\"", "1: store.ca_file is for a rediss:// store only"),
        (
            "store.password_file = \"@password\"",
            "1: store.password_file is for a store in Redis only",
        ),
        ("[store]\nurl = \"redis://me%40h\"", "2: the Redis user has no password"),
        (
            "[store]\nurl = \"rediss://h\"\ncert_file = \"@cert\"",
            "3: store.cert_file needs store.key_file",
        ),
        (
            "[store]\nurl = \"redis://h\"\nread_from_replicas = true",
            "3: store.read_from_replicas is for a redis+sentinel:// or",
        ),
        (
            "[store]\nurl = \"redis+cluster://h\"\nsentinel_password_file = \"@password\"",
            "3: store.sentinel_password_file is for a redis+sentinel:// store only",
        ),
        (
            "store.url = \"redis+cluster://h/1\"",
            "1: store.url is wrong: a Redis Cluster has only database 0",
        ),
        (
            "[store]\nurl = \"redis://:canary%40h\"\npassword_file = \"@password\"",
            "3: store.password_file is set, but store.url holds a password too",
        ),
        ("limits.buffered = \"1MiB\"", "1: limits.buffered is smaller than limits.body"),
        ("tenants_bearer_prefixes = [\"sk-ant-oat01\"]", "1: tenants_bearer_prefixes holds"),
        ("admin.token_file = \"@none\"", "1: admin.token_file cannot be read"),
        ("key_file = \"@keys\"", "1: the key file keys is"),
    ] {
        let text = text.replace("%40", "\\u0040");
        let found = problems(&text);
        assert_eq!(found.len(), 1, "{text}: {found:?}");
        assert!(found[0].starts_with(&format!("masker.toml:{wrong}")), "{found:?}");
        assert!(!found[0].contains("canary"), "{found:?}");
    }
}

#[test]
fn tenants_and_routes() {
    let config = config(
        "[[tenants]]\nname = \"payments\"\nkeys_file = \"@keys\"\n\
         [[routes]]\npath_prefix = \"/v1/audio/\"\nmedia_types = [\"audio/mpeg\"]\n",
    );
    assert_eq!(config.tenants[0].tenant.as_str(), "payments");
    assert_eq!(config.tenants[0].hashes, [tenants::hash(b"canary-keys")]);
    assert_eq!(config.routes[0].media_types, ["audio/mpeg"]);
    assert!(!format!("{config:?}").contains("canary"));
    assert!(config.is_static_bearer("sk-proj-1"));
    for token in ["sk-ant-oat01-x", "ya29.x", "eyJhbGciOi", "other"] {
        assert!(!config.is_static_bearer(token), "{token}");
    }
}

#[test]
fn tenants_do_not_share() {
    let row = |name: &str| format!("[[tenants]]\nname = {name:?}\nkeys_file = \"@keys\"\n");
    let found = problems(&(row("a") + &row("a")));
    assert_eq!(found, ["masker.toml:4: tenant \"a\" stands here twice; put its keys in one file"]);
    let found = problems(&(row("a") + &row("b")));
    assert_eq!(found, ["masker.toml:4: tenants.keys_file holds a key that tenant \"a\" has too"]);
    let found = problems(&row("a b"));
    assert!(found[0].starts_with("masker.toml:1: tenants.name is wrong: "), "{found:?}");
}

#[test]
fn what_differs_for_one_tenant() {
    let config = config(
        "[limits]\nfindings = 9\n\
         [[patterns]]\nname = \"all\"\nkind = \"ALL\"\nliterals = [\"for-all\"]\n\
         [[patterns]]\nname = \"own\"\nkind = \"OWN\"\nliterals = [\"for-one\"]\n\
         tenants = [\"payments\"]\n\
         [[tenants]]\nname = \"payments\"\nbody = \"1MiB\"\nprofile = \"strict\"\n\
         refuse = [\"images\", \"mcp\"]\n\
         [[tenants]]\nname = \"plain\"\n",
    );
    let names = |config: &Config| -> Vec<_> {
        config.detect.own.patterns.iter().map(|own| own.name.clone()).collect()
    };
    let own = config.apart(&config.tenants[0].tenant).unwrap();
    assert_eq!(
        (names(&config), names(&own)),
        (vec!["all".into()], vec!["all".into(), "own".into()])
    );
    assert_eq!((own.limits.body, own.limits.findings), (1 << 20, 9));
    assert_eq!((own.detect.profile, config.detect.profile), (Profile::Strict, Profile::Default));
    assert!(own.refuse.images && !own.refuse.url_findings && own.refuse.hosted.len() == 1);
    assert!(config.apart(&config.tenants[1].tenant).is_none());
    for (row, wrong) in [
        ("families_off = [\"netwrk\"]", "3: tenants.families_off names an unknown family"),
        ("profile = \"loose\"", "3: tenants.profile is \"loose\"; write one of default, strict"),
        ("body = \"64MiB\"", "3: tenants.body is above limits.body"),
        ("refuse = [\"image\"]", "3: tenants.refuse holds \"image\"; did you mean \"images\"?"),
        (
            "[[patterns]]\nname = \"x\"\nkind = \"X\"\nliterals = [\"for-x\"]\ntenants = [\"b\"]",
            "7: patterns.tenants names \"b\", which is no row of [[tenants]]",
        ),
        (
            "[[patterns]]\nname = \"x\"\nkind = \"X\"\nliterals = [\"for-x\"]\ntenants = []",
            "7: patterns.tenants names nobody",
        ),
    ] {
        let found = problems(&format!("[[tenants]]\nname = \"a\"\n{row}\n"));
        assert!(found[0].starts_with(&format!("masker.toml:{wrong}")), "{found:?}");
    }
}

#[test]
fn who_else_is_told() {
    let config = config(
        "[store]\nurl = \"redis://127.0.0.1:6379\"\n[audit]\nstream = \"masker:audit\"\n\
         [events]\nchannels = [\"masking\", \"security\"]\n",
    );
    assert_eq!(config.audit_stream.unwrap().most, 1_000_000);
    assert_eq!(config.events.unwrap().channels.len(), 2);
    assert!(config.webhook.is_none());
    for (text, wrong) in [
        ("[events]\nchannels = [\"masking\"]", "2: events.channels is for a store in Redis only"),
        ("[audit]\nstream = \"a\"", "2: audit.stream is for a store in Redis only"),
        (
            "store.url = \"redis://h\"\nevents.channels = [\"maskin\"]",
            "2: events.channels holds \"maskin\"; did you mean \"masking\"?",
        ),
        (
            "[alerts.webhook]\ntoken_file = \"@keys\"",
            "2: alerts.webhook.token_file needs alerts.webhook.url_file",
        ),
        ("[alerts.webhook]\nurl_file = \"@keys\"", "2: alerts.webhook.url_file is no URL"),
    ] {
        let found = problems(text);
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].starts_with(&format!("masker.toml:{wrong}")), "{found:?}");
        assert!(!found[0].contains("canary"), "{found:?}");
    }
}

#[test]
fn patterns_of_ones_own() {
    let config = config(
        "[allow]\nvalues = [\"123456789012\"]\nexpressions = ['test-[a-z]{1,9}']\n\
         [[patterns]]\nname = \"ticket\"\nkind = \"TICKET\"\nexpression = 'PRJ-[0-9]{3}'\n\
         examples = [\"PRJ-123\"]\ncounter_examples = [\"PRJ-1\"]\ncritical = true\n\
         [[patterns]]\nname = \"buckets\"\nkind = \"S3_BUCKET\"\nfile = \"@keys\"\n\
         [[patterns]]\nname = \"hosts\"\nkind = \"HOST\"\nliterals = [\"canary-one\"]\n",
    );
    let own = &config.detect.own;
    let names: Vec<_> = own.patterns.iter().map(|own| (own.name.as_str(), own.critical)).collect();
    assert_eq!(names, [("ticket", true), ("buckets", false), ("hosts", false)]);
    assert_eq!(own.patterns[1].find, Find::Names(vec!["canary-keys".to_owned()]));
    assert_eq!(own.allow.values, ["123456789012"]);
    assert_eq!(config.detect.files.len(), 1);
    assert!(!format!("{config:?}").contains("canary"));
}

#[test]
fn what_is_wrong_with_a_pattern_is_told_with_its_line() {
    let row = |more: &str| format!("[[patterns]]\nname = \"own\"\nkind = \"OWN\"\n{more}");
    let expression = |text: &str| row(&format!("examples = [\"abc\"]\nexpression = '{text}'"));
    for (text, wrong) in [
        (
            "[[patterns]]\nname = \"own\"\nliterals = [\"abc\"]".to_owned(),
            "1: patterns lacks kind; write",
        ),
        (
            row("").replace("OWN", "own") + "literals = [\"abc\"]",
            "3: patterns.kind is no kind; write",
        ),
        (row(""), "1: patterns needs exactly one of expression, literals and file"),
        (row("literals = [\"abc\"]\nfile = \"@keys\""), "5: patterns needs exactly one of"),
        (expression("ab.*"), "5: patterns.expression has no bound; write {1,64}"),
        (expression("ab("), "5: patterns.expression is no expression: unclosed group"),
        (expression("abd"), "4: patterns.examples holds a text as number 1 in which"),
        (row("expression = 'abc'"), "4: patterns.examples is missing"),
        (
            row("literals = [\"abc\", \"ab\"]"),
            "4: patterns.literals holds a name as number 2 of 2 bytes",
        ),
        (row("file = \"@canary-none\""), "4: patterns.file cannot be read: No such file"),
        (
            row("literals = [\"abc\"]\ncritical = 1"),
            "5: patterns.critical is a whole number; write",
        ),
        (
            row("literal = [\"abc\"]\nfile = \"@keys\""),
            "4: unknown key \"patterns.literal\"; did you",
        ),
        (
            row("literals = [\"abc\"]\n") + &row("literals = [\"abd\"]"),
            "6: patterns.name \"own\" stands here twice",
        ),
        (
            "[allow]\nexpressions = ['a', 'a(']".to_owned(),
            "2: allow.expressions holds as number 2 one that is no expression: unclosed group",
        ),
    ] {
        let found = problems(&text);
        assert_eq!(found.len(), 1, "{text}: {found:?}");
        assert!(found[0].starts_with(&format!("masker.toml:{wrong}")), "{found:?}");
        assert!(!found[0].contains("canary"), "{found:?}");
    }
}

#[test]
fn sections_that_wait_for_a_start_are_named() {
    let start = config("");
    for (text, waiting) in [
        ("", vec![]),
        ("[admin]\naddress = \"127.0.0.1:9999\"\n[limits]\ndepth = 64", vec!["admin", "limits"]),
        ("[refuse]\nimages = true", vec!["routes, refuse or request"]),
        // Read again.
        ("[detect]\nprofile = \"strict\"", vec![]),
    ] {
        assert_eq!(config(text).waiting(&start), waiting, "{text}");
    }
}
