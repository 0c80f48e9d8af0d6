//! What loss recovery can tell about itself.

use crate::sliding_window::congestion::RoundTrip;
use crate::time::Duration;

/// One look at loss recovery.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RecoveryStatus {
    /// Bytes that may be in flight.
    pub window: u64,
    /// Bytes that are.
    pub bytes_in_flight: u64,
    /// Packets that are.
    pub packets_in_flight: u64,
    /// Bytes per second at which packets leave; `None` when they are not paced.
    pub pacing_rate: Option<u64>,
    /// Whether the policy still looks for the capacity of the path.
    pub in_slow_start: bool,
    /// What is known of the round-trip time.
    pub round_trip: RoundTrip,
    /// How long an acknowledgement is waited for before a probe, not doubled.
    pub probe_timeout: Duration,
    /// Probe timeouts since the last acknowledgement.
    pub probe_count: u32,
    /// A packet is lost when one that left so many later has arrived.
    pub packet_threshold: u64,
    /// A packet is lost so long after its sending when a later one has arrived.
    pub loss_delay: Duration,
    /// What was counted since the start.
    pub counters: RecoveryCounters,
}

/// What loss recovery has counted since its start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct RecoveryCounters {
    /// Packets sent that want an acknowledgement.
    pub packets_sent: u64,
    /// Their bytes.
    pub bytes_sent: u64,
    /// Of them, known to have arrived.
    pub packets_acked: u64,
    /// Of them, declared lost, rightly or not.
    pub packets_lost: u64,
    /// Of these, known to have arrived after all.
    pub spurious_losses: u64,
    /// Sent while there was no place to remember them.
    pub packets_untracked: u64,
    /// Probe timeouts.
    pub probe_timeouts: u64,
    /// Episodes of congestion.
    pub episodes: u64,
    /// Of them, undone because all that was lost had arrived.
    pub episodes_undone: u64,
    /// Times that nothing came through for several probe timeouts.
    pub persistent_congestion: u64,
    /// Calls with a time before the latest one.
    pub clock_went_back: u64,
}
