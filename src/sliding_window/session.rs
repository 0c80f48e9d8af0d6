//! The machine itself: one face for every packet format.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::task::Poll;

use bytes::Bytes;

use super::config::{Config, PacketFormat};
use super::error::ConfigError;
use super::event::{Event, FlushMark, Input, Timer};
use super::farewell::Farewell;
#[cfg(feature = "legacy")]
use super::legacy::{Legacy, TcpState};
use super::native::Native;
use super::receiver::Asap;
use super::resume::Resumable;
use super::sender::{Class, MessageId, SendError, SendOptions, SendRefusal};
use super::status::Status;
use crate::machine::Machine;
use crate::time::Instant;

/// A session as a state machine: datagrams and the time in, messages and datagrams out.
///
/// See the [module](super) for an example. All methods of [`Machine`] are its inputs and outputs; the others below belong to
/// it.
#[derive(Clone, Debug)]
pub struct SlidingWindow {
    engine: Engine,
}

/// What runs behind the face: one kind per packet format.
#[derive(Clone, Debug)]
enum Engine {
    Native(Box<Native>),
    #[cfg(feature = "legacy")]
    Legacy(Box<Legacy>),
}

/// Runs the same expression on whichever engine there is.
macro_rules! on_engine {
    ($engine:expr, $native:ident => $call:expr) => {
        match $engine {
            Engine::Native($native) => $call,
            #[cfg(feature = "legacy")]
            Engine::Legacy($native) => $call,
        }
    };
}

impl SlidingWindow {
    /// A session that calls the peer.
    ///
    /// # Errors
    /// [`ConfigError`] when the configuration can not work.
    pub fn connect(config: Config, now: Instant) -> Result<Self, ConfigError> {
        config.validate()?;
        match config.format {
            PacketFormat::Native { .. } => Ok(Self::native(Native::new(config, true, None, now)?)),
            #[cfg(feature = "legacy")]
            PacketFormat::Legacy(_) => Ok(Self::legacy(Legacy::new(config, true, now)?)),
        }
    }

    /// A session that waits for the first peer that calls. It waits for ever.
    ///
    /// # Errors
    /// [`ConfigError`] when the configuration can not work.
    pub fn listen(config: Config, now: Instant) -> Result<Self, ConfigError> {
        config.validate()?;
        match config.format {
            PacketFormat::Native { .. } => Ok(Self::native(Native::new(config, false, None, now)?)),
            #[cfg(feature = "legacy")]
            PacketFormat::Legacy(_) => Ok(Self::legacy(Legacy::new(config, false, now)?)),
        }
    }

    /// Calls the peer of a session that was cut, and goes on where it stood. The tag must be a new one.
    ///
    /// # Errors
    /// [`ConfigError`] when the configuration can not work, or not for what is to be resumed.
    pub fn connect_resumed(config: Config, resumable: Resumable, now: Instant) -> Result<Self, ConfigError> {
        Self::validate_native(&config)?;
        Ok(Self::native(Native::new(config, true, Some(resumable), now)?))
    }

    /// Waits for the peer of a session that was cut, and goes on where it stood. The tag must be a new one.
    ///
    /// # Errors
    /// [`ConfigError`] when the configuration can not work, or not for what is to be resumed.
    pub fn listen_resumed(config: Config, resumable: Resumable, now: Instant) -> Result<Self, ConfigError> {
        Self::validate_native(&config)?;
        Ok(Self::native(Native::new(config, false, Some(resumable), now)?))
    }

    /// A session for one caller, whose `Syn` comes next; `validated` says that its address was proved.
    pub(crate) fn accept(config: Config, validated: bool, now: Instant) -> Result<Self, ConfigError> {
        let mut session = Self::listen(config, now)?;
        on_engine!(&mut session.engine, engine => engine.for_one_caller(validated));
        Ok(session)
    }

    /// The newest packet of the peer, for whoever follows a peer to another address.
    pub(crate) fn newest_packet(&self) -> Option<u64> {
        on_engine!(&self.engine, engine => engine.newest_packet())
    }

    /// What only our own packets can do.
    fn validate_native(config: &Config) -> Result<(), ConfigError> {
        config.validate()?;
        if config.format.is_native() { Ok(()) } else { Err(ConfigError::Unsupported { what: "resumption" }) }
    }

    #[cfg(feature = "legacy")]
    fn legacy(legacy: Legacy) -> Self {
        Self { engine: Engine::Legacy(Box::new(legacy)) }
    }

