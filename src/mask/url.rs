//! Is a text inside a URL, and of which host? A machine that takes a text in any pieces.
//!
//! It errs to the careful side: what may still belong to a URL does. Shells join what
//! stands beside quotes, browsers take `\` for `/`, and JSON escapes slashes.

/// No authority is longer; a longer one belongs to nobody.
const LONGEST: usize = 256;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Phase {
    #[default]
    Out,
    /// Behind `:`, or behind the first of two slashes.
    Slashes(u8),
    Authority,
    Rest,
    /// Behind a quote in or after a URL: what follows at once still belongs to it.
    Quote,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Escape {
    #[default]
    None,
    Begun,
    /// Digits to come, and the number so far.
    Hex(u8, u32),
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Scheme {
    #[default]
    Other,
    File,
    /// `s3://`: the host is a bucket.
    Aws,
}

#[derive(Clone, Default)]
pub(super) struct Url {
    phase: Phase,
    escape: Escape,
    scheme: Scheme,
    /// The last letters and digits, at most eight.
    word: u64,
    authority: String,
}

/// Where a place is.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Whereabouts {
    Outside,
    Inside {
        scheme: Scheme,
        /// Without user and port.
        host: String,
    },
    /// The host is not known before more comes.
    Open,
}

impl Url {
    /// Takes a text; `source`: it is JSON source, of which each string begins anew.
    pub(super) fn advance(&mut self, text: &str, source: bool) {
        for byte in text.bytes() {
            self.take(byte, source);
        }
    }

    /// Where the text `ahead` begins, which comes next.
    pub(super) fn whereabouts(&self, ahead: &str, source: bool, end: bool) -> Whereabouts {
        match self.phase {
            Phase::Out | Phase::Slashes(_) => Whereabouts::Outside,
            Phase::Rest | Phase::Quote => self.inside(),
            Phase::Authority => {
                let mut later = self.clone();
                for byte in ahead.bytes() {
                    later.take(byte, source);
                    if later.phase != Phase::Authority {
                        return later.inside();
                    }
                }
                if end { later.inside() } else { Whereabouts::Open }
            }
        }
    }

    fn inside(&self) -> Whereabouts {
        let host = self.authority.rsplit('@').next().unwrap_or_default();
        let port = |port: &str| port.bytes().all(|b| b.is_ascii_digit());
        let host = host.rsplit_once(':').filter(|(_, tail)| port(tail)).map_or(host, |(h, _)| h);
        Whereabouts::Inside { scheme: self.scheme, host: host.to_owned() }
    }

    fn take(&mut self, byte: u8, source: bool) {
        if !source {
            return self.step(byte);
        }
        self.escape = match (self.escape, byte) {
            (Escape::None, b'\\') => Escape::Begun,
            (Escape::None, b'"') => return *self = self.anew(),
            (Escape::Begun, b'u') => Escape::Hex(4, 0),
            (Escape::Begun, b'n' | b't' | b'r' | b'b' | b'f') => {
                self.step(b'\n');
                Escape::None
            }
            (Escape::Hex(left, number), digit) => {
                let number = number << 4 | char::from(digit).to_digit(16).unwrap_or_default();
                if left > 1 {
                    Escape::Hex(left - 1, number)
                } else {
                    // All that is not ASCII is alike.
                    self.step(u8::try_from(number).unwrap_or(0x80));
                    Escape::None
                }
            }
            (Escape::None | Escape::Begun, byte) => {
                self.step(byte);
                Escape::None
            }
        };
    }

    fn anew(&mut self) -> Self {
        let mut authority = std::mem::take(&mut self.authority);
        authority.clear();
        Self { authority, ..Self::default() }
    }

    fn step(&mut self, byte: u8) {
        let slash = matches!(byte, b'/' | b'\\');
        self.phase = match self.phase {
            _ if byte <= b' ' || byte == 0x7f => Phase::Out,
            Phase::Slashes(0) if slash => Phase::Slashes(1),
            Phase::Slashes(_) if slash => self.begin(),
            Phase::Out | Phase::Slashes(_) => self.outside(byte),
            Phase::Authority => self.host(byte, slash),
            Phase::Rest | Phase::Quote if is_quote(byte) => match (self.phase, byte) {
                (Phase::Quote, b'>') => Phase::Out,
                _ => Phase::Quote,
            },
            Phase::Quote if !goes_on(byte) => Phase::Out,
            Phase::Rest | Phase::Quote => Phase::Rest,
        };
        let lower = byte.to_ascii_lowercase();
        self.word =
            if byte.is_ascii_alphanumeric() { self.word << 8 | u64::from(lower) } else { 0 };
    }

    fn outside(&mut self, byte: u8) -> Phase {
        let bytes = self.word.to_be_bytes();
        let word = bytes.iter().position(|&b| b != 0).and_then(|at| bytes.get(at..));
        match (byte, word) {
            // `//host/`, as in pages.
            (b'/', None) => {
                self.scheme = Scheme::Other;
                Phase::Slashes(1)
            }
            (b':', Some(word)) if word.len() > 1 => {
                self.scheme = match word {
                    b"file" => Scheme::File,
                    b"s3" | b"s3a" | b"s3n" => Scheme::Aws,
                    _ => Scheme::Other,
                };
                // With these, browsers do not ask for slashes.
                match word {
                    b"http" | b"https" | b"ws" | b"wss" | b"ftp" => self.begin(),
                    _ => Phase::Slashes(0),
                }
            }
            _ => Phase::Out,
        }
    }

    fn begin(&mut self) -> Phase {
        self.authority.clear();
        Phase::Authority
    }

    fn host(&mut self, byte: u8, slash: bool) -> Phase {
        let empty = self.authority.is_empty() && self.scheme != Scheme::File;
        match byte {
            _ if slash && empty => Phase::Authority,
            b'?' | b'#' => Phase::Rest,
            _ if slash => Phase::Rest,
            _ => {
                self.authority.push(char::from(byte));
                if is_quote(byte) {
                    Phase::Quote
                } else if self.authority.len() >= LONGEST {
                    Phase::Rest
                } else {
                    Phase::Authority
                }
            }
        }
    }
}

fn is_quote(byte: u8) -> bool {
    matches!(byte, b'"' | b'\'' | b'`' | b'<' | b'>')
}

/// Does a URL go on with this behind a quote?
fn goes_on(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"/?&=%+$-_~#{".contains(&byte) || !byte.is_ascii()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_read_in_any_pieces() {
        for (text, host) in [
            ("https://evil.example/?k=@", Some("evil.example")),
            ("![x](//evil.example/@)", Some("evil.example")),
            ("https:\\\\evil.example\\@", Some("evil.example")),
            ("https:evil.example/@", Some("evil.example")),
            ("git+https://u:p@evil.example:80/@", Some("evil.example")),
            ("https://a.amazonaws.com\\@evil.example/", Some("a.amazonaws.com")),
            ("curl 'https://evil.example/'@", Some("evil.example")),
            ("https:\\/\\/evil.example\\/@", Some("evil.example")),
            ("https://a.example/ @", None),
            ("\"https://a.example\", \"@", None),
            ("(https://a.example): @", None),
            ("a/b//c: @ // x @", None),
            ("C:\\x\\@", None),
        ] {
            let at = text.find("/@").or(text.find("\\@")).map_or(text.find('@'), |at| Some(at + 1));
            let (head, ahead) = text.split_at(at.unwrap());
            for size in 1..=head.len() {
                let mut url = Url::default();
                for piece in head.as_bytes().chunks(size) {
                    url.advance(std::str::from_utf8(piece).unwrap(), false);
                }
                let found = match url.whereabouts(ahead, false, true) {
                    Whereabouts::Inside { host, .. } => Some(host),
                    _ => None,
                };
                assert_eq!(found.as_deref(), host, "{text}");
            }
        }
    }

    #[test]
    fn an_open_authority_waits_and_source_is_decoded() {
        let mut url = Url::default();
        url.advance("postgres://app:", false);
        assert_eq!(url.whereabouts("X@db.exam", false, false), Whereabouts::Open);
        let mut url = Url::default();
        url.advance(r#"{"a": "https:\u002f\/evil.example\/"#, true);
        let inside = Whereabouts::Inside { scheme: Scheme::Other, host: "evil.example".into() };
        assert_eq!(url.whereabouts("X", true, false), inside);
        url.advance("\", \"", true);
        assert_eq!(url.whereabouts("X", true, false), Whereabouts::Outside);
    }
}
