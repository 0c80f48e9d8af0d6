//! Which subjects a session uses.

use alloc::string::String;

use super::PendingLimits;

/// The subject of one end, and what is known of the other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inbox {
    pub(super) subject: String,
    pub(super) peer: Option<String>,
    pub(super) limits: PendingLimits,
}

impl Inbox {
    /// Listens on `subject`.
    #[must_use]
    pub fn new(subject: impl Into<String>) -> Self {
        Self { subject: subject.into(), peer: None, limits: PendingLimits::default() }
    }

    /// The same, with the inbox of the peer. Without it, it is learned from the first that calls.
    #[must_use]
    pub fn peer(self, subject: impl Into<String>) -> Self {
        Self { peer: Some(subject.into()), ..self }
    }

    /// The same, with other limits.
    #[must_use]
    pub fn limits(self, limits: PendingLimits) -> Self {
        Self { limits, ..self }
    }
}
