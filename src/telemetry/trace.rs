//! Which trace an exchange belongs to (W3C Trace Context).

/// What a client said in `traceparent`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trace {
    /// 32 hexadecimal digits.
    pub id: Box<str>,
    /// The span that asked: 16 of them, or empty.
    pub parent: Box<str>,
    pub sampled: bool,
}

impl Trace {
    /// Of `version-trace-parent-flags`, section 3.2. Another text is none: it may hold anything.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split('-').skip(1);
        let (id, parent, flags) = (parts.next()?, parts.next()?, parts.next()?);
        let right = |text: &str, length: usize| {
            text.len() == length
                && text.bytes().all(|byte| byte.is_ascii_hexdigit())
                && text.bytes().any(|byte| byte != b'0')
        };
        let flags = (flags.len() == 2).then(|| u8::from_str_radix(flags, 16).ok()).flatten()?;
        (right(id, 32) && right(parent, 16)).then(|| Self {
            id: id.into(),
            parent: parent.into(),
            sampled: flags & 1 == 1,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_has_the_right_shape_is_a_trace() {
        let trace = "4bf92f3577b34da6a3ce929d0e0e4736";
        let text = format!("00-{trace}-00f067aa0ba902b7-01");
        let found = Trace::parse(&text).unwrap();
        assert_eq!((&*found.id, &*found.parent), (trace, "00f067aa0ba902b7"));
        assert!(found.sampled && !Trace::parse(&text.replace("-01", "-02")).unwrap().sampled);
        for wrong in [
            "",
            "00-short-1-01",
            &text.replace(trace, &"0".repeat(32)),
            &text.replace(trace, trace.trim_start_matches('4')),
            &text.replace("00f067aa0ba902b7", "i-0abc123def45678"),
            &text.replace("-01", ""),
            &text.replace("-01", "-canary"),
        ] {
            assert_eq!(Trace::parse(wrong), None, "{wrong}");
        }
    }
}
