//! What a driver does when it is awake: the loop of the crate's documentation, one piece after the other.

use alloc::format;

use bytes::Buf;

use super::{Endpoint, Surroundings};
use crate::connection::{Event, Input, SendError, SendRefusal, StreamMachine};
use crate::sim::trace::{Fnv, Happening};
use crate::sim::{Delivery, Read, Violation};

impl<M: StreamMachine> Endpoint<M> {
    /// One round: feed, take events, send, write, read. Returns whether anything moved.
    pub(super) fn pump(&mut self, around: &mut Surroundings<'_>) -> Result<bool, Violation> {
        let mut moved = self.feed(around);
        moved |= self.take(around)?;
        if self.ending.is_some() {
            return Ok(true);
        }
        moved |= self.submit(around);
        moved |= self.transmit(around);
        moved |= self.half_close(around);
        moved |= self.read(around);
        Ok(moved)
    }

    /// Feeds what is in the buffer for as long as it shrinks.
    fn feed(&mut self, around: &Surroundings<'_>) -> bool {
        let before = self.inbound.len();
        loop {
            let length = self.inbound.len();
            let now = self.clock(around.now);
            self.machine.handle(now, Input::Received { buf: &mut self.inbound, end: self.end_read });
            if self.inbound.len() == length {
                return length < before;
            }
        }
    }

    /// The user takes messages, unless it sleeps.
    fn take(&mut self, around: &mut Surroundings<'_>) -> Result<bool, Violation> {
        let mut taken = 0_u32;
        while self.resting_until <= around.now && taken < self.driver.reader.batch {
            let Some(event) = self.machine.poll_event() else { break };
            match event {
                Event::Message { channel, payload } => {
                    taken = taken.saturating_add(1);
                    let (len, digest) = (payload.len(), Fnv::digest(&payload));
                    around.trace.push(around.now, self.side, Happening::Delivered { channel, len, digest });
                    around.received.delivered(around.now, channel, &payload)?;
                    if let Some(kept) = &mut around.kept {
                        kept.push(Delivery { at: around.now, channel, payload });
                    }
                }
                Event::Closed(ending) => {
                    self.ended(around, ending)?;
                    return Ok(true);
                }
            }
        }
        let rest = self.driver.reader.rest;
        if taken > 0 && !rest.is_zero() {
            self.resting_until = around.now + self.random.duration(rest.saturating_mul(2));
        }
        Ok(taken > 0)
    }

    /// The user's messages go to the machine, as far as its queues have room.
    fn submit(&mut self, around: &mut Surroundings<'_>) -> bool {
        let mut moved = false;
        let now = around.now;
        for (channel, outbox) in &mut self.outboxes {
            let channel = *channel;
            while let Some(message) = outbox.pop_front() {
                let len = message.len();
                match self.machine.try_send(channel, message.clone()) {
                    Ok(()) => {
                        let digest = Fnv::digest(&message);
                        around.trace.push(now, self.side, Happening::Accepted { channel, len, digest });
                        around.sent.accepted(channel, message);
                    }
                    Err(SendError { refusal: SendRefusal::Full { .. }, message, .. }) => {
                        outbox.push_front(message);
                        break;
                    }
                    Err(SendError { refusal, .. }) => {
                        let why = format!("{refusal}").into();
                        around.trace.push(now, self.side, Happening::Refused { channel, len, why });
                    }
                }
                moved = true;
            }
        }
        moved
    }

    /// Pulls output when the link can take some, and writes it.
    fn transmit(&mut self, around: &mut Surroundings<'_>) -> bool {
        if self.write_failed || self.half_closed {
            return false;
        }
        if self.outbound.is_empty() && around.out.is_writable() {
            self.pull(around);
        }
        !self.outbound.is_empty() && self.write(around) > 0
    }

    fn pull(&mut self, around: &Surroundings<'_>) {
        let max = self.driver.write_size;
        if !self.driver.packet_by_packet {
            let now = self.clock(around.now);
            self.machine.transmit_into(now, &mut self.outbound, max);
            return;
        }
        while self.outbound.len() < max {
            let now = self.clock(around.now);
            let Some(mut frame) = self.machine.poll_transmit(now) else { break };
            while frame.has_remaining() {
                let length = frame.chunk().len();
                self.outbound.extend_from_slice(frame.chunk());
                frame.advance(length);
            }
        }
    }

    /// Writes as much as the link takes. Returns how many bytes, or 1 when that failed, for then too something happened.
    pub(super) fn write(&mut self, around: &mut Surroundings<'_>) -> usize {
        match around.out.write(around.now, &mut self.outbound) {
            Ok(bytes) => {
                if bytes > 0 {
                    around.trace.push(around.now, self.side, Happening::Wrote { bytes });
                }
                bytes
            }
            Err(_) => {
                around.trace.push(around.now, self.side, Happening::WriteFailed);
                self.write_failed = true;
                self.outbound.clear();
                let now = self.clock(around.now);
                self.machine.handle(now, Input::TransportFailed);
                1
            }
        }
    }

    /// Reads no more than the machine wants.
    fn read(&mut self, around: &mut Surroundings<'_>) -> bool {
        let now = self.clock(around.now);
        let budget = self.machine.recv_budget(now).saturating_sub(self.inbound.len()).min(self.driver.read_size);
        self.wants_input = budget > 0 && !self.end_read;
        if !self.wants_input {
            return false;
        }
        let what = match around.into.read(around.now, &mut self.inbound, budget) {
            Read::Nothing => return false,
            Read::Bytes(bytes) => Happening::Read { bytes },
            Read::End => {
                self.end_read = true;
                Happening::ReadEnd
            }
            Read::Failed => {
                self.end_read = true;
                self.machine.handle(now, Input::TransportFailed);
                Happening::ReadFailed
            }
        };
        around.trace.push(around.now, self.side, what);
        true
    }
}
