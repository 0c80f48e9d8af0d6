//! What can go wrong, in words for the person at the terminal.

use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use mconn::adapter::window::Closed;
use mconn::sliding_window::CloseReason;

use super::checksum::Checksum;
use super::name::BadName;
use super::protocol::{Malformed, VERSION};

/// What a shell expects of a program that ctrl-c has ended.
const INTERRUPTED: u8 = 130;

/// Why a file was not transferred.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    #[error("can not {doing} {}: {error}{}", path.display(), hint_file(error))]
    File { doing: &'static str, path: PathBuf, error: io::Error },
    #[error("{} is no file", .0.display())]
    NotAFile(PathBuf),
    #[error("{} has changed while it was sent; start again", .0.display())]
    Changed(PathBuf),
    #[error("{} exists already and is something else\nhint: move it away, or start with --overwrite", .0.display())]
    Exists(PathBuf),
    #[error("{0}")]
    Name(#[from] BadName),
    #[error("can not use {address}: {error}{}", hint_address(error))]
    Address { address: String, error: io::Error },
    #[error("can not start: {0}")]
    Start(io::Error),
    #[error("the session ended before the file was complete: {closed}{}", hint_closed(closed))]
    Closed { closed: Closed },
    #[error("the other side has finished before the file was complete")]
    Finished,
    #[error("the other side speaks version {0} of the protocol, and this is version {VERSION}")]
    Version(u16),
    #[error("the other side sent {0}; it is not the program that belongs to this one")]
    Malformed(#[from] Malformed),
    #[error("the other side sent {found} in place of {expected}")]
    Unexpected { found: &'static str, expected: &'static str },
    #[error("the other side sent more bytes than it had offered, or begins at the wrong one")]
    Offset,
    #[error("the checksums differ, and what has arrived was thrown away: {expected} offered, {found} received")]
    Checksum { expected: Box<Checksum>, found: Box<Checksum> },
    #[error("the other side can not go on: {0}")]
    Told(String),
    #[error("interrupted; start again to go on")]
    Interrupted,
}

impl Failure {
    /// A file operation that failed.
    pub(crate) fn file(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |error| Self::File { doing, path, error }
    }

    /// What the other side is told; `None` when there is nobody to tell.
    pub(crate) fn to_tell(&self) -> Option<String> {
        match self {
            Self::Closed { .. } | Self::Told(_) | Self::Start(_) | Self::Address { .. } => None,
            Self::Interrupted => Some("it was interrupted".into()),
            other => other.to_string().lines().next().map(str::to_owned),
        }
    }
}

/// Ends the program: says what went wrong, if anything.
pub(crate) fn exit(result: Result<(), Failure>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("error: {failure}");
            match failure {
                Failure::Interrupted => ExitCode::from(INTERRUPTED),
                _ => ExitCode::FAILURE,
            }
        }
    }
}

fn hint_file(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge => {
            "\nhint: make room and start both sides again; what has arrived is kept"
        }
        _ => "",
    }
}

fn hint_address(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::AddrInUse => "\nhint: another program listens there; choose another port, or end it",
        _ => "",
    }
}

fn hint_closed(closed: &Closed) -> &'static str {
    match closed.reason {
        CloseReason::HandshakeTimeout { .. } => "\nhint: is receive_file running, and is this its address?",
        CloseReason::IdleTimeout { .. } | CloseReason::ProbesExhausted { .. } => {
            "\nhint: start both sides again; what has arrived is kept"
        }
        _ => "",
    }
}
