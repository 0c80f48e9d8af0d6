//! What a session can tell about itself.

use core::time::Duration;

use super::recovery::RecoveryStatus;
use crate::time::Instant;

/// Everything that a session has counted since its start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Counters {
    /// Datagrams given to the transport.
    pub datagrams_sent: u64,
    /// Their bytes.
    pub bytes_sent: u64,
    /// Datagrams that came.
    pub datagrams_received: u64,
    /// Their bytes.
    pub bytes_received: u64,
    /// Syn packets sent.
    pub syns_sent: u64,
    /// SynAck packets sent.
    pub syn_acks_sent: u64,
    /// Syn packets received, copies included.
    pub syns_received: u64,
    /// SynAck packets received, copies included.
    pub syn_acks_received: u64,
    /// Demands for a cookie received.
    pub retries_received: u64,
    /// Packets sent that carried nothing but an acknowledgement.
    pub ack_only_sent: u64,
    /// Packets sent with an acknowledgement.
    pub acks_sent: u64,
    /// Packets received with an acknowledgement.
    pub acks_received: u64,
    /// Packets sent with data, whether for the first time or again.
    pub data_sent: u64,
    /// Packets sent with data that had been sent before.
    pub data_resent: u64,
    /// Packets received with new data.
    pub data_received: u64,
    /// Packets received with data that had arrived before.
    pub data_duplicates: u64,
    /// Packets received with data for which we had given no credit; dropped.
    pub data_refused: u64,
    /// Updates of the credit sent.
    pub credits_sent: u64,
    /// Updates of the credit received.
    pub credits_received: u64,
    /// Pings sent: keepalives, probes with nothing else to send, and the last step of the handshake.
    pub pings_sent: u64,
    /// Pings received.
    pub pings_received: u64,
    /// Probe timeouts.
    pub probe_timeouts: u64,
    /// Packets of ours taken for lost.
    pub packets_lost: u64,
    /// Packets taken for lost that had arrived after all.
    pub packets_not_lost: u64,
    /// Packets received twice.
    pub packet_duplicates: u64,
    /// Packets dropped because their tag is not ours.
    pub wrong_tag: u64,
    /// Packets dropped because their check failed.
    pub wrong_check: u64,
    /// Datagrams dropped because they have no valid form.
    pub malformed: u64,
    /// Packets of the handshake that changed nothing: of strangers, too early, too late, or too many copies.
    pub handshake_ignored: u64,
    /// Messages accepted for sending.
    pub messages_accepted: u64,
    /// Their bytes.
    pub message_bytes_accepted: u64,
    /// Messages that the user has taken.
    pub messages_taken: u64,
    /// Their bytes.
    pub message_bytes_taken: u64,
    /// Calls with a time before the latest one.
    pub clock_went_back: u64,
}

/// One look at a session.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Status {
    /// Time since the session was made.
    pub duration: Duration,
    /// Whether the session is open.
    pub connected: bool,
    /// Attempts of the handshake so far.
    pub handshake_attempts: u32,
    /// Time since the peer was heard last (or since the session was made).
    pub silence: Duration,
    /// Round-trip time, windows, what is in flight; `None` before the session is open.
    pub recovery: Option<RecoveryStatus>,
    /// What waits to be sent or acknowledged.
    pub send: SendStatus,
    /// What has arrived and was not taken.
    pub receive: ReceiveStatus,
    /// What was counted since the start.
    pub counters: Counters,
}

/// One look at what waits to be sent or acknowledged. Credits are all told since the session began.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SendStatus {
    /// Messages that were accepted and are not acknowledged.
    pub queued_messages: usize,
    /// Their bytes.
    pub queued_bytes: usize,
    /// Segments that were sent and are not acknowledged, from the oldest on.
    pub unacked_segments: usize,
    /// The number of the next new segment: how many there were.
    pub next_segment: u64,
    /// Messages whose receipt was asked for and has not come.
    pub waiting_receipts: usize,
    /// Bytes of messages that the peer lets us send.
    pub credit_bytes: u64,
    /// Messages that the peer lets us send.
    pub credit_messages: u64,
    /// Segments that the peer lets us send.
    pub credit_segments: u64,
    /// Messages that the peer's application has taken, as far as we were told.
    pub messages_consumed: u64,
    /// Since when the peer's credit has held us up; `None` when it does not.
    pub blocked_since: Option<Instant>,
    /// Messages of which all was acknowledged.
    pub acknowledged: u64,
    /// Messages that expired.
    pub expired: u64,
}

/// One look at what has arrived. Credits are all told since the session began.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ReceiveStatus {
    /// Bytes of messages that are here and were not taken.
    pub held_bytes: u64,
    /// The first segment that is missing.
    pub next_expected: u64,
    /// Bytes of messages that we let the peer send.
    pub credit_bytes: u64,
    /// Messages that we let the peer send.
    pub credit_messages: u64,
    /// Segments that we let the peer send.
    pub credit_segments: u64,
    /// Messages that our user has taken, as far as the peer was told.
    pub messages_consumed: u64,
    /// Messages that the peer gave up: they had expired.
    pub dropped: u64,
    /// Copies of the tap that gave way to newer ones.
    pub asap_dropped: u64,
}
