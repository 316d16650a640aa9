//! The program as it is typed: exit codes, help, what goes to which stream.

#![expect(clippy::unwrap_used, reason = "a test ends by panicking, in its helpers too")]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;
use std::process::Output;

mod explain;
mod patterns;
mod scan;

/// Runs `masker` with nothing in its environment.
fn masker(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_masker")).args(args).env_clear().output().unwrap()
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// Help is a snapshot, so that a change of flags is seen in review.
/// `MASKER_BLESS=1 cargo test --test cli` writes it anew.
#[test]
fn help() {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/help");
    for (name, args) in [
        ("masker", vec!["--help"]),
        ("serve", vec!["serve", "--help"]),
        ("check", vec!["check", "--help"]),
        ("explain", vec!["explain", "--help"]),
        ("scan", vec!["scan", "--help"]),
        ("patterns", vec!["patterns", "--help"]),
        ("doctor", vec!["doctor", "--help"]),
        ("mode", vec!["mode", "--help"]),
        ("log-level", vec!["log-level", "--help"]),
        ("store", vec!["store", "--help"]),
        ("keys", vec!["keys", "--help"]),
        ("keys-new", vec!["keys", "new", "--help"]),
    ] {
        let output = masker(&args);
        assert!(output.status.success());
        let path = dir.join(name).with_extension("txt");
        if std::env::var_os("MASKER_BLESS").is_some() {
            fs::write(&path, &output.stdout).unwrap();
        }
        assert_eq!(stdout(&output), fs::read_to_string(&path).unwrap(), "{name}");
    }
}

/// The schema is a snapshot, too: what editors know of the configuration.
#[test]
fn schema() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/config.schema.json");
    let output = masker(&["check", "--schema"]);
    if std::env::var_os("MASKER_BLESS").is_some() {
        fs::write(&path, &output.stdout).unwrap();
    }
    assert_eq!(stdout(&output), fs::read_to_string(&path).unwrap());
}

#[test]
fn no_flag_takes_a_secret() {
    for command in ["serve", "check", "mask", "unmask", "explain", "scan", "mode"] {
        let help = stdout(&masker(&[command, "--help"]));
        for flag in help.split_whitespace().filter(|word| word.starts_with("--")) {
            let file = flag.ends_with("-file");
            let secret =
                ["key", "password", "token", "secret"].iter().any(|word| flag.contains(word));
            assert!(file || !secret, "{command} {flag}");
        }
    }
}

#[test]
fn usage_is_two_and_version_is_told() {
    assert_eq!(masker(&["--no-such-flag"]).status.code(), Some(2));
    assert_eq!(masker(&[]).status.code(), Some(2));
    let version = masker(&["--version"]);
    assert_eq!(stdout(&version), format!("masker {}\n", env!("CARGO_PKG_VERSION")));
}

#[test]
fn check_names_every_error() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("masker.toml");
    fs::write(&path, "[limits]\nbdy = \"1MiB\"\ndepth = 1\n").unwrap();
    let path = path.to_str().unwrap();
    let output = masker(&["check", "--config", path]);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(stdout(&output), "");
    let wrong = format!(
        "{path}:2: unknown key \"limits.bdy\"; did you mean \"limits.body\"?\n\
         {path}:3: limits.depth must be from 8 to 1024\n"
    );
    assert_eq!(stderr(&output), wrong);
}

