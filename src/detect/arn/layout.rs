//! The small language of `patterns/arn.toml`.

use crate::detect::Kind;

/// What the components of a name are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Layout {
    /// With fewer components than parts, the first parts are missing.
    pub from_end: bool,
    pub parts: Vec<Part>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// One component.
    Name(Kind),
    /// Any number of components before the remaining parts.
    Path(Kind),
    /// All components up to the next colon, as one name.
    Whole(Kind),
    /// One component that stays.
    Keep,
    /// One of these words, if it is there.
    Words(Vec<Box<str>>),
    /// All that follows stays.
    Rest,
}

impl Layout {
    pub(super) fn new(text: &str, mut kind: impl FnMut(&str) -> Kind) -> Self {
        let mut parts = Vec::new();
        let mut from_end = false;
        for word in text.split_whitespace() {
            let words = word.strip_prefix('(').and_then(|word| word.strip_suffix(')'));
            parts.push(match (word, words) {
                (">", _) => {
                    from_end = true;
                    continue;
                }
                ("=", _) => Part::Keep,
                ("...", _) => Part::Rest,
                (_, Some(words)) => Part::Words(words.split(',').map(Into::into).collect()),
                _ => match (word.strip_suffix('*'), word.strip_suffix('!')) {
                    (Some(name), _) => Part::Path(kind(name)),
                    (_, Some(name)) => Part::Whole(kind(name)),
                    _ => Part::Name(kind(word)),
                },
            });
        }
        Self { from_end, parts }
    }

    /// The kinds of the components.
    pub(super) fn kinds(&self) -> impl Iterator<Item = Kind> {
        self.parts.iter().filter_map(|part| match part {
            Part::Name(kind) | Part::Path(kind) | Part::Whole(kind) => Some(*kind),
            Part::Keep | Part::Words(_) | Part::Rest => None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn layouts_are_read() {
        let layout = Layout::new("> (a,b) A* B! = C ...", |_| Kind(1));
        assert!(layout.from_end);
        let words = Part::Words(vec!["a".into(), "b".into()]);
        let one = Kind(1);
        assert_eq!(
            layout.parts,
            [words, Part::Path(one), Part::Whole(one), Part::Keep, Part::Name(one), Part::Rest]
        );
    }
}
