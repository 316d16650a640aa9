//! What one exchange masked: from value to placeholder and back.

use std::collections::{BTreeSet, HashMap};
use std::fmt;
use std::ops::Range;
use std::sync::{Arc, Mutex, OnceLock};

use crate::mask::care::Care;
use crate::mask::placeholder::NUMBER_KIND;
use crate::mask::spelling::Spellings;
use crate::mask::{Mapping, Placeholder, Scope, Value};

/// The mappings of one exchange.
///
/// In one document a value has one placeholder, that of the kind under which
/// it is first seen; as a JSON number it has another, which keeps it a number.
#[derive(Default)]
pub struct Table {
    texts: HashMap<Box<str>, Arc<Mapping>>,
    numbers: HashMap<Box<str>, Arc<Mapping>>,
    back: HashMap<Placeholder, Known>,
    has_numbers: bool,
    care: Option<Care>,
    thinking: bool,
    /// What was looked for and not known, where that is wanted.
    seeking: Option<Mutex<BTreeSet<Placeholder>>>,
    /// Of all that is known, made when it is looked for.
    spellings: OnceLock<Spellings>,
}

impl fmt::Debug for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Table({} mappings)", self.back.len())
    }
}

/// What a placeholder is restored to, and where from.
#[derive(Clone, Debug)]
enum Known {
    Made(Arc<Mapping>),
    Revealed(Value),
}

/// Two values under one tag: neither may be restored.
#[derive(Debug, PartialEq, Eq)]
pub struct Collision;

impl Table {
    /// The placeholder that stands for `value` already.
    #[must_use]
    pub fn text(&self, value: &str) -> Option<&Arc<Mapping>> {
        self.texts.get(value)
    }

    /// The placeholder of a value, made now if the document did not hold it yet.
    pub fn assign(
        &mut self,
        scope: &Scope,
        secret: bool,
        kind: &str,
        value: &str,
    ) -> Result<Arc<Mapping>, Collision> {
        let numbers = kind == NUMBER_KIND;
        let side = if numbers { &self.numbers } else { &self.texts };
        if let Some(mapping) = side.get(value) {
            return Ok(Arc::clone(mapping));
        }
        let mapping = Arc::new(scope.mapping(secret, kind, value));
        self.adopt(&mapping)?;
        Ok(mapping)
    }

    /// Would [`Table::assign`] give the value of this mapping the same placeholder?
    pub(super) fn agrees(&self, mapping: &Mapping) -> bool {
        let side = if mapping.placeholder.is_number() { &self.numbers } else { &self.texts };
        side.get(mapping.value.expose()).is_none_or(|own| own.placeholder == mapping.placeholder)
    }

    /// Adds a mapping of the same scope that was made before, and agrees.
    pub(super) fn adopt(&mut self, mapping: &Arc<Mapping>) -> Result<(), Collision> {
        let numbers = mapping.placeholder.is_number();
        let side = if numbers { &mut self.numbers } else { &mut self.texts };
        let value = mapping.value.expose();
        if side.contains_key(value) {
            return Ok(());
        }
        self.has_numbers |= numbers;
        self.spellings.take();
        side.insert(value.into(), Arc::clone(mapping));
        let known = Known::Made(Arc::clone(mapping));
        match self.back.insert(mapping.placeholder.clone(), known) {
            Some(_) => Err(Collision),
            None => Ok(()),
        }
    }

    /// Adds what the store knows of a placeholder that this exchange did not make.
    pub fn reveal(&mut self, placeholder: Placeholder, value: Value) {
        self.has_numbers |= placeholder.is_number();
        self.spellings.take();
        self.back.entry(placeholder).or_insert(Known::Revealed(value));
    }

    /// The original of a placeholder.
    #[must_use]
    pub fn original(&self, placeholder: &str) -> Option<&str> {
        Some(match self.back.get(placeholder)? {
            Known::Made(mapping) => mapping.value.expose(),
            Known::Revealed(value) => value.expose(),
        })
    }

