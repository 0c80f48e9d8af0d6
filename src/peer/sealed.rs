//! A connection behind sealed frames: the frames are opened before it, and sealed behind it.

use core::time::Duration;

use bytes::{Bytes, BytesMut};

use super::close::PeerClosed;
use crate::connection::{CloseReason, ConfigError, Event, Input, MConnConfig, MConnState, Timer};
use crate::machine::Machine;
use crate::secret::{FRAME_DATA, FRAME_LEN, OpenError, Opener, Sealer, SecretConnection};
use crate::time::Instant;
use crate::wire::Codec;

/// Frames that are opened, or sealed, before their data go on: few enough to stay in the nearest cache.
const BATCH: usize = 16;

/// An [`MConnState`] whose bytes are frames.
#[derive(Debug)]
pub(super) struct Sealed<C> {
    pub(super) inner: MConnState<C>,
    opener: Opener,
    sealer: Sealer,
    /// The latest time that the driver told.
    now: Instant,
    /// Opened and not consumed: an incomplete packet, or what the machine had no room for.
    opened: BytesMut,
    /// Why nothing can come behind `opened`.
    input_end: Option<InputEnd>,
    /// Whether the machine had no room for all of `opened`, or for its end.
    is_full: bool,
    /// Packets that were taken out of the machine and not sealed: what did not fit into the last frame that the driver had
    /// room for, at most one packet.
    packets: BytesMut,
    largest_packet: usize,
    flush: Flush,
    /// Why it has ended, when that is not what the machine says.
    reason: Option<PeerClosed>,
    /// Whether bytes moved since the last look at the deadlines.
    busy: bool,
}

/// Why no more input can come.
#[derive(Clone, Copy, Debug)]
enum InputEnd {
    /// The peer has closed its side, with so many bytes of a frame.
    Closed { cut: usize },
    /// A frame could not be opened. What stands before it is delivered first.
    Fault(OpenError),
}

/// Closing after flush, when the machine is done and the last frame is not.
#[derive(Clone, Copy, Debug)]
struct Flush {
    /// The deadline that was asked for.
    asked: Option<Instant>,
    /// How long the transport may take nothing when none was asked for.
    patience: Option<Duration>,
    /// The machine has flushed; the last frame is to leave until then.
    last_frame: Option<Option<Instant>>,
}

impl<C: Codec> Sealed<C> {
    pub(super) fn new(
        connection: SecretConnection,
        early: BytesMut,
        config: MConnConfig<C>,
        now: Instant,
    ) -> Result<Self, ConfigError> {
        let largest_packet = usize::try_from(config.max_sent_packet()).unwrap_or(usize::MAX);
        let flush = Flush { asked: None, patience: config.pong_timeout, last_frame: None };
        let (sealer, opener) = connection.split();
        let mut sealed = Self {
            inner: MConnState::new(config, now)?,
            opener,
            sealer,
            now,
            opened: early,
            input_end: None,
            is_full: false,
            packets: BytesMut::new(),
            largest_packet,
            flush,
            reason: None,
            busy: true,
        };
        sealed.feed(now);
        Ok(sealed)
    }

    /// Whether the machine has flushed and the last frame has not left: then the end is not told yet.
    pub(super) fn is_held_back(&self) -> bool {
        self.flush.last_frame.is_some() && !self.packets.is_empty()
    }

    pub(super) fn has_ended(&self) -> bool {
        self.inner.has_ended() && !self.is_held_back()
    }

    pub(super) fn wants_read(&self) -> bool {
        self.input_end.is_none() && self.inner.wants_read()
    }

    pub(super) fn wants_write(&self) -> bool {
        !self.packets.is_empty() || self.inner.wants_write()
    }

    pub(super) fn has_events(&self) -> bool {
        self.inner.has_messages() || self.inner.ending().is_some() && !self.is_held_back()
    }

    /// Whether bytes that were opened wait, and there is room for them now.
    pub(super) fn has_unread(&self) -> bool {
        self.is_full && self.inner.wants_read()
    }

    /// The frames opened and sealed so far, those of the handshake included.
    pub(super) const fn frames(&self) -> (u64, u64) {
        (self.opener.frames(), self.sealer.frames())
    }

