//! The nearest known name to one that is unknown.

/// The nearest of `names`, if it is near enough to be a slip.
pub(crate) fn nearest<'a>(word: &str, names: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let most = (word.chars().count() / 3).clamp(1, 4);
    names
        .map(|name| (distance(word, name), name))
        .filter(|(distance, _)| *distance <= most)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name)
}

/// What is wrong with the `names` that `key` holds, of which these are known.
pub(crate) fn unknown<'a, I: Iterator<Item = &'static str>>(
    key: &str,
    names: impl IntoIterator<Item = &'a String>,
    known: impl Fn() -> I,
) -> Vec<String> {
    let wrong = names.into_iter().filter(|name| !known().any(|known| known == name.as_str()));
    let said = |name: &String| match nearest(name, known()) {
        Some(near) => format!("{key} holds {name:?}; did you mean {near:?}?"),
        None => {
            let all = known().collect::<Vec<_>>().join(", ");
            format!("{key} holds {name:?}; there are {all}")
        }
    };
    wrong.map(said).collect()
}

/// Levenshtein's distance: letters added, removed or replaced.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (index, x) in a.chars().enumerate() {
        let mut next = vec![index + 1];
        let mut left = index + 1;
        for (y, pair) in b.iter().zip(row.windows(2)) {
            let &[diagonal, above] = pair else { continue };
            left = (left + 1).min(above + 1).min(diagonal + usize::from(x != *y));
            next.push(left);
        }
        row = next;
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_are_found() {
        let names = ["limits.body", "limits.body_time", "listen", "log.level"];
        for (word, found) in [
            ("limits.bdy", Some("limits.body")),
            ("limit.body", Some("limits.body")),
            ("lisen", Some("listen")),
            ("log.levle", Some("log.level")),
            ("telemetry", None),
            ("", None),
        ] {
            assert_eq!(nearest(word, names.into_iter()), found, "{word}");
        }
    }
}