    /// Which part of the placeholder at `span` is one of this exchange: `AWS_` before
    /// `SECRET_JWT_…` reads as a placeholder of another kind.
    pub(super) fn reading(&self, text: &str, span: Range<usize>) -> Range<usize> {
        let name = text.get(span.clone()).unwrap_or_default();
        if self.back.contains_key(name) {
            return span;
        }
        let mut inner = name.match_indices("_SECRET_").map(|(at, _)| at + 1);
        let known = inner.find(|&at| name.get(at..).is_some_and(|n| self.back.contains_key(n)));
        span.start + known.unwrap_or_default()..span.end
    }

    /// Knows nothing, and remembers what was looked for.
    #[must_use]
    pub fn seeking() -> Self {
        Self { seeking: Some(Mutex::default()), has_numbers: true, ..Self::default() }
    }

    /// Placeholders that were looked for since the last time.
    #[must_use]
    pub fn sought(&self) -> BTreeSet<Placeholder> {
        let all = self.seeking.as_ref().and_then(|all| all.lock().ok());
        all.map(|mut all| std::mem::take(&mut *all)).unwrap_or_default()
    }

    pub(super) fn missed(&self, name: &str) {
        if let Some(Ok(mut all)) = self.seeking.as_ref().map(Mutex::lock) {
            all.extend(Placeholder::parse(name));
        }
    }

    /// Are other spellings of placeholders restored, too?
    pub(super) fn is_lenient(&self) -> bool {
        !self.back.is_empty() && self.care.as_ref().is_some_and(Care::is_lenient)
    }

    /// The spellings of all that is known, where they count.
    pub(super) fn spellings(&self) -> Option<&Spellings> {
        self.is_lenient().then(|| self.spellings.get_or_init(|| Spellings::new(self.back.keys())))
    }

    /// The placeholder that stands there, however it is spelled.
    pub(super) fn name<'t>(&'t self, spelled: &'t str) -> &'t str {
        if self.back.contains_key(spelled) {
            return spelled;
        }
        let own = self.spellings().and_then(|known| known.name(spelled));
        own.map_or(spelled, Placeholder::as_str)
    }

    /// Does any placeholder stand for a number?
    #[must_use]
    pub fn has_numbers(&self) -> bool {
        self.has_numbers
    }

    /// From now on it is restored with care.
    pub fn set_care(&mut self, care: Care) {
        self.care = Some(care);
    }

    /// What the model thought is restored for the client to see.
    pub fn show_thinking(&mut self) {
        self.thinking = true;
    }

    pub(super) fn shows_thinking(&self) -> bool {
        self.thinking
    }

    /// Without it, all is restored everywhere: an operator asks, not a model.
    pub(crate) fn care(&self) -> Option<&Care> {
        self.care.as_ref()
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.back.is_empty()
    }

    /// Distinct findings.
    #[must_use]
    pub fn len(&self) -> usize {
        self.texts.len() + self.numbers.len()
    }

    /// The mappings made, for the store.
    pub fn made(&self) -> impl Iterator<Item = &Arc<Mapping>> {
        self.texts.values().chain(self.numbers.values())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mask::placeholder;
    use crate::mask::{MasterKey, Tenant};

    #[test]
    fn one_value_has_one_placeholder_and_a_number_another() {
        let scope = MasterKey::parse(&[b"0123456789abcdef".as_slice(); 4].concat())
            .unwrap()
            .scope(&Tenant::default());
        let mut table = Table::default();
        let first = table.assign(&scope, false, "ACCOUNT", "123456789012").unwrap();
        let again = table.assign(&scope, false, "RDS", "123456789012").unwrap();
        assert_eq!(first, again);
        let number = table.assign(&scope, false, NUMBER_KIND, "123456789012").unwrap();
        assert_ne!(first.placeholder, number.placeholder);
        assert!(table.has_numbers());
        assert_eq!(table.original(number.placeholder.as_str()), Some("123456789012"));
        assert_eq!((table.len(), table.made().count()), (2, 2));
        let jwt = table.assign(&scope, true, "JWT", "a.b.c").unwrap();
        let text = format!("AWS_{0} AWS_EC2_{0} {0}", jwt.placeholder);
        let ends = placeholder::spans(&text).into_iter().map(|span| table.reading(&text, span));
        assert!(ends.map(|span| text.get(span)).eq([Some(jwt.placeholder.as_str()); 3]));
        table.reveal(first.placeholder.clone(), Value::new("other"));
        assert_eq!(table.original(first.placeholder.as_str()), Some("123456789012"));
    }
}
