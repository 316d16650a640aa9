//! Lines and columns.

/// A line and a column, both from 1; a column is a character.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) line: usize,
    pub(super) column: usize,
}

/// Goes forward through a text.
#[derive(Debug)]
pub(super) struct Cursor {
    at: usize,
    place: Place,
}

impl Default for Cursor {
    fn default() -> Self {
        Self { at: 0, place: Place { line: 1, column: 1 } }
    }
}

impl Cursor {
    pub(super) fn advance(&mut self, text: &str, to: usize) {
        let part = text.get(self.at..to).unwrap_or_default();
        self.at = self.at.max(to);
        match part.rsplit_once('\n') {
            Some((before, last)) => {
                self.place.line += 1 + before.bytes().filter(|&b| b == b'\n').count();
                self.place.column = 1 + last.chars().count();
            }
            None => self.place.column += part.chars().count(),
        }
    }

    pub(super) fn place(&self) -> Place {
        self.place
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn characters_are_counted_from_the_last_line_end() {
        let text = "é1\n\nab\r\n한x";
        let mut cursor = Cursor::default();
        for (at, line, column) in [(0, 1, 1), (2, 1, 2), (4, 2, 1), (6, 3, 2), (12, 4, 2)] {
            cursor.advance(text, at);
            assert_eq!(cursor.place(), Place { line, column }, "{at}");
        }
    }
}
