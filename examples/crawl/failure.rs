//! What can go wrong, in words for the person at the terminal.

use std::io;
use std::path::PathBuf;

use mconn::adapter::tokio::DialError;
use thiserror::Error;

use crate::common::failure::hint;

/// Why there is no map.
#[derive(Debug, Error)]
pub(crate) enum Failure {
    #[error("can not dial {address}: {error}{}", hint(error))]
    Dial { address: String, error: DialError },
    #[error("no random bytes for a key: {0}")]
    Random(#[from] getrandom::Error),
    #[error("can not write {}: {error}", path.display())]
    Write { path: PathBuf, error: io::Error },
    #[error("interrupted, or out of time, before the first node was reached")]
    TooEarly,
}
