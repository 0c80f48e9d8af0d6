//! What is known of the peer, and the packets that go to and fro once it is known.

use alloc::vec::Vec;
use core::ops::Range;
use core::time::Duration;

use crate::sliding_window::config::Config;
use crate::sliding_window::congestion::Setup;
use crate::sliding_window::number::Numbering;
use crate::sliding_window::packet::{Credit, Hello};
use crate::sliding_window::recovery::{AckState, Recovery};
use crate::time::Instant;

/// The version of the protocol that is spoken here.
pub(super) const VERSION: u8 = 1;

/// What a packet carried, for when its fate is known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Content {
    pub(super) segment: Option<u64>,
    pub(super) credit: bool,
}

/// What the peer said of itself in the handshake.
#[derive(Clone, Debug)]
pub(super) struct Peer {
    pub(super) tag: u64,
    pub(super) packets: Numbering,
    pub(super) segments: Numbering,
    pub(super) credit: Credit,
    pub(super) max_message: u64,
    pub(super) max_datagram: usize,
    pub(super) max_ack_delay: Duration,
    /// What it has of the session that is resumed.
    pub(super) resume: Option<Received>,
    /// It does not know the session that is to be resumed.
    pub(super) refuses: bool,
}

/// Where a session that was cut stands at the peer.
#[derive(Clone, Debug)]
pub(super) struct Received {
    /// The first segment that it misses.
    pub(super) next_expected: u64,
    /// What it has after that, in order.
    pub(super) ranges: Vec<Range<u64>>,
}

impl Peer {
    /// `None` when we can not talk to it: another version, no tag, our own one, or datagrams too small for anything. What has
    /// `our_tag` is what we have sent, from a port that sends everything back.
    pub(super) fn new(hello: &Hello<'_>, our_tag: u64) -> Option<Self> {
        let max_datagram = usize::try_from(hello.max_datagram).unwrap_or(usize::MAX);
        let is_nobody = hello.source == 0 || hello.source == our_tag;
        if hello.version != VERSION || is_nobody || max_datagram < Config::MIN_DATAGRAM {
            return None;
        }
        Some(Self {
            tag: hello.source,
            packets: Numbering::new(hello.initial_packet),
            segments: Numbering::new(hello.initial_segment),
            credit: Credit {
                max_bytes: hello.max_bytes,
                max_messages: hello.max_messages,
                max_segment: hello.max_segment,
                consumed: 0,
            },
            max_message: hello.max_message,
            max_datagram,
            max_ack_delay: Duration::from_micros(hello.max_ack_delay.min(MAX_ACK_DELAY)),
            resume: None,
            refuses: false,
        })
    }

    /// Keeps what it told of the session that is resumed.
    pub(super) fn resume(&mut self, hello: &Hello<'_>) {
        self.resume = hello
            .resume
            .map(|offer| Received { next_expected: offer.next_expected, ranges: offer.received().collect() });
    }
}

/// No peer is believed to hold an acknowledgement back for longer than this (microseconds).
const MAX_ACK_DELAY: u64 = 1_000_000;

/// The way to the peer and back.
#[derive(Clone, Debug)]
pub(super) struct Link {
    pub(super) peer: Peer,
    /// The largest datagram that we send: what both ends take.
    pub(super) max_datagram: usize,
    pub(super) check: bool,
    pub(super) recovery: Recovery<Content>,
    pub(super) acks: AckState,
    /// Packets that may go beyond the window.
    pub(super) probes: u32,
    /// When the pacer lets the next packet go, if something waits for that.
    pub(super) pace: Option<Instant>,
}

impl Link {
    pub(super) fn new(config: &Config, peer: Peer, now: Instant) -> Self {
        let max_datagram = config.max_datagram.min(peer.max_datagram);
        let mut recovery = config.recovery;
        recovery.max_datagram = max_datagram as u64;
        recovery.max_ack_delay = peer.max_ack_delay;
        let controller = config.congestion.build(&Setup::new(now, max_datagram as u64));
        let check = config.format.is_checked();
        Self {
            max_datagram,
            check,
            recovery: Recovery::new(&recovery, controller, now),
            acks: AckState::new(&config.ack),
            probes: 0,
            pace: None,
            peer,
        }
    }
}
