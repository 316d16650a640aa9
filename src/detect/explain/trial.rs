//! Why a text is found or not.

use std::ops::Range;

use memchr::memmem;

use crate::detect::catalog::{CatalogError, entries};
use crate::detect::classes::{Entry, Find};
use crate::detect::explain::patterns::{Rule, rule_name, rules};
use crate::detect::explain::{Missed, Trial, Why, keys};
use crate::detect::{Catalog, Finding, Rank};

impl Catalog {
    /// Tries a text of at most [`super::LONGEST`] bytes.
    pub fn explain(&self, text: &str) -> Result<Trial, CatalogError> {
        let mut findings = Vec::new();
        self.scan(text, "", &[], &mut findings);
        let mut by: Vec<_> = findings.iter().map(|f| self.own_of(text, f)).collect();
        let mut missed = Vec::new();
        let free = |span: &Range<usize>| {
            !findings.iter().any(|f| f.span.start < span.end && span.start < f.span.end)
        };
        for ((_, entry), own) in entries(&self.settings)?.iter().zip(&self.classes) {
            let trial = own.trial(text.as_bytes());
            let begins = |at| own.may_begin(text.as_bytes(), at);
            let starts = beginnings(entry, text).into_iter().filter(|span| begins(span.start));
            for span in starts.filter(|span| free(span)) {
                if !trial.iter().any(|(tried, _)| tried.start == span.start) {
                    missed.push(Missed { span, class: entry.name.clone(), why: Why::Expression });
                }
            }
            for (span, verdict) in trial {
                let why = match verdict {
                    Ok(parts) => {
                        let named = name(&findings, &mut by, &parts, &entry.name);
                        match (named, free(&span)) {
                            (true, _) => continue,
                            (false, true) => Why::Untried,
                            (false, false) => Why::Taken,
                        }
                    }
                    Err(why) if free(&span) => why,
                    Err(_) => continue,
                };
                missed.push(Missed { span, class: entry.name.clone(), why });
            }
        }
        missed.extend(self.lacks_context(text)?.into_iter().filter(|missed| free(&missed.span)));
        missed.sort_by_key(|missed| missed.span.start);
        let rules = rules()?;
        let found = findings.into_iter().zip(by);
        let found = found.map(|(f, by)| (by.unwrap_or_else(|| self.rule_of(&f, &rules)), f));
        Ok(Trial { found: found.map(|(by, finding)| (finding, by)).collect(), missed })
    }

    /// The operator's own pattern that a finding is of.
    fn own_of(&self, text: &str, finding: &Finding) -> Option<String> {
        let mut found = Vec::new();
        self.custom.iter().for_each(|custom| custom.find(text.as_bytes(), Rank::Shape, &mut found));
        let own = found.iter().any(|f| f.span == finding.span && f.kind == finding.kind);
        let mut patterns = self.settings.own.patterns.iter();
        let of_kind = patterns.find(|own| self.kind(&own.kind) == Some(finding.kind));
        of_kind.filter(|_| own).map(|own| format!("custom.{}", own.name))
    }

    /// What found it, if it was no class.
    fn rule_of(&self, finding: &Finding, rules: &[Rule]) -> String {
        let of_rule = |rule: &Rule| self.kind(&rule.kind) == Some(finding.kind);
        let kind = self.info(finding.kind).name.to_ascii_lowercase();
        match finding.rank {
            Rank::Shape if self.encoded == Some(finding.kind) => "encoded".to_owned(),
            Rank::Shape if self.arns.is_whole(finding.kind) => "arn".to_owned(),
            Rank::Shape => format!("network.{kind}"),
            Rank::Structure => "arn".to_owned(),
            Rank::Context if rules.iter().any(of_rule) => format!("context.{kind}"),
            Rank::Context => keys::name(&kind),
            Rank::Known => "known".to_owned(),
        }
    }

    /// Words that would be values beside the right key.
    fn lacks_context(&self, text: &str) -> Result<Vec<Missed>, CatalogError> {
        let rules = rules()?;
        let of_word = |c: char| c.is_ascii_alphanumeric() || "/+=_-".contains(c);
        let mut missed = Vec::new();
        for word in text.split(|c| !of_word(c)).filter(|word| word.len() >= 8) {
            // A word is a part of the text.
            let at = word.as_ptr().addr() - text.as_ptr().addr();
            // Any word may be a password.
            for rule in rules.iter().filter(|rule| rule.value != "password") {
                let Some(label) = rule.labels.first() else { continue };
                let mut found = Vec::new();
                self.scan(word, label, &[], &mut found);
                let whole =
                    found.iter().any(|f| f.rank == Rank::Context && f.span == (0..word.len()));
                if whole {
                    let such = rule.labels.iter().chain(&rule.words).take(4);
                    let why =
                        Why::Context(such.map(|w| format!("{w:?}")).collect::<Vec<_>>().join(", "));
                    missed.push(Missed { span: at..at + word.len(), class: rule_name(rule), why });
                }
            }
        }
        Ok(missed)
    }
}

/// Names those findings that a class gives; false if it gives none of them.
fn name(findings: &[Finding], by: &mut [Option<String>], parts: &[Finding], class: &str) -> bool {
    let mut named = false;
    for (finding, by) in findings.iter().zip(by) {
        if parts.iter().any(|part| part.span == finding.span && part.kind == finding.kind) {
            by.get_or_insert_with(|| class.to_owned());
            named = true;
        }
    }
    named
}

/// Where the text begins like the class.
fn beginnings(entry: &Entry, text: &str) -> Vec<Range<usize>> {
    let texts = match &entry.find {
        Find::Prefix(prefixes) => prefixes.iter().map(|prefix| format!("{prefix}-")).collect(),
        Find::Literal(texts) => texts.clone(),
        _ => Vec::new(),
    };
    let mut all = Vec::new();
    for literal in texts {
        for at in memmem::find_iter(text.as_bytes(), &literal) {
            let rest = text.get(at + literal.len()..).unwrap_or_default();
            let more = rest.bytes().take_while(u8::is_ascii_alphanumeric).count();
            if more >= 4 {
                all.push(at..at + literal.len() + more);
            }
        }
    }
    all
}
