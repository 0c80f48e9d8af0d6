//! Names of files that somebody else has chosen.

use std::fmt;
use std::path::{Path, PathBuf};

/// What is added to the name of a file that is not complete.
const PART: &str = ".part";
/// What is added to the name of what is noted of it.
const STATE: &str = ".part.state";
/// The longest name that file systems take, in bytes.
const LONGEST: usize = 255;

/// A name that leads nowhere else: no folder, nothing hidden in it, not too long.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FileName(String);

/// Why a name is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum BadName {
    #[error("the name of the file is empty")]
    Empty,
    #[error("the name of the file is {0:?}, which is a folder")]
    Folder(String),
    #[error("the name of the file, {name:?}, has the character {character:?} in it")]
    Character { name: String, character: char },
    #[error("the name of the file has {0} bytes; it may have {max} at most", max = LONGEST - STATE.len())]
    Long(usize),
}

impl FileName {
    /// Takes a name as it is, or refuses it: a changed one would surprise.
    pub(crate) fn new(name: &str) -> Result<Self, BadName> {
        if name.is_empty() {
            return Err(BadName::Empty);
        }
        if name.len() + STATE.len() > LONGEST {
            return Err(BadName::Long(name.len()));
        }
        let elsewhere = |character: char| match character {
            // A backslash and a colon are harmless here, and lead elsewhere on other systems.
            '/' | '\\' | ':' => true,
            other => other.is_control(),
        };
        if let Some(character) = name.chars().find(|character| elsewhere(*character)) {
            return Err(BadName::Character { name: name.into(), character });
        }
        if name == "." || name == ".." {
            return Err(BadName::Folder(name.into()));
        }
        Ok(Self(name.into()))
    }

    /// Where the complete file lies.
    pub(crate) fn complete(&self, folder: &Path) -> PathBuf {
        folder.join(&self.0)
    }

    /// Where it lies until then.
    pub(crate) fn part(&self, folder: &Path) -> PathBuf {
        folder.join(format!("{}{PART}", self.0))
    }

    /// Where it is noted of what it is a part.
    pub(crate) fn state(&self, folder: &Path) -> PathBuf {
        folder.join(format!("{}{STATE}", self.0))
    }
}

impl fmt::Display for FileName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
