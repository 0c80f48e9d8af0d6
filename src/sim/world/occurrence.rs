//! What happens in a world, for its trace.

use alloc::borrow::Cow;
use core::fmt;

use super::Address;
use crate::sim::datagram::{Fate, Label};

/// A datagram, as a trace shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shown {
    /// Its number on its link, from 1; copies share it.
    pub number: u64,
    /// Its length in bytes.
    pub len: usize,
    /// What it is, where the link has a [`Classifier`](crate::sim::Classifier).
    pub label: Option<Label>,
    /// A digest of its bytes ([`Fnv`](crate::sim::Fnv)).
    pub digest: u64,
}

/// Something that happened at one address of a [`World`](super::World).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Occurrence {
    /// It sent a datagram.
    Sent {
        /// To whom.
        to: Address,
        /// The datagram.
        datagram: Shown,
        /// What becomes of it.
        fate: Fate,
    },
    /// It sent a datagram to nobody.
    Vanished {
        /// To whom.
        to: Address,
        /// Its length in bytes.
        len: usize,
    },
    /// A datagram arrived.
    Arrived {
        /// From whom.
        from: Address,
        /// The datagram, damaged or not.
        datagram: Shown,
    },
    /// It was woken for its deadline.
    Woken,
    /// It woke for no reason.
    Ticked,
    /// It accepted a message of its user.
    Accepted {
        /// For whom.
        to: Address,
        /// The channel.
        channel: u8,
        /// Its length in bytes.
        len: usize,
    },
    /// Its user took a message.
    Delivered {
        /// From whom.
        from: Address,
        /// The channel.
        channel: u8,
        /// Its length in bytes.
        len: usize,
        /// A digest of its bytes.
        digest: u64,
    },
    /// The endpoint says something.
    Note(Cow<'static, str>),
}

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{}", self.number)?;
        if let Some(Label { kind, number }) = self.label {
            write!(f, " {kind} {number}")?;
        }
        write!(f, " ({} bytes {:016x})", self.len, self.digest)
    }
}

impl fmt::Display for Occurrence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sent { to, datagram, fate } => write!(f, "-> {to} {datagram} {fate}"),
            Self::Vanished { to, len } => write!(f, "-> {to} ({len} bytes) lost: nobody is there"),
            Self::Arrived { from, datagram } => write!(f, "<- {from} {datagram} arrived"),
            Self::Woken => f.write_str("woken"),
            Self::Ticked => f.write_str("ticked"),
            Self::Accepted { to, channel, len } => write!(f, "accepted {channel:#04x} {len} bytes for {to}"),
            Self::Delivered { from, channel, len, digest } => {
                write!(f, "delivered {channel:#04x} {len} bytes {digest:016x} from {from}")
            }
            Self::Note(text) => write!(f, "says: {text}"),
        }
    }
}
