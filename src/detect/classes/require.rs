//! What an expression cannot say of a value.

use crate::detect::classes::{Require, is_literal, is_region, is_typed_secret, made_up, owned};
use crate::detect::context::{secret, value as names};
use crate::detect::{encoded, network};

impl Require {
    pub(super) fn holds(self, value: &[u8]) -> bool {
        let digit = |part: &[u8]| part.iter().any(u8::is_ascii_digit);
        match self {
            Self::Digit => {
                let from = value.iter().position(|&b| b == b'-').unwrap_or_default();
                digit(value.get(from..).unwrap_or_default())
            }
            Self::HexMix => {
                let tail = value.get(value.len().saturating_sub(17)..).unwrap_or_default();
                let number = tail.iter().take(16).all(u8::is_ascii_digit);
                digit(tail) && !number && tail.iter().any(u8::is_ascii_lowercase)
            }
            Self::HexId => is_hex_id(value),
            Self::NotRegion => !is_region(value),
            Self::Literal => is_literal(value),
            Self::Password => is_typed_secret(value),
            Self::Random => secret::is_secret(value, true),
            Self::Userinfo => encoded::is_userinfo(value),
            Self::Octets => network::octets(value).is_some(),
            Self::MadeUp => made_up::is_made_up(value),
            Self::NotOwned => !is_region(value) && !owned::is_owned(value),
            Self::Name => names::is_name(value),
            Self::Distinct => names::is_name(value) && names::is_distinct(value),
            Self::Mixed => digit(value) && value.iter().any(u8::is_ascii_alphabetic),
            Self::Profile => names::is_profile(value),
            Self::PublicOctets => network::octets(value).is_some_and(network::is_public),
        }
    }
}

/// People write ids of other lengths too: cut, or made up. `i-2147483648` is arithmetic; no
/// number in a program is as long as an id nearly is.
fn is_hex_id(value: &[u8]) -> bool {
    let mut parts = value.rsplitn(2, |&b| b == b'-');
    let digits = parts.next().unwrap_or_default();
    let prefix = parts.next().unwrap_or_default();
    let letter = digits.iter().any(u8::is_ascii_lowercase);
    matches!(digits.len(), 8 | 16..=17)
        || (digits.iter().any(u8::is_ascii_digit) && (letter || prefix.len() > 1))
}