/// What the configuration names is read as a start reads it, if that is asked for.
#[test]
fn check_reads_what_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str, mode: u32| {
        let path = dir.path().join(name);
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let key = format!("key_file = {:?}\n", file("key", &"8c1f0a7d93e4b256".repeat(4), 0o600));
    let token = file("token", "abc", 0o600);
    for (text, wrong) in [
        (key.clone(), None),
        (String::new(), Some("no key file")),
        (format!("{key}[admin]\ntoken_file = {token:?}"), Some("has 3 characters")),
        (
            format!("{key}[audit]\nfile = \"/no/such/folder/a.log\""),
            Some("cannot open the audit log"),
        ),
    ] {
        let config = file("masker.toml", &text, 0o600);
        assert!(masker(&["check", "--config", &config]).status.success());
        let output = masker(&["check", "--files", "--config", &config]);
        assert_eq!(output.status.success(), wrong.is_none(), "{text} {}", stderr(&output));
        assert!(stderr(&output).contains(wrong.unwrap_or_default()), "{}", stderr(&output));
    }
    // A pipe is empty when it is read again.
    let pipe = dir.path().join("pipe");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let output = masker(&["serve", "--config", pipe.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("is no regular file"), "{}", stderr(&output));
}

/// Each thing that is wrong is told once: an error and its causes do not repeat each other.
#[test]
fn what_is_wrong_is_told_once() {
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name).to_str().unwrap().to_owned();
    let (none, short, key) = (path("none"), path("short"), path("key"));
    fs::write(&short, "zz").unwrap();
    fs::set_permissions(&short, fs::Permissions::from_mode(0o600)).unwrap();
    assert!(masker(&["keys", "new", "--out", &key]).status.success());
    let gone = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    for (args, wrong) in [
        (
            vec!["check", "--key-file", &none],
            format!("--key-file: no key file {none}; `masker keys new --out {none}` makes one\n"),
        ),
        (
            vec!["serve", "--key-file", &short],
            format!(
                "--key-file: the key file {short} is of no use: a master key is 64 hexadecimal \
                 characters or 32 bytes; this one has 2 bytes\n"
            ),
        ),
        (
            vec!["keys", "add", &none],
            format!("masker: no key file {none}; `masker keys new --out {none}` makes one\n"),
        ),
        (
            vec!["store", "stats", "--key-file", &key, "--store", &format!("redis://{gone}")],
            "masker: the mapping store (store.url) does not do it: cannot be reached (connection \
             refused); is it running there? `masker doctor` says what it finds\n"
                .to_owned(),
        ),
    ] {
        let output = masker(&args);
        assert_eq!((output.status.code(), stderr(&output)), (Some(1), wrong), "{args:?}");
    }
}

#[test]
fn the_printed_default_checks_clean() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("masker.toml");
    let key = dir.path().join("key");
    assert!(masker(&["keys", "new", "--out", key.to_str().unwrap()]).status.success());
    let default = stdout(&masker(&["check", "--print-default"]));
    let text = default.replace(".masker/key", key.to_str().unwrap());
    fs::write(&path, text).unwrap();
    let output = masker(&["check", "--config", path.to_str().unwrap()]);
    assert_eq!(stderr(&output), "");
    assert_eq!(stdout(&output), format!("{}: nothing is wrong\n", path.display()));
    assert_eq!(output.status.code(), Some(0));
}

#[test]
fn keys_are_made_once() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("key");
    let path = path.to_str().unwrap();
    let output = masker(&["keys", "new", "--out", path]);
    assert_eq!((output.status.code(), stdout(&output)), (Some(0), String::new()));
    assert_eq!(fs::metadata(path).unwrap().permissions().mode() & 0o777, 0o600);
    let again = masker(&["keys", "new", "--out", path]);
    assert_eq!(again.status.code(), Some(1));
    assert!(stderr(&again).starts_with("masker: ") && stderr(&again).contains("is there already"));
    assert_eq!(stdout(&masker(&["keys", "new"])).len(), 65);
}

#[test]
fn own_patterns_are_checked_listed_tried_and_scanned_for() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("masker.toml");
    let text = "[allow]\nvalues = [\"i-0123456789abcdef7\"]\n[[patterns]]\nname = \"ticket\"\n\
                kind = \"TICKET\"\nexpression = 'PRJ-[0-9]{3}'\nexamples = [\"PRJ-123\"]\n";
    fs::write(&path, text).unwrap();
    let with = ["--config", path.to_str().unwrap()];
    let run = |args: &[&str]| stdout(&masker(&[args, &with].concat()));
    assert!(run(&["check"]).ends_with("nothing is wrong\n"));
    let list = run(&["patterns", "list"]);
    assert!(list.contains("custom.ticket"), "{list}");
    assert!(run(&["patterns", "explain", "custom.ticket"]).contains("PRJ-[0-9]{3}"));
    let tried = run(&["patterns", "try", "PRJ-123 i-0123456789abcdef7"]);
    assert!(tried.contains("TICKET") && tried.contains("custom.ticket"), "{tried}");
    assert!(
        !tried.lines().any(|line| line.starts_with("found") && line.contains("EC2")),
        "{tried}"
    );
    fs::write(dir.path().join("a.txt"), "PRJ-123 i-0123456789abcdef7").unwrap();
    let found = run(&["scan", dir.path().join("a.txt").to_str().unwrap()]);
    assert!(found.ends_with("a.txt:1:1 TICKET\n") && found.lines().count() == 1, "{found}");
    fs::write(&path, text.replace("{3}", "*")).unwrap();
    let wrong = masker(&[&["check"][..], &with].concat());
    assert_eq!(wrong.status.code(), Some(1));
    let said = format!("{}:6: patterns.expression has no bound; ", path.display());
    assert!(stderr(&wrong).starts_with(&said), "{}", stderr(&wrong));
}
