//! Inputs that once failed, and the golden bodies that mutations begin with.

use std::fs;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use crate::files;
use crate::targets::Target;

fn dir() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fuzz/corpus")
}

/// Target, file name and contents.
pub(crate) fn inputs() -> Vec<(Target, String, Vec<u8>)> {
    let mut found = Vec::new();
    for path in files::inputs(&dir()) {
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        let target = Target::ALL.into_iter().find(|target| name.starts_with(target.name()));
        if let Some(target) = target {
            found.push((target, name, fs::read(path).unwrap()));
        }
    }
    found
}

/// Keeps an input that failed.
pub(crate) fn keep(target: Target, input: &[u8]) -> PathBuf {
    let hash: String =
        Sha256::digest(input).iter().take(6).map(|byte| format!("{byte:02x}")).collect();
    let path = dir().join(format!("{}-{hash}", target.name()));
    fs::write(&path, input).unwrap();
    path
}

/// What the inputs of a target are made of.
pub(crate) fn seeds(target: Target) -> Vec<Vec<u8>> {
    let families: &[&str] = match target {
        Target::Text => &["text", "lines", "other", "form"],
        Target::Json => &["messages", "other", "batch"],
        Target::Stream => &["sse"],
    };
    let paths = families.iter().flat_map(|family| files::inputs(&files::dir().join(family)));
    let read = |path: PathBuf| {
        let text = fs::read_to_string(path).unwrap();
        match target {
            Target::Stream => files::filled(&text).0.into_bytes(),
            _ => text.into_bytes(),
        }
    };
    let mut seeds: Vec<_> = paths.map(read).collect();
    seeds.extend(inputs().into_iter().filter(|(of, ..)| *of == target).map(|(_, _, input)| input));
    assert!(seeds.len() >= 3, "the golden bodies are found");
    seeds
}
