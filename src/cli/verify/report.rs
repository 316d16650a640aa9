//! What a run came to, as text, JSON or HTML. No value is in it: each was made for
//! the run, and still a report is to be shown.

use clap::ValueEnum;
use serde::Serialize;
use sha2::Digest;
use sha2::Sha256;

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    Text,
    Json,
    Html,
}

#[derive(Clone, Debug, Serialize)]
pub(super) struct Report {
    pub(super) gateway: String,
    pub(super) version: &'static str,
    pub(super) time: String,
    pub(super) passed: bool,
    pub(super) planted: Vec<&'static str>,
    pub(super) checks: Vec<Check>,
}

#[derive(Clone, Debug, Serialize)]
pub(super) struct Check {
    pub(super) name: &'static str,
    pub(super) passed: bool,
    /// What was found, or what is wrong.
    pub(super) found: String,
}

impl Report {
    pub(super) fn write(&self, format: Format) -> String {
        let json = serde_json::to_string_pretty(self).unwrap_or_default();
        match format {
            Format::Json => format!("{json}\n"),
            Format::Text => self.text(&digest(&json)),
            Format::Html => self.html(&digest(&json)),
        }
    }

    fn verdict(&self) -> &'static str {
        if self.passed { "PASSED: nothing that was planted has left" } else { "FAILED" }
    }

    fn text(&self, digest: &str) -> String {
        let mut out = format!("{} through {} at {}\n", self.verdict(), self.gateway, self.time);
        for Check { name, passed, found } in &self.checks {
            let sign = if *passed { "ok    " } else { "FAILED" };
            out += &format!("  {sign}  {name}: {found}\n");
        }
        out += &format!("masker {}, report sha256:{digest}\n", self.version);
        out
    }

    fn html(&self, digest: &str) -> String {
        let mut rows = String::new();
        for Check { name, passed, found } in &self.checks {
            let (class, sign) = if *passed { ("ok", "passed") } else { ("bad", "failed") };
            let (name, found) = (escape(name), escape(found));
            rows += &format!("<tr><td>{name}<td class={class}>{sign}<td>{found}");
        }
        let [gateway, planted] = [escape(&self.gateway), escape(&self.planted.join(", "))];
        let (verdict, time, version) = (self.verdict(), &self.time, self.version);
        format!(
            "<!doctype html><html lang=en><meta charset=utf-8><title>masker verify</title>\
             <style>body{{font:16px/1.5 system-ui,sans-serif;max-width:56rem;margin:2rem auto;padding:0 1rem}}\
             table{{border-collapse:collapse;width:100%}}td,th{{text-align:left;padding:.4rem;border-bottom:1px solid #ccc}}\
             .ok{{color:#0f7045}}.bad{{color:#b4202f}}footer{{color:#52606d;font-size:.87rem;overflow-wrap:anywhere}}</style>\
             <h1>{verdict}</h1><p>Gateway {gateway}, {time}. Planted: {planted}.</p>\
             <table><tr><th>Check<th>Result<th>Found{rows}</table>\
             <p>Signed off by: ______________________ Date: ____________</p>\
             <footer>masker {version}, report sha256:{digest}</footer></html>\n"
        )
    }
}

/// Of the report as JSON, so that the three forms can be told to be one.
fn digest(json: &str) -> String {
    let digest = Sha256::digest(json.as_bytes());
    let halves = digest.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    halves.filter_map(|half| char::from_digit(half.into(), 16)).collect()
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
