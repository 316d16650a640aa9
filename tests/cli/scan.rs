//! `masker scan`: what it finds, what it prints, how it ends.

use std::fs;
use std::io::Write;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::Value;
use tempfile::TempDir;

use crate::{stderr, stdout};

/// What must not be printed, and its kind. No access key here is anybody's.
const VALUES: [(&str, &str); 4] = [
    ("i-0123456789abcdef7", "EC2"),
    ("AKIAQ6ZT3LMN7XYABCDE", "ACCESS_KEY"),
    ("payments-prod-vault", "S3_BUCKET"),
    ("749312086455", "ACCOUNT"),
];

/// A folder with values in two files, and with files that are not to be looked at.
fn folder() -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &[u8]| {
        let path = dir.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    };
    write("a.txt", b"one\n\xc3\xa9\xc3\xa9 i-0123456789abcdef7\nAKIAQ6ZT3LMN7XYABCDE");
    write(
        "sub/b.json",
        b"{\"u\": \"s3://payments-prod-vault/x\", \"account_id\": \"749312086455\"}",
    );
    write("clean.rs", b"fn main() {}\n");
    write("image.bin", b"\x89PNG\0 i-0123456789abcdef7");
    write(".git/config", b"AKIAQ6ZT3LMN7XYABCDE");
    let outside = dir.path().join("outside");
    fs::create_dir(&outside).unwrap();
    symlink(dir.path().join("a.txt"), outside.join("link")).unwrap();
    symlink(dir.path(), outside.join("loop")).unwrap();
    dir
}

fn scan(dir: &Path, args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_masker"));
    command.arg("scan").args(args).env_clear().current_dir(dir).output().unwrap()
}

fn scan_stdin(text: &[u8], args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_masker"));
    command.args(["scan", "-"]).args(args).env_clear();
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(text).unwrap();
    child.wait_with_output().unwrap()
}

#[test]
fn findings_are_told_by_place_and_kind() {
    let dir = folder();
    let output = scan(dir.path(), &["."]);
    let expected = "./a.txt:2:4 EC2\n\
                    ./a.txt:3:1 ACCESS_KEY\n\
                    ./sub/b.json:1:13 S3_BUCKET\n\
                    ./sub/b.json:1:52 ACCOUNT\n";
    assert_eq!(stdout(&output), expected);
    let said = "masker: 4 findings in 3 files; 1 binary files skipped, 0 not read\n";
    assert_eq!(stderr(&output), said);
    assert_eq!(output.status.code(), Some(1));
}

#[test]
fn the_exit_code_says_how_it_ended() {
    let dir = folder();
    for (args, code) in [
        (&["clean.rs"][..], 0),
        (&["outside"], 0),
        (&["outside/link"], 1),
        (&["sub", "clean.rs"], 1),
        (&["none", "a.txt"], 2),
        (&["--max-size", "10B", "a.txt"], 2),
        (&["--max-size", "ten", "a.txt"], 2),
        (&["--config", "none.toml", "clean.rs"], 2),
        (&[], 2),
    ] {
        let output = scan(dir.path(), args);
        assert_eq!(output.status.code(), Some(code), "{args:?}: {}", stderr(&output));
    }
    let large = stderr(&scan(dir.path(), &["--max-size", "10B", "a.txt"]));
    assert!(large.contains("a.txt: is larger than 10B; --max-size allows more\n"), "{large}");
    let gone = scan(dir.path(), &["none", "a.txt"]);
    assert!(stderr(&gone).contains("masker: none: cannot be read: "), "{}", stderr(&gone));
    assert_eq!(stdout(&gone).lines().count(), 2);
}

#[test]
fn a_named_pipe_is_told_and_not_waited_for() {
    let dir = folder();
    let made = Command::new("mkfifo").arg(dir.path().join("pipe")).status().unwrap();
    assert!(made.success());
    let output = scan(dir.path(), &["pipe"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("pipe: is a named pipe"), "{}", stderr(&output));
    assert_eq!(scan(dir.path(), &["."]).status.code(), Some(1), "in folders they are skipped");
}

#[test]
fn no_value_is_printed_unless_asked_for() {
    let dir = folder();
    for format in ["text", "json", "sarif"] {
        let output = scan(dir.path(), &[".", "--format", format]);
        let said = stdout(&output) + &stderr(&output);
        let shown = stdout(&scan(dir.path(), &[".", "--format", format, "--show-values"]));
        for (value, kind) in VALUES {
            assert!(!said.contains(value) && said.contains(kind), "{format}");
            assert!(shown.contains(value), "{format}");
        }
    }
}

#[test]
fn lines_of_json() {
    let output = scan_stdin(b"x\ni-0123456789abcdef7", &["--format", "json"]);
    let line: Value = serde_json::from_slice(&output.stdout).unwrap();
    let expected = serde_json::json!({
        "path": "-", "line": 2, "column": 1, "end_line": 2, "end_column": 20,
        "kind": "EC2", "critical": false, "by": "shape",
    });
    assert_eq!(line, expected);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(scan_stdin(b"nothing", &[]).status.code(), Some(0));
}

#[test]
fn names_that_a_file_teaches_are_found_in_all_of_it() {
    let text = b"payments-prod-vault is s3://payments-prod-vault/x";
    assert_eq!(stdout(&scan_stdin(text, &[])), "-:1:1 S3_BUCKET\n-:1:29 S3_BUCKET\n");
}

/// The properties that SARIF 2.1.0 requires and that code scanning reads.
#[test]
fn sarif_has_its_shape() {
    let dir = folder();
    let output = scan(dir.path(), &[".", "none", "--format", "sarif"]);
    assert_eq!(output.status.code(), Some(2));
    let log: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(log["version"], "2.1.0");
    assert!(log["$schema"].as_str().unwrap().ends_with("sarif-2.1.0.json"));
    let [run] = log["runs"].as_array().unwrap().as_slice() else { panic!("one run") };
    let driver = &run["tool"]["driver"];
    assert_eq!(driver["name"], "masker");
    let rules = driver["rules"].as_array().unwrap();
    let rule = |id: &Value| rules.iter().filter(|rule| rule["id"] == *id).count();
    let results = run["results"].as_array().unwrap();
    assert_eq!(results.len(), VALUES.len());
    for result in results {
        assert_eq!(rule(&result["ruleId"]), 1);
        assert!(matches!(result["level"].as_str(), Some("error" | "warning")));
        assert!(!result["message"]["text"].as_str().unwrap().is_empty());
        let place = &result["locations"][0]["physicalLocation"];
        let uri = place["artifactLocation"]["uri"].as_str().unwrap();
        assert!(["a.txt", "sub/b.json"].contains(&uri), "{uri}");
        for field in ["startLine", "startColumn", "endLine", "endColumn"] {
            assert!(place["region"][field].as_u64().unwrap() > 0);
        }
        assert!(place["region"]["snippet"].is_null());
    }
    let invocation = &run["invocations"][0];
    assert_eq!(invocation["executionSuccessful"], false);
    let told = &invocation["toolExecutionNotifications"][0];
    assert_eq!(told["locations"][0]["physicalLocation"]["artifactLocation"]["uri"], "none");
    let empty = scan_stdin(b"", &["--format", "sarif"]);
    let log: Value = serde_json::from_slice(&empty.stdout).unwrap();
    assert_eq!(log["runs"][0]["results"], Value::Array(Vec::new()));
}
