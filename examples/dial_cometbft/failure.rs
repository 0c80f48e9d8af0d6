//! What can go wrong, in words for the person at the terminal.

use std::path::PathBuf;

use mconn::adapter::Closed;
use mconn::adapter::tokio::DialError;
use mconn::connection::ConfigError;
use thiserror::Error;

use crate::common::failure::hint;

/// Why there is nothing (more) to see.
#[derive(Debug, Error)]
pub(crate) enum Failure {
    #[error("can not dial {address}: {error}{}", hint(error))]
    Dial { address: String, error: DialError },
    #[error("can not take the key of {}: {why}", path.display())]
    NodeKey { path: PathBuf, why: String },
    #[error("no random bytes for a key: {0}")]
    Random(#[from] getrandom::Error),
    #[error("the configuration can not work: {0}")]
    Config(#[from] ConfigError),
    #[error("the connection ended: {closed}")]
    Closed { closed: Closed },
    #[error("the driver failed: {0}")]
    Driver(String),
    #[error("interrupted before there was a connection")]
    Interrupted,
}
