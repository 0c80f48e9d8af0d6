//! One connection of a switch: its machine, and what belongs to it.

use alloc::boxed::Box;
use alloc::collections::VecDeque;
use core::net::SocketAddr;

use bytes::{Bytes, BytesMut};

use super::reason::EndReason;
use crate::connection::{SendError, SendRefusal};
use crate::machine::Machine;
use crate::peer::address::PeerAddress;
use crate::peer::state::Peer;
use crate::peer::upgrade::{Upgrade, Upgraded};
use crate::secret::FRAME_LEN;
use crate::time::Instant;

/// What the driver may hold of a connection that stands by: enough to see its end.
const STANDBY_BUDGET: usize = 4 * FRAME_LEN;

/// One connection.
#[derive(Debug)]
pub(super) struct Connection {
    pub(super) stream: Stream,
    /// Where we have dialled.
    pub(super) address: Option<PeerAddress>,
    pub(super) remote: Option<SocketAddr>,
    /// Why it ends.
    pub(super) reason: Option<EndReason>,
    /// Since when messages can be sent.
    pub(super) started: Option<Instant>,
    pub(super) standby_until: Option<Instant>,
    /// Messages that wait for room in the peer's queues.
    pub(super) waiting: VecDeque<Waiting>,
    pub(super) waiting_bytes: usize,
    /// The deadline under which the switch knows it.
    pub(super) deadline: Option<Instant>,
    /// The driver knows that there is output, and has not pulled all of it.
    pub(super) write_announced: bool,
}

/// The machine on a connection.
#[derive(Debug)]
pub(super) enum Stream {
    /// There is none yet: it is dialled.
    Nothing,
    Upgrade(Box<Upgrade>),
    /// It stands by, or becomes a peer at once.
    Upgraded(Box<Upgraded>),
    Peer(Box<Peer>),
}

/// A message that waits for room.
#[derive(Debug)]
pub(super) struct Waiting {
    channel: u8,
    message: Bytes,
    until: Instant,
}

impl Connection {
    pub(super) const fn new(address: Option<PeerAddress>, remote: Option<SocketAddr>) -> Self {
        Self {
            stream: Stream::Nothing,
            address,
            remote,
            reason: None,
            started: None,
            standby_until: None,
            waiting: VecDeque::new(),
            waiting_bytes: 0,
            deadline: None,
            write_announced: false,
        }
    }

    pub(super) const fn peer(&self) -> Option<&Peer> {
        match &self.stream {
            Stream::Peer(peer) => Some(peer),
            _ => None,
        }
    }

    pub(super) const fn peer_mut(&mut self) -> Option<&mut Peer> {
        match &mut self.stream {
            Stream::Peer(peer) => Some(peer),
            _ => None,
        }
    }

    pub(super) fn next_deadline(&self) -> Option<Instant> {
        let machine = match &self.stream {
            Stream::Upgrade(upgrade) => upgrade.poll_timeout().map(|(deadline, _)| deadline),
            Stream::Peer(peer) => peer.poll_timeout().map(|(deadline, _)| deadline),
            Stream::Nothing | Stream::Upgraded(_) => None,
        };
        let waiting = self.waiting.front().map(|waiting| waiting.until);
        [machine, waiting, self.standby_until].into_iter().flatten().min()
    }

    pub(super) fn wants_write(&self) -> bool {
        match &self.stream {
            Stream::Upgrade(upgrade) => upgrade.wants_write(),
            Stream::Peer(peer) => peer.wants_write(),
            Stream::Nothing | Stream::Upgraded(_) => false,
        }
    }

    pub(super) fn wants_read(&self) -> bool {
        match &self.stream {
            Stream::Upgrade(upgrade) => upgrade.recv_budget() > 0,
            Stream::Peer(peer) => peer.wants_read(),
            Stream::Nothing | Stream::Upgraded(_) => false,
        }
    }

