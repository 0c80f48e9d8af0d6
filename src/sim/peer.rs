//! A peer as a machine that lives on a byte stream.

use bytes::{Bytes, BytesMut};

use super::memory::Memory;
use super::stream::{Refused, Report, StreamMachine, memory_of, refused};
use crate::connection::Input;
use crate::machine::Machine;
use crate::peer::{Event, Peer, PeerClosed};
use crate::time::Instant;
use crate::wire::Codec;

impl<C: Codec> StreamMachine for Peer<C> {
    type Ending = PeerClosed;

    fn receive(&mut self, now: Instant, buf: &mut BytesMut, end: bool) {
        self.handle(now, Input::Received { buf, end });
    }

    fn transport_failed(&mut self, now: Instant) {
        self.handle(now, Input::TransportFailed);
    }

    fn close(&mut self, now: Instant) {
        self.handle(now, Input::Close);
    }

    fn close_after_flush(&mut self, now: Instant, deadline: Option<Instant>) {
        self.handle(now, Input::CloseAfterFlush { deadline });
    }

    fn send(&mut self, _now: Instant, channel: u8, message: Bytes) -> Result<(), Refused> {
        self.try_send(channel, message).map_err(refused)
    }

    fn transmit(&mut self, now: Instant, out: &mut BytesMut, max: usize) -> usize {
        self.transmit_into(now, out, max)
    }

    fn recv_budget(&mut self, now: Instant) -> usize {
        Self::recv_budget(self, now)
    }

    fn wants_write(&self) -> bool {
        Self::wants_write(self)
    }

    fn has_ended(&self) -> bool {
        Self::has_ended(self)
    }

    fn report(&self, event: Event) -> Report<PeerClosed> {
        match event {
            Event::Message { channel, payload } => Report::Message { channel, payload },
            Event::Closed(reason) => Report::Closed(reason),
        }
    }

    fn is_flushed(ending: &PeerClosed) -> bool {
        ending.is_flushed()
    }

    fn memory(&self, now: Instant) -> Memory {
        memory_of(&self.status(now))
    }

    fn set_send_rate(&mut self, now: Instant, rate: Option<u64>) {
        Self::set_send_rate(self, now, rate);
    }

    fn set_recv_rate(&mut self, now: Instant, rate: Option<u64>) {
        Self::set_recv_rate(self, now, rate);
    }
}
