//! Finds the literals that candidates begin with or hold, by the words in them.
//!
//! A literal is looked up by its first word: by the four bytes from there on. A filter
//! answers for almost all words of a text that no literal begins with them, so that the
//! cost does not grow with the number of literals.

/// What a literal stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    /// A class begins here.
    Here(usize),
    /// A class begins where the host around it begins.
    Host(usize),
    /// A class ends here.
    Ends(usize),
    /// An ARN begins here.
    Arn,
    /// Something here is AWS's for certain.
    Aws,
    /// The name of a service follows on a command line.
    Command,
    /// A word that says that a password follows.
    Password,
}

/// Beginnings of ARNs, plain and percent-encoded.
const ARNS: [&str; 3] = ["arn:aws", "arn%3Aaws", "arn%3aaws"];
/// CloudFormation, HCL, AWS's libraries, and the answers of services.
const AWS: [&str; 7] =
    ["AWS::", "\"aws_", "boto3", "aws-sdk", "aws_sdk", "ResponseMetadata", "amazonaws.com"];
/// Names of passwords that hold no `ssw`: `MYSQL_PWD`.
const PASSWORDS: [&str; 2] = ["_PWD", "_pwd"];

/// A literal is found by as many bytes.
const HEAD: usize = 4;
/// Bits of the filter.
const FILTER: usize = 1 << 16;

/// A literal that cannot be looked up.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("the literal {0:?} does not hold a word of three characters")]
pub struct NoWord(String);

#[derive(Debug)]
struct Literal {
    text: Box<[u8]>,
    /// Where its first word begins.
    word: usize,
    actions: Vec<Action>,
}

#[derive(Debug)]
pub(crate) struct Literals {
    all: Vec<Literal>,
    /// The first four bytes of words with the literals that they may begin; sorted.
    heads: Vec<(u32, u16)>,
    pub filter: Heads,
}

/// A set of first four bytes that may hold more than was added.
#[derive(Clone, Debug)]
pub(crate) struct Heads(Box<[u64]>);

impl Default for Heads {
    fn default() -> Self {
        Self(vec![0; FILTER / 64].into())
    }
}

impl Heads {
    pub(crate) fn mark(&mut self, head: [u8; HEAD]) {
        let (word, bit) = place(u32::from_le_bytes(head));
        if let Some(word) = self.0.get_mut(word) {
            *word |= bit;
        }
    }

    #[inline]
    pub(crate) fn may_hold(&self, head: u32) -> bool {
        let (index, bit) = place(head);
        self.0.get(index).is_some_and(|word| word & bit != 0)
    }
}

/// A literal in a text.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Hit<'a> {
    pub actions: &'a [Action],
    pub start: usize,
    pub end: usize,
}

impl Literals {
    pub(crate) fn new(mut all: Vec<(String, Action)>) -> Result<Self, NoWord> {
        all.extend(ARNS.iter().map(|text| ((*text).to_owned(), Action::Arn)));
        all.extend(AWS.iter().map(|text| ((*text).to_owned(), Action::Aws)));
        all.push(("aws ".to_owned(), Action::Command));
        all.extend(PASSWORDS.iter().map(|text| ((*text).to_owned(), Action::Password)));
        let mut this = Self { all: Vec::new(), heads: Vec::new(), filter: Heads::default() };
        for (text, action) in all {
            match this.all.iter_mut().find(|known| *known.text == *text.as_bytes()) {
                Some(known) => known.actions.push(action),
                None => this.add(text, action)?,
            }
        }
        this.heads.sort_unstable();
        Ok(this)
    }

    fn add(&mut self, text: String, action: Action) -> Result<(), NoWord> {
        let index = u16::try_from(self.all.len()).unwrap_or(u16::MAX);
        let word = text.bytes().position(|b| b.is_ascii_alphanumeric()).unwrap_or(text.len());
        match *text.as_bytes().get(word..).unwrap_or_default() {
            [a, b, c, d, ..] => self.mark([a, b, c, d], index),
            [a, b, c] => (0..=u8::MAX).for_each(|any| self.mark([a, b, c, any], index)),
            _ => return Err(NoWord(text)),
        }
        let text = text.into_bytes().into();
        self.all.push(Literal { text, word, actions: vec![action] });
        Ok(())
    }

    fn mark(&mut self, head: [u8; HEAD], index: u16) {
        self.filter.mark(head);
        self.heads.push((u32::from_le_bytes(head), index));
    }

    /// Calls `hit` for each literal whose first word begins here, with these bytes.
    #[cold]
    pub(crate) fn at<'a>(
        &'a self,
        text: &[u8],
        word: usize,
        head: u32,
        mut hit: impl FnMut(Hit<'a>),
    ) {
        let first = self.heads.partition_point(|&(other, _)| other < head);
        let same = self.heads.iter().skip(first).take_while(|&&(other, _)| other == head);
        for literal in same.filter_map(|&(_, index)| self.all.get(usize::from(index))) {
            let Some(start) = word.checked_sub(literal.word) else { continue };
            if text.get(start..).is_some_and(|rest| rest.starts_with(&literal.text)) {
                let end = start + literal.text.len();
                hit(Hit { actions: &literal.actions, start, end });
            }
        }
    }
}

/// The bit of the filter, by multiplicative hashing.
#[inline]
fn place(head: u32) -> (usize, u64) {
    let hash = head.wrapping_mul(0x9e37_79b1) >> 16;
    (usize::try_from(hash >> 6).unwrap_or_default() & (FILTER / 64 - 1), 1 << (hash & 63))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::detect::known;

    fn found(literals: &[&str], text: &str) -> Vec<(usize, usize)> {
        let all = literals.iter().enumerate();
        let all = all.map(|(at, text)| ((*text).to_owned(), Action::Here(at)));
        let literals = Literals::new(all.collect()).unwrap();
        let mut found = Vec::new();
        for word in 0..text.len() {
            let head = known::first_four(known::head(text.as_bytes(), word));
            if literals.filter.may_hold(head) {
                literals.at(text.as_bytes(), word, head, |hit| found.push((hit.start, hit.end)));
            }
        }
        found.sort_unstable();
        found.dedup();
        found
    }

    #[test]
    fn literals_are_found_by_their_first_word() {
        assert_eq!(found(&["AKIA"], "x AKIA1 AKI"), [(2, 6)]);
        assert_eq!(found(&["eyJ", "sk-"], "eyJa sk-"), [(0, 3), (5, 8)]);
        assert_eq!(found(&["--x-s3", "-----BEGIN "], "a--x-s3 -----BEGIN X"), [(1, 7), (8, 19)]);
        assert_eq!(found(&["ghp_", "ghp_x"], "ghp_x"), [(0, 4), (0, 5)]);
        assert_eq!(found(&["/aws/"], "aws/ /aws/"), [(5, 10)]);
    }

    #[test]
    fn a_literal_needs_a_word() {
        let literal = |text: &str| vec![(text.to_owned(), Action::Arn)];
        assert_eq!(Literals::new(literal("://")).unwrap_err(), NoWord("://".into()));
        assert_eq!(Literals::new(literal("-ab")).unwrap_err(), NoWord("-ab".into()));
    }
}
