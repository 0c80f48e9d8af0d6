//! What the transport said, behind what the machine says.

use core::fmt;
use std::io;

/// Prints a colon and the error; nothing when there is none.
pub(crate) struct Cause<'a>(pub(crate) Option<&'a io::Error>);

impl fmt::Display for Cause<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.map_or(Ok(()), |error| write!(f, ": {error}"))
    }
}