    /// Where the original's table of states stands; `None` with packets of our own.
    #[cfg(feature = "legacy")]
    #[cfg_attr(docsrs, doc(cfg(feature = "legacy")))]
    #[must_use]
    pub fn legacy_state(&self) -> Option<TcpState> {
        match &self.engine {
            Engine::Native(_) => None,
            Engine::Legacy(legacy) => Some(legacy.state()),
        }
    }

    fn native(native: Native) -> Self {
        Self { engine: Engine::Native(Box::new(native)) }
    }

    /// What a later session needs to go on where this one stands: messages that were accepted and not acknowledged, and
    /// what has arrived. `None` when this session was never connected, or has come to an orderly end or an abort.
    ///
    /// A session that was to go on with another, and was never connected, gives back what it was made of, so that the next attempt
    /// can be made: after [`HandshakeTimeout`](super::CloseReason::HandshakeTimeout), say.
    ///
    /// Take the events that wait before: messages that have arrived stay, but events do not.
    #[must_use]
    pub fn into_resumable(self) -> Option<Resumable> {
        match self.engine {
            Engine::Native(native) => native.into_resumable(),
            #[cfg(feature = "legacy")]
            Engine::Legacy(_) => None,
        }
    }

    /// Accepts a message. Ordered messages arrive in the order in which they were accepted.
    ///
    /// # Errors
    /// [`SendError`] gives the message back; nothing has changed.
    pub fn try_send(&mut self, now: Instant, message: Bytes, options: &SendOptions) -> Result<MessageId, SendError> {
        on_engine!(&mut self.engine, engine => engine.try_send(now, message, options))
    }

    /// Why a message of `len` bytes would not be accepted now.
    ///
    /// # Errors
    /// The reason for which [`SlidingWindow::try_send`] would give the message back.
    pub fn may_send(&self, len: usize) -> Result<(), SendRefusal> {
        on_engine!(&self.engine, engine => engine.may_send(len))
    }

    /// Accepts as much of a stream as there is room for, as ordered messages; gives how many bytes that were, at least 1
    /// unless `bytes` is empty. The other side reads it with [`SlidingWindow::read`].
    ///
    /// # Errors
    /// Why not even one byte was accepted.
    pub fn write(&mut self, now: Instant, bytes: &[u8]) -> Result<usize, SendRefusal> {
        on_engine!(&mut self.engine, engine => engine.write(now, bytes))
    }

    /// Lends the next message that has arrived, without an allocation; `None` when there is none.
    pub fn receive_with<R>(&mut self, now: Instant, take: impl FnOnce(Class, &[u8]) -> R) -> Option<R> {
        on_engine!(&mut self.engine, engine => engine.receive_with(now, take))
    }

    /// Takes the next message that has arrived; `None` when there is none.
    pub fn receive(&mut self, now: Instant) -> Option<(Class, Bytes)> {
        on_engine!(&mut self.engine, engine => engine.receive(now))
    }

    /// Reads what has arrived as a stream: boundaries of messages are not seen. Pending when nothing is there *yet*; 0 bytes
    /// when the peer has finished and all was read (or `buffer` is empty).
    pub fn read(&mut self, now: Instant, buffer: &mut [u8]) -> Poll<usize> {
        on_engine!(&mut self.engine, engine => engine.read(now, buffer))
    }

    /// Asks to be told ([`Event::Flushed`]) when everything that was accepted so far is acknowledged.
    pub fn flush(&mut self, now: Instant) -> FlushMark {
        on_engine!(&mut self.engine, engine => engine.flush(now))
    }

    /// Finishes our side after what was accepted; the peer may go on sending. Nothing can be sent after it.
    pub fn finish(&mut self, now: Instant) {
        on_engine!(&mut self.engine, engine => engine.finish(now));
    }

    /// Asks the peer at once whether it is there, if the session is open: the driver knows that the path was cut and is whole
    /// again. Otherwise that would wait for a probe timeout, which has become the longer the longer the cut was.
    pub fn probe(&mut self, now: Instant) {
        on_engine!(&mut self.engine, engine => engine.probe(now));
    }

    /// Keeps a copy of every message (or part of one, when it takes several packets) as soon as it arrives, whatever is missing
    /// before it; at most `limit`, and the oldest is dropped (and counted) when another comes. 0 ends it. The ordered stream gets
    /// all of them too. What the original's `RegisterAsap` was to do.
    pub fn register_asap(&mut self, limit: usize) {
        on_engine!(&mut self.engine, engine => engine.register_asap(limit));
    }

