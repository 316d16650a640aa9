//! Files in which nothing should be found.

use std::collections::BTreeMap;
use std::error::Error;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use masker::mask::document::{self, Form};

use crate::Bench;

/// Addresses of private networks are findings, but not false ones.
const APART: &str = "PRIVATE_IP";

pub(crate) fn run(
    bench: &Bench,
    folder: &Path,
    values: bool,
    out: &mut impl Write,
) -> Result<(), Box<dyn Error>> {
    let mut files = Vec::new();
    list(folder, &mut files)?;
    files.sort();
    let mut kinds: BTreeMap<String, u64> = BTreeMap::new();
    let mut bytes = 0;
    for file in &files {
        let Ok(text) = String::from_utf8(fs::read(file)?) else { continue };
        bytes += text.len();
        let (_, table, report) = document::mask(&bench.masker, &bench.scope, Form::Text, &text)?;
        for (kind, count) in report.findings {
            *kinds.entry(bench.masker.catalog.info(kind).name.to_string()).or_default() += count;
        }
        if values {
            for mapping in table.made() {
                let value = mapping.value.expose();
                if mapping.placeholder.as_str().contains(APART) {
                    continue;
                }
                let at = text.find(value).unwrap_or_default();
                let head: String =
                    text.get(..at).unwrap_or_default().chars().rev().take(40).collect();
                let head: String = head.chars().rev().collect();
                let file = file.strip_prefix(folder).unwrap_or(file).display();
                writeln!(out, "{file}\t{}\t{head:?}\t{value:?}", mapping.placeholder)?;
            }
        }
    }
    let apart = kinds.remove(APART).unwrap_or_default();
    let total: u64 = kinds.values().sum();
    for (kind, count) in &kinds {
        writeln!(out, "{count:6} {kind}")?;
    }
    #[expect(clippy::cast_precision_loss, reason = "counts are small")]
    let (megabytes, rate) = (bytes as f64 / 1e6, total as f64 / (bytes as f64 / 1e7));
    writeln!(
        out,
        "{total} findings in {megabytes:.1} MB, {rate:.2} for each 10 MB; \
         {apart} private addresses apart"
    )?;
    Ok(())
}

fn list(folder: &Path, files: &mut Vec<PathBuf>) -> std::io::Result<()> {
    if !folder.is_dir() {
        files.push(folder.to_owned());
        return Ok(());
    }
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        match entry.file_type()? {
            kind if kind.is_dir() => list(&entry.path(), files)?,
            kind if kind.is_file() => files.push(entry.path()),
            _ => {}
        }
    }
    Ok(())
}
