//! JSON source, decoded byte by byte.

#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Unescape(State);

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    #[default]
    None,
    Begun,
    /// Digits to come, and the number so far.
    Hex(u8, u32),
}

/// What a byte of the source is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Taken {
    /// A part of an escape.
    Part,
    Byte(u8),
    /// A string begins or ends.
    Quote,
}

impl Unescape {
    pub(super) fn take(&mut self, byte: u8) -> Taken {
        let (state, taken) = match (self.0, byte) {
            (State::None, b'\\') => (State::Begun, Taken::Part),
            (State::None, b'"') => (State::None, Taken::Quote),
            (State::Begun, b'u') => (State::Hex(4, 0), Taken::Part),
            (State::Begun, b'n') => (State::None, Taken::Byte(b'\n')),
            (State::Begun, b'r' | b't' | b'b' | b'f') => (State::None, Taken::Byte(b'\t')),
            (State::Hex(left, number), digit) => {
                let number = number << 4 | char::from(digit).to_digit(16).unwrap_or_default();
                if left > 1 {
                    (State::Hex(left - 1, number), Taken::Part)
                } else {
                    // All that is not ASCII is alike.
                    (State::None, Taken::Byte(u8::try_from(number).unwrap_or(0x80)))
                }
            }
            (State::None | State::Begun, byte) => (State::None, Taken::Byte(byte)),
        };
        self.0 = state;
        taken
    }
}
