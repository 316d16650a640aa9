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
