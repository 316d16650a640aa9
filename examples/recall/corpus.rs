//! A corpus of texts with what must not be left of them.

use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::fs;
use std::io::Write;
use std::path::Path;

use masker::mask::document::{self, Form};
use masker::mask::placeholder;
use serde::Deserialize;

use crate::Bench;
use crate::exceptions::{self, Exception};

#[derive(Deserialize)]
struct Case {
    id: String,
    #[serde(default)]
    class: String,
    text: String,
    #[serde(default, alias = "expect_masked")]
    secrets: Vec<String>,
    #[serde(default)]
    secret_classes: Vec<String>,
    #[serde(default)]
    parts: Vec<String>,
    #[serde(default)]
    learned: Vec<String>,
}

/// So many of so many.
#[derive(Default)]
struct Share {
    good: usize,
    all: usize,
}

impl Share {
    fn add(&mut self, good: bool) {
        self.good += usize::from(good);
        self.all += 1;
    }
}

impl std::fmt::Display for Share {
    #[expect(clippy::cast_precision_loss, reason = "counts are small")]
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let percent = 100.0 * self.good as f64 / self.all.max(1) as f64;
        write!(f, "{percent:.2} % ({} of {})", self.good, self.all)
    }
}

pub(crate) fn run(
    bench: &Bench,
    file: &Path,
    misses: bool,
    exceptions: Option<Vec<Exception>>,
    out: &mut impl Write,
) -> Result<(), Box<dyn Error>> {
    let [mut secrets, mut texts, mut strict, mut learned, mut restored] =
        std::array::from_fn(|_| Share::default());
    let mut classes: BTreeMap<String, usize> = BTreeMap::new();
    let mut excepted = exceptions.map(Excepted::new);
    for line in fs::read_to_string(file)?.lines().filter(|line| !line.is_empty()) {
        let case: Case = serde_json::from_str(line)?;
        let (masked, table, _) =
            document::mask(&bench.masker, &bench.scope, Form::Text, &case.text)?;
        let back = document::unmask(Form::Text, &masked, 128, &table).0;
        restored.add(back == case.text);
        let left = without_placeholders(&masked);
        let mut clean = true;
        let mut seen = BTreeSet::new();
        for (at, value) in case.secrets.iter().enumerate() {
            if !seen.insert(value) {
                continue;
            }
            let gone = !left.contains(value.as_str());
            secrets.add(gone);
            clean &= gone;
            if !gone {
                let class = case.secret_classes.get(at).unwrap_or(&case.class);
                *classes.entry(class.clone()).or_default() += 1;
                if let Some(excepted) = &mut excepted {
                    excepted.miss(bench, &case.id, value, out)?;
                }
                if misses {
                    show(out, "secret", &case.id, class, &left, value)?;
                }
            }
        }
        let mut strict_clean = clean;
        for value in &case.parts {
            let gone = !holds_word(&left, value);
            clean &= gone;
            strict_clean &= !left.contains(value.as_str());
            if !gone && misses {
                show(out, "part", &case.id, &case.class, &left, value)?;
            }
        }
        texts.add(clean);
        strict.add(strict_clean);
        for value in &case.learned {
            let gone = !left.contains(value.as_str());
            learned.add(gone);
            if !gone && misses {
                show(out, "learned", &case.id, &case.class, &left, value)?;
            }
        }
    }
    writeln!(out, "secrets absent    {secrets}")?;
    writeln!(out, "texts clean       {texts}")?;
    writeln!(out, "  inside words    {strict}")?;
    writeln!(out, "learned absent    {learned}")?;
    writeln!(out, "texts restored    {restored}")?;
    for (class, count) in classes {
        writeln!(out, "missed {count:5} {class}")?;
    }
    excepted.map_or(Ok(()), |excepted| excepted.tell(out))
}

/// What of the misses the exceptions are for.
struct Excepted {
    exceptions: Vec<Exception>,
    /// What is wrong with the list.
    others: usize,
}

impl Excepted {
    fn new(exceptions: Vec<Exception>) -> Self {
        Self { exceptions, others: 0 }
    }

    /// A value with a shape is never excepted.
    fn miss(
        &mut self,
        bench: &Bench,
        id: &str,
        value: &str,
        out: &mut impl Write,
    ) -> std::io::Result<()> {
        let shape = exceptions::has_shape(bench, value);
        if !shape && self.exceptions.iter_mut().any(|exception| exception.covers(id, value)) {
            return Ok(());
        }
        self.others += 1;
        let near = self.exceptions.iter().find(|exception| exception.fits(value));
        let why = match near {
            _ if shape => "it has a shape".to_owned(),
            Some(near) => format!("{:?} does not name it", near.name),
            None => "there is no exception".to_owned(),
        };
        writeln!(out, "not excepted\t{id}\t{why}")
    }

    fn tell(mut self, out: &mut impl Write) -> Result<(), Box<dyn Error>> {
        for exception in &self.exceptions {
            writeln!(out, "excepted {:5} {}", exception.used, exception.name)?;
            for id in exception.unused() {
                writeln!(out, "not missed\t{id}\tremove it from {:?}", exception.name)?;
                self.others += 1;
            }
        }
        match self.others {
            0 => Ok(()),
            others => {
                Err(format!("the exceptions and the corpus differ in {others} places").into())
            }
        }
    }
}

/// The text with `¤` for each placeholder, whose tag is nobody's value.
fn without_placeholders(masked: &str) -> String {
    let mut left = String::new();
    let mut from = 0;
    for span in placeholder::spans(masked) {
        left.push_str(masked.get(from..span.start).unwrap_or_default());
        left.push('¤');
        from = span.end;
    }
    left + masked.get(from..).unwrap_or_default()
}

/// Does a value stand in a text by itself? `stages` is no part of `stagesEnabled`.
fn holds_word(text: &str, value: &str) -> bool {
    text.match_indices(value).any(|(at, _)| {
        let head = text.get(..at).and_then(|head| head.chars().next_back());
        let tail = text.get(at + value.len()..).and_then(|tail| tail.chars().next());
        let of_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
        !head.is_some_and(of_word) && !tail.is_some_and(of_word)
    })
}

fn show(
    out: &mut impl Write,
    what: &str,
    id: &str,
    class: &str,
    left: &str,
    value: &str,
) -> std::io::Result<()> {
    let at = left.find(value).unwrap_or_default();
    let head: String = left.get(..at).unwrap_or_default().chars().rev().take(70).collect();
    let head: String = head.chars().rev().collect();
    let tail: String = left.get(at + value.len()..).unwrap_or_default().chars().take(30).collect();
    writeln!(out, "{what}\t{id}\t{class}\t{value:.200}\t{:?}", format!("{head}⟦…⟧{tail}"))
}