    /// How many sealed bytes it would take.
    pub(super) fn recv_budget(&mut self, now: Instant) -> usize {
        if self.input_end.is_some() {
            return 0;
        }
        let budget = self.inner.recv_budget(now);
        self.settle();
        if budget == 0 {
            return 0;
        }
        // A part of a frame is of no use, so it is at least one.
        let frames = budget.saturating_sub(self.opened.len()).div_ceil(FRAME_DATA).max(1);
        frames.saturating_mul(FRAME_LEN)
    }

    fn receive(&mut self, now: Instant, buf: &mut BytesMut, end: bool) {
        if self.inner.has_ended() {
            return;
        }
        self.feed(now);
        while self.wants_read() && buf.len() >= FRAME_LEN {
            self.open_batch(buf);
            self.feed(now);
        }
        if end && buf.len() < FRAME_LEN && self.input_end.is_none() && !self.inner.has_ended() {
            self.input_end = Some(InputEnd::Closed { cut: buf.len() });
            self.feed(now);
        }
    }

    /// Opens a few frames: the machine has room for one at least.
    fn open_batch(&mut self, buf: &mut BytesMut) {
        self.busy = true;
        for _ in 0..BATCH {
            match self.opener.open(buf, &mut self.opened, FRAME_DATA) {
                Ok(0) => return,
                Ok(_) => {}
                Err(error) => {
                    self.input_end = Some(InputEnd::Fault(error));
                    return;
                }
            }
        }
    }

    /// Gives the machine what was opened, as far as it has room.
    ///
    /// Whoever makes room calls this: the driver would feed its own buffer again, but that may be empty.
    fn feed(&mut self, now: Instant) {
        let end = matches!(self.input_end, Some(InputEnd::Closed { .. }));
        while !self.inner.has_ended() && (end || !self.opened.is_empty()) {
            let before = self.opened.len();
            self.inner.handle(now, Input::Received { buf: &mut self.opened, end });
            if self.opened.len() == before {
                break;
            }
        }
        let is_done = self.opened.is_empty() && self.input_end.is_none();
        self.is_full = !(is_done || self.inner.wants_read());
        // All packets before the bad frame are delivered; a part of one can never be whole.
        if let Some(InputEnd::Fault(error)) = self.input_end
            && self.inner.wants_read()
        {
            self.fail(error.into());
        }
        self.settle();
    }

    /// Consumes what was opened, if there is room.
    pub(super) fn feed_if_possible(&mut self) {
        if self.has_unread() {
            self.feed(self.now);
        }
    }

    /// Ends for a reason of the frames.
    fn fail(&mut self, reason: PeerClosed) {
        if self.has_ended() {
            return;
        }
        self.reason = Some(reason);
        self.inner.handle(self.now, Input::Close);
        self.packets = BytesMut::new();
        self.settle();
    }

    /// Looks whether the machine has ended, and draws the consequences.
    fn settle(&mut self) {
        if !self.inner.has_ended() {
            return;
        }
        self.opened = BytesMut::new();
        if self.inner.ending() == Some(&CloseReason::Flushed) && self.reason.is_none() {
            if self.flush.last_frame.is_none() && !self.packets.is_empty() {
                let patience = self.flush.patience.map(|patience| self.now + patience);
                self.flush.last_frame = Some(self.flush.asked.or(patience));
            }
        } else {
            self.packets = BytesMut::new();
        }
    }

    /// Appends frames to `out`, as many as `max` bytes allow and as there is something to say.
    pub(super) fn transmit_into(&mut self, now: Instant, out: &mut BytesMut, max: usize) -> usize {
        self.now = self.now.max(now);
        let start = out.len();
        let mut frames = max / FRAME_LEN;
        while frames > 0 {
            let batch = frames.min(BATCH);
            let sealed = self.seal_batch(now, out, batch);
            frames = frames.saturating_sub(batch);
            if sealed < batch.saturating_mul(FRAME_LEN) {
                break;
            }
        }
        self.settle();
        out.len().saturating_sub(start)
    }

    /// Seals at most so many frames. Returns their bytes.
    ///
    /// The machine is asked for one packet more than fits, so that a frame is short only when there is nothing more to say;
    /// what is too much begins the next frame.
    fn seal_batch(&mut self, now: Instant, out: &mut BytesMut, frames: usize) -> usize {
        let room = frames.saturating_mul(FRAME_DATA);
        if let Some(lacking) = room.checked_sub(self.packets.len()).filter(|lacking| *lacking > 0) {
            self.inner.transmit_into(now, &mut self.packets, lacking.saturating_add(self.largest_packet));
        }
        let max = frames.saturating_mul(FRAME_LEN);
        let sealed = match self.packets.len() >= room {
            true => self.sealer.seal_full(&mut self.packets, out, max),
            false => self.sealer.seal(&mut self.packets, out, max),
        };
        match sealed {
            Ok(bytes) => {
                self.busy |= bytes > 0;
                bytes
            }
            Err(error) => {
                self.fail(error.into());
                0
            }
        }
    }