    pub(super) fn recv_budget(&mut self, now: Instant) -> usize {
        match &mut self.stream {
            Stream::Nothing => 0,
            Stream::Upgrade(upgrade) => upgrade.recv_budget(),
            Stream::Upgraded(_) => STANDBY_BUDGET,
            Stream::Peer(peer) => peer.recv_budget(now),
        }
    }

    pub(super) fn handle_timeout(&mut self, now: Instant) {
        match &mut self.stream {
            Stream::Upgrade(upgrade) => upgrade.handle_timeout(now),
            Stream::Peer(peer) => peer.handle_timeout(now),
            Stream::Nothing | Stream::Upgraded(_) => {}
        }
    }

    pub(super) fn transmit_into(&mut self, now: Instant, out: &mut BytesMut, max: usize) -> usize {
        match &mut self.stream {
            Stream::Peer(peer) => peer.transmit_into(now, out, max),
            Stream::Upgrade(upgrade) => {
                let before = out.len();
                let written = |out: &BytesMut| out.len().saturating_sub(before);
                // No piece is longer than a frame.
                while max.saturating_sub(written(out)) >= FRAME_LEN
                    && let Some(bytes) = upgrade.poll_transmit(now)
                {
                    out.extend_from_slice(&bytes);
                }
                written(out)
            }
            Stream::Nothing | Stream::Upgraded(_) => 0,
        }
    }

    /// Queues a message with the peer, or keeps it until there is room.
    pub(super) fn send(
        &mut self,
        channel: u8,
        message: Bytes,
        until: Instant,
        max: (usize, usize),
    ) -> Result<(), SendError> {
        let behind = self.waiting.iter().any(|waiting| waiting.channel == channel);
        let (max_messages, max_bytes) = max;
        let full = SendRefusal::Full {
            queued: self.waiting.len(),
            capacity: max_messages,
            queued_bytes: self.waiting_bytes,
            capacity_bytes: max_bytes,
        };
        let Some(peer) = self.peer_mut() else {
            return Err(SendError { refusal: SendRefusal::Closed, channel, message });
        };
        let refused = match behind {
            // If there is room, others came before.
            true => {
                let refusal = peer.may_send(channel, message.len()).err().unwrap_or(full);
                SendError { refusal, channel, message }
            }
            false => match peer.try_send(channel, message) {
                Ok(()) => return Ok(()),
                Err(refused) => refused,
            },
        };
        let SendError { refusal, message, .. } = refused;
        let bytes = self.waiting_bytes.saturating_add(message.len());
        let fits = self.waiting.len() < max_messages && (bytes <= max_bytes || self.waiting.is_empty());
        if !matches!(refusal, SendRefusal::Full { .. }) || !fits {
            return Err(SendError { refusal, channel, message });
        }
        self.waiting_bytes = bytes;
        self.waiting.push_back(Waiting { channel, message, until });
        Ok(())
    }

    /// Hands over what waits and fits now, and drops what has waited for too long. Returns how many were dropped.
    pub(super) fn pump_waiting(&mut self, now: Instant) -> u64 {
        if self.waiting.is_empty() {
            return 0;
        }
        let Stream::Peer(peer) = &mut self.stream else { return 0 };
        let mut dropped = 0_u64;
        let mut blocked = alloc::vec::Vec::new();
        let mut rest = VecDeque::new();
        for Waiting { channel, message, until } in core::mem::take(&mut self.waiting) {
            if until <= now {
                dropped = dropped.saturating_add(1);
                continue;
            }
            let message = match blocked.contains(&channel) {
                true => message,
                false => match peer.try_send(channel, message) {
                    Ok(()) => continue,
                    Err(refused) => refused.message,
                },
            };
            blocked.push(channel);
            rest.push_back(Waiting { channel, message, until });
        }
        self.waiting_bytes = rest.iter().map(|waiting| waiting.message.len()).sum();
        self.waiting = rest;
        dropped
    }
}
