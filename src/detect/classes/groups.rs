//! The named groups of an expression, without building it.

/// The number and the name of each.
pub(super) fn named(expression: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut groups = Vec::new();
    let (mut count, mut set, mut at) = (0, false, 0);
    while let Some(rest) = expression.get(at..).filter(|rest| !rest.is_empty()) {
        let escaped = rest.starts_with('\\');
        let skipped = usize::from(escaped);
        let sign = rest.chars().nth(skipped).map_or(1, char::len_utf8);
        match rest.as_bytes() {
            [b'[', ..] => set = true,
            [b']', ..] => set = false,
            [b'(', ..] if !set => {
                let name = rest.strip_prefix("(?P<").and_then(|name| name.split('>').next());
                count += usize::from(name.is_some() || !rest.starts_with("(?"));
                groups.extend(name.map(|name| (count, name)));
            }
            _ => {}
        }
        at += skipped + sign;
    }
    groups.into_iter()
}

#[cfg(test)]
mod tests {
    #[test]
    fn groups_have_numbers_and_some_have_names() {
        let all: Vec<_> = super::named(r"(a)(?:b)(?P<X>[(\])]|\(é)(?P<Y__2>c)").collect();
        assert_eq!(all, [(2, "X"), (3, "Y__2")]);
    }
}
