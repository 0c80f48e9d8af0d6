//! How losses are found and receipts are told.

use core::time::Duration;

/// How a sender finds out what was lost.
///
/// The defaults are those of RFC 9002.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RecoveryConfig {
    /// The largest datagram, in bytes. A session sets it.
    pub max_datagram: u64,
    /// The round-trip time that is assumed before the first sample (RFC 9002 section 6.2.2).
    pub initial_round_trip: Duration,
    /// A packet is lost when one that left so many later has arrived (RFC 9002 section 6.1.1); at least 1.
    pub packet_threshold: u32,
    /// The packet threshold grows with the reordering that is seen, up to this.
    pub max_packet_threshold: u32,
    /// No timer is shorter than this (RFC 9002 section 6.1.2).
    pub granularity: Duration,
    /// The longest that the peer may wait with an acknowledgement. What it claims beyond is not believed.
    pub max_ack_delay: Duration,
    /// The longest probe timeout, however often it has been doubled.
    pub max_probe_timeout: Duration,
    /// A path is taken for congested for long when nothing came through for so many probe timeouts (RFC 9002 section
    /// 7.6.1).
    pub persistent_congestion_threshold: u32,
    /// Packets that are remembered: those in flight and those declared lost not long ago. More than this are not in flight.
    pub max_tracked: usize,
    /// Leaves out a packet number now and then, about one in 768, at places that this seed decides. A peer that acknowledges
    /// it did not wait for what it claims to have (RFC 9000 section 21.4). `None` leaves out none.
    pub skip_seed: Option<u64>,
}

impl Default for RecoveryConfig {
    fn default() -> Self {
        Self {
            max_datagram: 1_200,
            initial_round_trip: Duration::from_millis(333),
            packet_threshold: 3,
            max_packet_threshold: 256,
            granularity: Duration::from_millis(1),
            max_ack_delay: Duration::from_millis(25),
            max_probe_timeout: Duration::from_secs(60),
            persistent_congestion_threshold: 3,
            max_tracked: 16_384,
            skip_seed: None,
        }
    }
}

/// When a receiver acknowledges.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct AckConfig {
    /// An acknowledgement goes at once after so many packets that want one (RFC 9000 section 13.2.2); 0 counts as 1.
    pub every: u32,
    /// And after so many once a hundred have come without a wait for the rest: an acknowledgement costs more than a packet.
    pub every_later: u32,
    /// The longest that one packet waits for its acknowledgement. A quarter of the round-trip time is the limit when that is
    /// less.
    pub max_delay: Duration,
    /// No wait is made shorter than this by a short round-trip time.
    pub min_delay: Duration,
}

impl Default for AckConfig {
    /// Every second packet, later every tenth; 25 ms, or less on a short path.
    fn default() -> Self {
        Self { every: 2, every_later: 10, max_delay: Duration::from_millis(25), min_delay: Duration::from_millis(1) }
    }
}
