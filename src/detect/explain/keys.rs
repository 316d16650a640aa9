//! The keys that name what a customer made, for people.

use crate::detect::Catalog;
use crate::detect::catalog::KEYS;
use crate::detect::context::names::When;
use crate::detect::explain::Pattern;

impl Catalog {
    /// One pattern for each kind of what keys name.
    pub(super) fn keys(&self) -> Vec<Pattern> {
        let of_kind = |(kind, keys): (_, &[(String, When)])| {
            let kind = &*self.info(kind).name;
            let all = [
                ("alone", When::Always),
                ("beside signs of AWS", When::BesideAws),
                ("behind `aws`, by service and option", When::Command),
            ];
            let all = all.into_iter().filter_map(|(title, when)| {
                let keys = keys.iter().filter(|(_, of)| *of == when);
                let keys: Vec<_> = keys.map(|(key, _)| key.as_str()).collect();
                (!keys.is_empty()).then(|| format!("{title}: {}", keys.join(" ")))
            });
            Pattern {
                name: name(kind),
                family: KEYS.to_owned(),
                kinds: vec![kind.to_owned()],
                critical: false,
                since: 1,
                find: "a key, a flag, the head of a column, or an option behind `aws`".to_owned(),
                expression: all.collect::<Vec<_>>().join("; "),
                boundary: "the whole value".to_owned(),
                examples: Vec::new(),
                counter_examples: Vec::new(),
                source:
                    "service models of botocore: scripts/key_names.py, scripts/option_names.py; \
                         answer_names.toml"
                        .to_owned(),
            }
        };
        let keys = self.context.names.by_kind();
        keys.iter().map(|(&kind, keys)| of_kind((kind, keys))).collect()
    }
}

/// What it is called.
pub(super) fn name(kind: &str) -> String {
    format!("keys.{}", kind.to_ascii_lowercase())
}