    /// Something that ends it, while only the last frame is to leave: the machine inside does not listen any more.
    fn end_last_frame(&mut self, reason: CloseReason) {
        self.reason = Some(reason.into());
        self.packets = BytesMut::new();
    }

    fn check_last_frame(&mut self) {
        let Some(Some(deadline)) = self.flush.last_frame else { return };
        if self.is_held_back() && deadline <= self.now {
            // A packet, of whatever messages; their number is not known any more.
            let unsent = CloseReason::FlushDeadline { unsent_messages: 1, unsent_bytes: self.packets.len() };
            self.end_last_frame(match (self.flush.asked, self.flush.patience) {
                (None, Some(timeout)) => CloseReason::TransmitStalled { timeout },
                _ => unsent,
            });
        }
    }

    /// Lets go of empty buffers that were not used for a while.
    fn release_idle_buffers(&mut self) {
        if !core::mem::take(&mut self.busy) {
            if self.opened.is_empty() {
                self.opened = BytesMut::new();
            }
            if self.packets.is_empty() {
                self.packets = BytesMut::new();
            }
        }
    }

    /// What the machine's reason means, seen from outside.
    fn translate(&mut self, reason: CloseReason) -> PeerClosed {
        if let Some(reason) = self.reason.take() {
            return reason;
        }
        match (reason, self.input_end) {
            (CloseReason::PeerClosed { unread_bytes, partial_messages }, Some(InputEnd::Closed { cut })) => {
                CloseReason::PeerClosed { unread_bytes: unread_bytes.saturating_add(cut), partial_messages }.into()
            }
            (reason, _) => reason.into(),
        }
    }
}

impl<C: Codec> Machine for Sealed<C> {
    type Input<'a> = Input<'a>;
    type Transmit = Bytes;
    type Event = Event<PeerClosed>;
    type Timer = Timer;

    fn handle(&mut self, now: Instant, input: Input<'_>) {
        self.now = self.now.max(now);
        let held_back = self.is_held_back();
        match input {
            Input::Received { buf, end } => return self.receive(now, buf, end),
            Input::Close if held_back => self.end_last_frame(CloseReason::Local),
            Input::TransportFailed if held_back => self.end_last_frame(CloseReason::TransportFailed),
            Input::CloseAfterFlush { deadline } => {
                self.flush.asked = deadline;
                if held_back && deadline.is_some() {
                    self.flush.last_frame = Some(deadline);
                }
                self.inner.handle(now, input);
            }
            Input::Close | Input::TransportFailed => self.inner.handle(now, input),
        }
        self.settle();
    }

    fn handle_timeout(&mut self, now: Instant) {
        self.now = self.now.max(now);
        self.inner.handle_timeout(now);
        self.settle();
        self.feed_if_possible();
        self.check_last_frame();
        self.release_idle_buffers();
    }

    fn poll_event(&mut self) -> Option<Event<PeerClosed>> {
        if !self.inner.has_messages() {
            self.feed_if_possible();
        }
        if !self.has_events() {
            return None;
        }
        match self.inner.poll_event()? {
            Event::Message { channel, payload } => {
                // There is room again. The driver may have nothing to feed, and not come back before the transport does.
                self.feed_if_possible();
                Some(Event::Message { channel, payload })
            }
            Event::Closed(reason) => Some(Event::Closed(self.translate(reason))),
        }
    }

    fn poll_transmit(&mut self, now: Instant) -> Option<Bytes> {
        let mut frame = BytesMut::new();
        (self.transmit_into(now, &mut frame, FRAME_LEN) > 0).then(|| frame.freeze())
    }

    fn poll_timeout(&self) -> Option<(Instant, Timer)> {
        if self.is_held_back() {
            return self.flush.last_frame.flatten().map(|deadline| (deadline, Timer::CloseDeadline));
        }
        self.inner.poll_timeout()
    }

    fn is_closed(&self) -> bool {
        self.inner.is_closed()
    }
}

#[cfg(test)]
mod tests;
