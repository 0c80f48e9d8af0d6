//! What a policy is told.

use core::time::Duration;

use crate::time::Instant;

/// What is known of the round-trip time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RoundTrip {
    /// The last sample, without the delay that the peer told.
    pub latest: Duration,
    /// The exponentially weighted mean (RFC 9002 section 5.3); the initial value of the configuration before any sample.
    pub smoothed: Duration,
    /// The mean deviation.
    pub variation: Duration,
    /// The least sample, with the peer's delay in it; zero before any sample.
    pub minimum: Duration,
    /// Whether there was a sample.
    pub measured: bool,
}

/// How fast packets arrived between the sending of one packet and its acknowledgement
/// (draft-ietf-ccwg-bbr section 4.1, "delivery rate").
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct DeliveryRate {
    /// Bytes per second.
    pub rate: u64,
    /// Bytes that arrived in the interval.
    pub delivered: u64,
    /// Whether the packet left while the sender had too little to send: then the path may be faster than this.
    pub app_limited: bool,
    /// Bytes that were in flight when the packet left, itself included.
    pub in_flight: u64,
    /// Bytes declared lost between the packet's sending and now.
    pub lost: u64,
    /// All bytes delivered when the packet left. A round trip is over when this is at least the count at its beginning.
    pub prior_delivered: u64,
}

/// A packet left that wants an acknowledgement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Sent {
    /// When.
    pub now: Instant,
    /// Its number.
    pub number: u64,
    /// Its size in bytes.
    pub bytes: u64,
    /// Bytes in flight, itself included.
    pub in_flight: u64,
}

/// Packets were acknowledged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Acked {
    /// When.
    pub now: Instant,
    /// Bytes of the packets that are now known to have arrived.
    pub bytes: u64,
    /// Those of them that left after the last episode of congestion began: only they let a window grow
    /// (RFC 9002 section 7.3.2).
    pub growth: u64,
    /// Those of them that had been declared lost.
    pub spurious: u64,
    /// Bytes in flight before.
    pub prior_in_flight: u64,
    /// Bytes in flight now.
    pub in_flight: u64,
    /// Whether the sender did not use its window, for lack of data or of credit: then the window does not grow
    /// (RFC 9002 section 7.8).
    pub app_limited: bool,
    /// The newest packet of those acknowledged.
    pub newest: u64,
    /// The number that the next packet will have.
    pub next_number: u64,
    /// The sample of the round-trip time that this acknowledgement gave.
    pub sample: Option<Duration>,
    /// What is known of the round-trip time.
    pub round_trip: RoundTrip,
    /// How fast packets arrive.
    pub delivery: Option<DeliveryRate>,
    /// All bytes delivered so far.
    pub delivered: u64,
}

/// Packets were declared lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Lost {
    /// When.
    pub now: Instant,
    /// Their bytes.
    pub bytes: u64,
    /// Their number.
    pub packets: u64,
    /// Bytes in flight now, without them.
    pub in_flight: u64,
    /// Whether an episode of congestion begins: at least one of them left after the last episode began. Within an episode a
    /// window shrinks once (RFC 9002 section 7.3.2).
    pub starts_episode: bool,
    /// Whether nothing at all came through for three probe timeouts (RFC 9002 section 7.6).
    pub persistent: bool,
    /// Bytes that were in flight when the newest of them left, itself included.
    pub in_flight_when_sent: u64,
    /// Bytes declared lost since the newest of them left, itself included.
    pub lost_since_sent: u64,
    /// All bytes delivered so far.
    pub delivered: u64,
    /// What is known of the round-trip time.
    pub round_trip: RoundTrip,
}
