//! How a message is to be sent.

use crate::time::Instant;

/// How a message is to be sent. The default is in order, for ever, without a receipt.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct SendOptions {
    /// Its place among the others.
    pub class: Class,
    /// Until when it is worth sending.
    pub expires: Expires,
    /// Whether to tell when the peer's application has taken it.
    pub receipt: bool,
}

impl SendOptions {
    /// In order, for ever, without a receipt.
    pub const ORDERED: Self = Self { class: Class::Ordered, expires: Expires::Never, receipt: false };
    /// As soon as it is there, for ever, without a receipt.
    pub const UNORDERED: Self = Self { class: Class::Unordered, expires: Expires::Never, receipt: false };

    /// The same, worth sending only for so long.
    #[must_use]
    pub const fn expires(self, expires: Expires) -> Self {
        Self { expires, ..self }
    }

    /// The same, with a receipt.
    #[must_use]
    pub const fn with_receipt(self) -> Self {
        Self { receipt: true, ..self }
    }
}

/// The place of a message among the others.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Class {
    /// After all that was sent before it.
    #[default]
    Ordered,
    /// As soon as it is complete, also before what was sent earlier.
    Unordered,
}

/// Until when a message is worth sending.
///
/// An expired message is not sent (any more), and the receiver drops what it has of it; its place in the order is passed over. Whether a
/// message arrived all the same is not known to the sender.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Expires {
    /// It is sent until it has arrived.
    #[default]
    Never,
    /// From this moment on it is not sent.
    At(Instant),
    /// Each part of it is sent so often and no more; 0 counts as 1.
    Transmissions(u32),
}

/// Names a message that was accepted for sending: they are numbered from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MessageId(pub(crate) u64);

impl MessageId {
    /// How many messages were accepted before it.
    #[must_use]
    pub const fn number(self) -> u64 {
        self.0
    }
}
