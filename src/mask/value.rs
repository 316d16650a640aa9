//! An original value, which is never printed, and its mapping.

use std::fmt;
use std::hash::{Hash, Hasher};

use zeroize::Zeroizing;

use crate::mask::Placeholder;

/// An original: an identifier, a name or a secret as the client wrote it.
///
/// `Debug` shows a length; there is no `Display`. The text is reached by
/// [`Value::expose`] alone, and its memory is overwritten on drop.
#[derive(Clone)]
pub struct Value(Zeroizing<String>);

impl Value {
    #[must_use]
    pub fn new(text: &str) -> Self {
        Self(Zeroizing::new(text.to_owned()))
    }

    /// The original. Whoever calls this must not print it.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl PartialEq for Value {
    fn eq(&self, other: &Self) -> bool {
        self.expose() == other.expose()
    }
}

impl Eq for Value {}

impl Hash for Value {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.expose().hash(state);
    }
}

impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Value({} bytes)", self.0.len())
    }
}

/// A placeholder, the value it stands for, and the whole HMAC of which the
/// placeholder shows 60 bits: two values under one tag are told apart by it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mapping {
    pub placeholder: Placeholder,
    pub value: Value,
    pub fingerprint: [u8; 32],
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_a_length_only() {
        let value = Value::new("i-0123456789abcdef0");
        assert_eq!(format!("{value:?}"), "Value(19 bytes)");
        let mapping = Mapping {
            placeholder: Placeholder::parse("AWS_EC2_A00000000000").unwrap(),
            value,
            fingerprint: [7; 32],
        };
        assert!(!format!("{mapping:?}").contains("0123456789abcdef0"));
    }
}
