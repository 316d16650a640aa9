//! Which kinds are restored where.

use std::sync::Arc;

use crate::config::file::File;
use crate::config::suggest::nearest;
use crate::config::value::Value;
use crate::detect::custom::Own;
use crate::detect::{self, Catalog};
use crate::mask::care::{Rule, Rules};

const LISTS: [(&str, Rule); 3] = [
    ("restore.always", Rule::Always),
    ("restore.text_only", Rule::TextOnly),
    ("restore.never", Rule::Never),
];

pub(crate) fn rules(file: &mut File, own: &Own) -> Rules {
    let mut rules = Rules::new();
    let mut wrong = Vec::new();
    let mut catalog = None;
    for (key, rule) in LISTS {
        let Some((Value::List(kinds), origin)) = file.values.get(key) else { continue };
        for kind in kinds {
            // It takes a while to make, and few need it.
            let known = catalog.get_or_insert_with(|| {
                let own = Arc::new(own.clone());
                let settings = detect::Settings { own, ..detect::Settings::default() };
                Catalog::builtin(&settings)
            });
            // A catalog that cannot be made is refused where it is used.
            if let Ok(catalog) = known
                && catalog.kind(kind).is_none()
            {
                wrong.push((*origin, unknown(key, kind, catalog)));
            }
            if rules.insert(kind.clone(), rule).is_some() {
                wrong.push((*origin, format!("{key}: {kind:?} stands in [restore] twice")));
            }
        }
    }
    for (origin, text) in wrong {
        file.problem(origin, text);
    }
    rules
}

fn unknown(key: &str, kind: &str, catalog: &Catalog) -> String {
    match nearest(kind, catalog.kinds().map(|(_, info)| &*info.name)) {
        Some(name) => format!("{key} names an unknown kind {kind:?}; did you mean {name:?}?"),
        None => format!("{key} names an unknown kind {kind:?}; `masker patterns list` shows all"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> (Rules, Vec<String>) {
        let mut file = File::defaults();
        file.read(text);
        let rules = rules(&mut file, &Own::default());
        (rules, file.problems.iter().map(|p| format!("{:?} {}", p.origin, p.text)).collect())
    }

    #[test]
    fn kinds_are_known_and_stand_once() {
        let (rules, problems) = read("[restore]\nalways = [\"ACCOUNT\"]\nnever = [\"KMS\"]\n");
        assert_eq!(problems, Vec::<String>::new());
        assert_eq!(rules.get("ACCOUNT"), Some(&Rule::Always));
        assert_eq!(rules.get("KMS"), Some(&Rule::Never));
        for (text, wrong) in [
            ("[restore]\n\nnever = [\"ACCOUNTS\"]\n", "\"ACCOUNTS\"; did you mean \"ACCOUNT\"?"),
            ("[restore]\nalways = [\"EC2\"]\nnever = [\"EC2\"]\n", "stands in [restore] twice"),
            ("[restore]\nsometimes = [\"EC2\"]\n", "unknown key \"restore.sometimes\""),
        ] {
            let (_, problems) = read(text);
            let line = text.trim_end().lines().count();
            assert!(problems.iter().any(|problem| problem.contains(wrong)), "{problems:?}");
            assert!(problems.iter().any(|p| p.contains(&format!("File({line})"))), "{problems:?}");
        }
    }
}
