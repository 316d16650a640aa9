//! `masker patterns`: what the catalog holds, and why a text is found or not.

use std::io::{self, Read as _};
use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use serde_json::json;
use thiserror::Error;

use crate::cli::{output, wiring};
use crate::config::load::{Env, Flags};
use crate::config::problem::Problems;
use crate::config::{Config, suggest};
use crate::detect::explain::{LONGEST, Pattern, Trial};
use crate::detect::{Catalog, CatalogError, Rank};

#[derive(Debug, Subcommand)]
pub(super) enum Patterns {
    /// List all patterns: name, kinds, family, edition, and what is critical
    List(List),
    /// Show one pattern whole
    Explain(Explain),
    /// Try a text: what is found by what, and why candidates are not. Nothing is stored
    Try(Try),
}

#[derive(Debug, Args)]
pub(super) struct List {
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
    #[command(flatten)]
    with: With,
}

#[derive(Debug, Args)]
pub(super) struct Explain {
    /// As `masker patterns list` shows it
    name: String,
    #[command(flatten)]
    with: With,
}

#[derive(Debug, Args)]
pub(super) struct Try {
    /// The text; `-` reads standard input, which other users of the machine do not see
    text: String,
    #[command(flatten)]
    with: With,
}

#[derive(Debug, Args)]
struct With {
    /// The configuration, for its detection and its patterns [env: MASKER_CONFIG]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Format {
    Text,
    /// One JSON object on each line
    Json,
}

#[derive(Debug, Error)]
pub(super) enum PatternsError {
    #[error(transparent)]
    Config(#[from] Problems),
    #[error(transparent)]
    Catalog(#[from] Box<CatalogError>),
    #[error("there is no pattern {name:?}{}", hint.as_ref().map(|hint| format!("; did you mean {hint:?}?")).unwrap_or_default())]
    Unknown { name: String, hint: Option<String> },
    #[error("cannot read standard input")]
    Input(#[source] io::Error),
    #[error("the text has more than {LONGEST} bytes; `masker scan` takes files of any size")]
    TooLong,
    #[error("cannot write to standard output")]
    Output(#[from] io::Error),
}

pub(super) fn run(patterns: &Patterns, env: Env<'_>) -> Result<(), PatternsError> {
    let (Patterns::List(List { with, .. })
    | Patterns::Explain(Explain { with, .. })
    | Patterns::Try(Try { with, .. })) = patterns;
    let flags = Flags { config: with.config.clone(), ..Flags::default() };
    let masker = wiring::masker(&Config::load(&flags, env)?)?;
    let catalog = &*masker.catalog;
    let text = match patterns {
        Patterns::List(List { format, .. }) => list(&all(catalog)?, *format),
        Patterns::Explain(explain) => whole(&all(catalog)?, &explain.name)?,
        Patterns::Try(own) => {
            let text = own.read()?;
            tried(catalog, &text, &catalog.explain(&text).map_err(Box::new)?)
        }
    };
    Ok(output::result(text.as_bytes())?)
}

fn all(catalog: &Catalog) -> Result<Vec<Pattern>, PatternsError> {
    Ok(catalog.patterns().map_err(Box::new)?)
}

fn list(all: &[Pattern], format: Format) -> String {
    let line = |pattern: &Pattern| match format {
        Format::Text => {
            let mark = if pattern.critical { "critical" } else { "" };
            let Pattern { name, family, since, kinds, .. } = pattern;
            let line = format!("{name:<36} {family:<16} {since:>5} {mark:<8} {}", kinds.join(","));
            format!("{}\n", line.trim_end())
        }
        Format::Json => {
            let object = json!({
                "name": pattern.name,
                "kinds": pattern.kinds,
                "family": pattern.family,
                "since": pattern.since,
                "critical": pattern.critical,
            });
            format!("{object}\n")
        }
    };
    let head = match format {
        Format::Text => {
            format!("{:<36} {:<16} {:>5} {:<8} {}\n", "NAME", "FAMILY", "SINCE", "", "KINDS")
        }
        Format::Json => String::new(),
    };
    head + &all.iter().map(line).collect::<String>()
}

fn whole(all: &[Pattern], name: &str) -> Result<String, PatternsError> {
    let Some(pattern) = all.iter().find(|pattern| pattern.name == name) else {
        let hint = suggest::nearest(name, all.iter().map(|pattern| pattern.name.as_str()));
        let hint = hint.map(str::to_owned);
        return Err(PatternsError::Unknown { name: name.to_owned(), hint });
    };
    let mut text = format!("{}\n", pattern.name);
    let rows = [
        ("kinds", pattern.kinds.join(", ")),
        ("family", pattern.family.clone()),
        ("since edition", pattern.since.to_string()),
        ("critical", if pattern.critical { "yes" } else { "no" }.to_owned()),
        ("found by", pattern.find.clone()),
        ("expression", pattern.expression.clone()),
        ("boundary", pattern.boundary.clone()),
        ("source", pattern.source.clone()),
    ];
    for (label, value) in rows {
        text.push_str(&format!("  {label:<16} {value}\n"));
    }
    for (label, values) in [("found", &pattern.examples), ("not found", &pattern.counter_examples)]
    {
        for value in values {
            text.push_str(&format!("  {label:<16} {}\n", value.escape_debug()));
        }
    }
    Ok(text)
}

impl Try {
    fn read(&self) -> Result<String, PatternsError> {
        let mut text = self.text.clone();
        if text == "-" {
            text.clear();
            let most = u64::try_from(LONGEST).unwrap_or(u64::MAX).saturating_add(1);
            let read = io::stdin().lock().take(most).read_to_string(&mut text);
            read.map_err(PatternsError::Input)?;
        }
        if text.len() > LONGEST { Err(PatternsError::TooLong) } else { Ok(text) }
    }
}

/// The text is the user's own and is shown.
fn tried(catalog: &Catalog, text: &str, trial: &Trial) -> String {
    let part = |span: &std::ops::Range<usize>| {
        let part = text.get(span.clone()).unwrap_or_default();
        let mut shown: String = part.escape_debug().take(80).collect();
        if part.len() > 80 {
            shown.push('…');
        }
        shown
    };
    let mut out = String::new();
    for (finding, by) in &trial.found {
        let kind = &catalog.info(finding.kind).name;
        let sure = match finding.rank {
            Rank::Shape => "by its shape",
            Rank::Structure => "as a field of what is around it",
            Rank::Context => "by its key or the words before it",
            Rank::Known => "as a known name",
        };
        out.push_str(&format!("found   {kind:<16} {by:<28} {}  {sure}\n", part(&finding.span)));
    }
    for missed in &trial.missed {
        let (class, span, why) = (&missed.class, part(&missed.span), &missed.why);
        out.push_str(&format!("missed  {:<16} {class:<28} {span}  {why}\n", ""));
    }
    if out.is_empty() { "nothing is found, and nothing is near it\n".to_owned() } else { out }
}
