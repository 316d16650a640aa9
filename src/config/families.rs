//! `detect.families_off`: which families of the catalog there are.

use crate::config::file::File;
use crate::config::suggest::nearest;
use crate::config::value::Value;
use crate::detect::catalog::families;

const KEY: &str = "detect.families_off";

/// Refuses names of families that there are not.
pub(crate) fn check(file: &mut File) {
    let Some((Value::List(names), origin)) = file.values.get(KEY) else { return };
    let origin = *origin;
    let is_known = |name: &&String| families().any(|family| family == name.as_str());
    let wrong: Vec<_> = names.iter().filter(|name| !is_known(name)).map(|n| unknown(n)).collect();
    for text in wrong {
        file.problem(origin, text);
    }
}

fn unknown(name: &str) -> String {
    match nearest(name, families()) {
        Some(family) => format!("{KEY} names an unknown family {name:?}; did you mean {family:?}?"),
        None => {
            let all = families().collect::<Vec<_>>().join(", ");
            format!("{KEY} names an unknown family {name:?}; there are {all}")
        }
    }
}
