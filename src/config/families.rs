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
    for text in unknown(KEY, names.iter()) {
        file.problem(origin, text);
    }
}

/// What is wrong with the names that `key` holds.
pub(crate) fn unknown<'a>(key: &str, names: impl Iterator<Item = &'a String>) -> Vec<String> {
    let is_known = |name: &&String| families().any(|family| family == name.as_str());
    let wrong = names.filter(|name| !is_known(name));
    let said = |name: &String| match nearest(name, families()) {
        Some(family) => format!("{key} names an unknown family {name:?}; did you mean {family:?}?"),
        None => {
            let all = families().collect::<Vec<_>>().join(", ");
            format!("{key} names an unknown family {name:?}; there are {all}")
        }
    };
    wrong.map(said).collect()
}
