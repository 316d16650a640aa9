//! Names of hosts that stand without a scheme.

/// May this byte be a part of a host's name?
pub(super) fn is_symbol(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b".-_".contains(&byte) || !byte.is_ascii()
}

/// Is this a host: labels of which the last is a word, or an IP address?
pub(super) fn is_host(name: &str) -> bool {
    let name = name.strip_suffix('.').unwrap_or(name);
    let labels = || name.split('.');
    let number = |label: &str| label.bytes().all(|b| b.is_ascii_digit());
    let word = |label: &str| {
        let letters = label.bytes().all(|b| b.is_ascii_alphabetic() || !b.is_ascii());
        (label.len() > 1 && letters) || label.starts_with("xn--")
    };
    let address = || labels().count() == 4 && labels().all(number);
    labels().count() > 1
        && labels().all(|label| !label.is_empty())
        && name.bytes().all(is_symbol)
        && (labels().next_back().is_some_and(word) || address())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_told_from_other_words() {
        for name in ["evil.example", "a.b-c.io.", "10.1.2.3", "x.xn--p1ai", "évil.fr", "a_b.dev"] {
            assert!(is_host(name), "{name}");
        }
        for name in ["evil", ".aws", "v1.2.3", "1.2.3.4.5", "e.g", "a..io", "tcp(a.io", ""] {
            assert!(!is_host(name), "{name}");
        }
    }
}