    /// Takes the oldest copy that [`SlidingWindow::register_asap`] asked for.
    pub fn poll_asap(&mut self) -> Option<Asap> {
        on_engine!(&mut self.engine, engine => engine.poll_asap())
    }

    /// Writes the next datagram to the start of `buffer`; gives its length, or 0 when none is to be sent now.
    ///
    /// This is the hot path of sending: call it when the transport can take a datagram. A buffer of less than
    /// [`SlidingWindow::max_datagram`] bytes gives nothing. The bytes are those that
    /// [`poll_transmit`](Machine::poll_transmit) gives.
    pub fn transmit_into(&mut self, now: Instant, buffer: &mut [u8]) -> usize {
        on_engine!(&mut self.engine, engine => engine.transmit(now, buffer))
    }

    /// Writes datagrams one behind the other to `buffer`, until none is to be sent now, `buffer` has no room for a full
    /// one, or `most` were written; appends their lengths to `lengths`. Gives the number of bytes.
    ///
    /// All but the last are mostly of the same length, as segmentation offload wants them.
    pub fn transmit_batch(
        &mut self,
        now: Instant,
        mut buffer: &mut [u8],
        lengths: &mut Vec<usize>,
        most: usize,
    ) -> usize {
        let mut total: usize = 0;
        for _ in 0..most {
            let len = self.transmit_into(now, buffer);
            if len == 0 {
                break;
            }
            lengths.push(len);
            total = total.saturating_add(len);
            buffer = core::mem::take(&mut buffer).split_at_mut_checked(len).map_or(&mut [], |(_, rest)| rest);
        }
        total
    }

    /// What answers the peer if it goes on although we have ended the session: it may not have heard of it. Once, after the last
    /// event; `None` when the peer knows of the end, or `linger` is zero.
    #[must_use]
    pub fn farewell(&mut self) -> Option<Farewell> {
        match &mut self.engine {
            Engine::Native(native) => native.take_farewell(),
            #[cfg(feature = "legacy")]
            Engine::Legacy(_) => None,
        }
    }

    /// The largest datagram that can come, in bytes.
    #[must_use]
    pub fn max_datagram(&self) -> usize {
        on_engine!(&self.engine, engine => engine.max_datagram())
    }

    /// Whether pulling output may give some now.
    #[must_use]
    pub fn wants_write(&self) -> bool {
        on_engine!(&self.engine, engine => engine.wants_write())
    }

    /// Whether the session is open: the handshake is done, and it has not ended.
    #[must_use]
    pub fn is_connected(&self) -> bool {
        on_engine!(&self.engine, engine => engine.is_connected())
    }

    /// Our tag: what the peer puts on every packet to us.
    #[must_use]
    pub fn tag(&self) -> u64 {
        on_engine!(&self.engine, engine => engine.tag())
    }

    /// How the session is doing at `now`. Looking changes nothing.
    #[must_use]
    pub fn status(&self, now: Instant) -> Status {
        on_engine!(&self.engine, engine => engine.status(now))
    }
}

impl Machine for SlidingWindow {
    type Input<'a> = Input<'a>;
    type Transmit = Bytes;
    type Event = Event;
    type Timer = Timer;

    fn handle(&mut self, now: Instant, input: Input<'_>) {
        on_engine!(&mut self.engine, engine => engine.handle(now, input));
    }

    fn handle_timeout(&mut self, now: Instant) {
        on_engine!(&mut self.engine, engine => engine.handle_timeout(now));
    }

    fn poll_event(&mut self) -> Option<Event> {
        on_engine!(&mut self.engine, engine => engine.poll_event())
    }

    fn poll_transmit(&mut self, now: Instant) -> Option<Bytes> {
        let mut buffer = alloc::vec![0; self.max_datagram()];
        let len = self.transmit_into(now, &mut buffer);
        buffer.truncate(len);
        (len > 0).then(|| Bytes::from(buffer))
    }

    fn poll_timeout(&self) -> Option<(Instant, Timer)> {
        on_engine!(&self.engine, engine => engine.poll_timeout())
    }

    fn is_closed(&self) -> bool {
        on_engine!(&self.engine, engine => engine.is_closed())
    }
}
