//! Finds the literals that candidates begin with or hold, in one vectorized pass.

use aho_corasick::packed::{Config, MatchKind, Searcher};
use aho_corasick::{AhoCorasick, BuildError};

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
    /// A word that says that a password follows.
    Password,
}

/// Beginnings of ARNs, plain and percent-encoded.
const ARNS: [&str; 3] = ["arn:aws", "arn%3Aaws", "arn%3aaws"];
/// Endings that `password`, `PASSWORD`, `passwd`, `PGPASSWORD`, `MYSQL_PWD` share.
const PASSWORDS: [&str; 6] = ["assword", "ASSWORD", "asswd", "ASSWD", "_PWD", "_pwd"];

/// The vectorized searcher takes no more patterns.
const PACK: usize = 64;

#[derive(Debug)]
pub(crate) struct Literals {
    packs: Vec<Pack>,
}

#[derive(Debug)]
struct Pack {
    engine: Engine,
    /// For each literal its length and what it stands for.
    literals: Vec<(usize, Vec<Action>)>,
}

#[derive(Debug)]
enum Engine {
    Packed(Searcher),
    /// Where the processor has no vector instructions.
    Automaton(AhoCorasick),
}

impl Literals {
    pub(crate) fn new(mut all: Vec<(String, Action)>) -> Result<Self, Box<BuildError>> {
        all.extend(ARNS.iter().map(|text| ((*text).to_owned(), Action::Arn)));
        all.extend(PASSWORDS.iter().map(|text| ((*text).to_owned(), Action::Password)));
        let mut texts: Vec<(String, Vec<Action>)> = Vec::new();
        for (text, action) in all {
            match texts.iter_mut().find(|(known, _)| *known == text) {
                Some((_, actions)) => actions.push(action),
                None => texts.push((text, vec![action])),
            }
        }
        // Long ones together: their pack has the better fingerprints.
        texts.sort_by_key(|(text, _)| std::cmp::Reverse(text.len()));
        let packs = texts.chunks(PACK).map(|chunk| {
            let engine = Engine::new(chunk.iter().map(|(text, _)| text.as_str()))?;
            let literals = chunk.iter().map(|(text, actions)| (text.len(), actions.clone()));
            Ok(Pack { engine, literals: literals.collect() })
        });
        Ok(Self { packs: packs.collect::<Result<_, Box<BuildError>>>()? })
    }

    /// Calls `hit` for each literal with its beginning and end.
    pub(crate) fn scan(&self, text: &[u8], mut hit: impl FnMut(&[Action], usize, usize)) {
        for Pack { engine, literals } in &self.packs {
            let mut at = 0;
            while let Some((pattern, start)) = engine.find(text, at) {
                // The next may overlap this one: `s3:/` and `://`.
                at = start + 1;
                if let Some((len, actions)) = literals.get(pattern) {
                    hit(actions, start, start + len);
                }
            }
        }
    }
}

impl Engine {
    fn new<'a>(texts: impl Iterator<Item = &'a str> + Clone) -> Result<Self, Box<BuildError>> {
        let packed = Config::new()
            .match_kind(MatchKind::LeftmostFirst)
            .builder()
            .extend(texts.clone())
            .build();
        if let Some(searcher) = packed {
            return Ok(Self::Packed(searcher));
        }
        let automaton = AhoCorasick::builder()
            .match_kind(aho_corasick::MatchKind::LeftmostFirst)
            .build(texts)
            .map_err(Box::new)?;
        Ok(Self::Automaton(automaton))
    }

    fn find(&self, text: &[u8], from: usize) -> Option<(usize, usize)> {
        let found = match self {
            Self::Packed(searcher) => {
                searcher.find_in(text, aho_corasick::Span { start: from, end: text.len() })?
            }
            Self::Automaton(automaton) => {
                automaton.find(aho_corasick::Input::new(text).range(from..))?
            }
        };
        Some((found.pattern().as_usize(), found.start()))
    }
}
