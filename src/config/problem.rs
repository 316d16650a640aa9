//! What is wrong with a configuration, and where.

use std::fmt;
use std::path::PathBuf;

use thiserror::Error;

/// Who set a value. Later ones win.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Origin {
    Default,
    /// A line of the file; lines begin at 1.
    File(usize),
    Environment(&'static str),
    Flag(&'static str),
}

/// One error: where it is and what would be right. It may quote a key or a
/// path, never a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    pub origin: Origin,
    pub text: String,
}

/// All errors at once, in the order of the file.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub struct Problems {
    pub file: Option<PathBuf>,
    pub list: Vec<Problem>,
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, Problem { origin, text }) in self.list.iter().enumerate() {
            if index > 0 {
                f.write_str("\n")?;
            }
            match (origin, &self.file) {
                (Origin::File(0), Some(file)) => write!(f, "{}: {text}", file.display())?,
                (Origin::File(line), Some(file)) => {
                    write!(f, "{}:{line}: {text}", file.display())?;
                }
                (Origin::File(line), None) => write!(f, "line {line}: {text}")?,
                (Origin::Environment(name) | Origin::Flag(name), _) => write!(f, "{name}: {text}")?,
                (Origin::Default, _) => f.write_str(text)?,
            }
        }
        Ok(())
    }
}
