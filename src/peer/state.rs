//! The peer: a sealed connection, and who is at its other end.

use alloc::boxed::Box;
use alloc::collections::VecDeque;
use core::fmt;
use core::net::SocketAddr;

use bytes::{Bytes, BytesMut};

use super::close::{Event, PeerClosed};
use super::data::PeerData;
use super::node_info::{ChannelSet, NodeInfo};
use super::origin::Origin;
use super::sealed::Sealed;
use super::upgrade::Upgraded;
use crate::connection::{
    ChannelStatus, ConfigError, Direction, Input, MConnConfig, SendError, SendRefusal, Status, StreamMachine, Timer,
    impl_stream_machine,
};
use crate::machine::Machine;
use crate::rate::Limiter;
use crate::secret::{NodeId, PublicKey};
use crate::time::Instant;
use crate::wire::{AnyCodec, Codec};

/// A peer as a state machine: sealed bytes and the time in, messages and sealed bytes out.
///
/// It is an [`MConnState`](crate::connection::MConnState) behind the frames of SecretConnection, and is driven by the same
/// loop; see the [module](super) for an example and for what differs. It knows who is at the other end, sends only on
/// channels that the other side has announced, and carries what reactors keep with it.
pub struct Peer<C = AnyCodec> {
    sealed: Sealed<C>,
    key: PublicKey,
    id: NodeId,
    info: Box<NodeInfo>,
    announced: ChannelSet,
    origin: Origin,
    data: PeerData,
}

impl<C: Codec> Peer<C> {
    /// A peer that begins at `now`, on a stream that was [upgraded](super::Upgrade).
    ///
    /// The channels of `config` should be those that our own NodeInfo announces.
    ///
    /// # Errors
    /// [`ConfigError`] when the configuration can not work.
    pub fn new(upgraded: Upgraded, origin: Origin, config: MConnConfig<C>, now: Instant) -> Result<Self, ConfigError> {
        let Upgraded { connection, info, early } = upgraded;
        let key = connection.peer;
        let announced = info.channel_set();
        let sealed = Sealed::new(connection, early, config, now)?;
        Ok(Self { sealed, key, id: key.id(), info, announced, origin, data: PeerData::default() })
    }

    /// The id of the node.
    #[must_use]
    pub const fn id(&self) -> NodeId {
        self.id
    }

    /// The key of the node, which it has proven to own.
    #[must_use]
    pub const fn key(&self) -> PublicKey {
        self.key
    }

    /// What the node says of itself.
    #[must_use]
    pub const fn node_info(&self) -> &NodeInfo {
        &self.info
    }

    /// Where the connection comes from.
    #[must_use]
    pub const fn origin(&self) -> &Origin {
        &self.origin
    }

    /// Whether we dialled.
    #[must_use]
    pub const fn is_outbound(&self) -> bool {
        self.origin.is_outbound()
    }

    /// Whether the connection is to be made anew whenever it ends.
    #[must_use]
    pub const fn is_persistent(&self) -> bool {
        self.origin.persistent
    }

    /// The other end of the socket, where there is one.
    #[must_use]
    pub const fn remote_addr(&self) -> Option<SocketAddr> {
        self.origin.socket
    }

    /// What reactors keep with this peer.
    #[must_use]
    pub const fn data(&self) -> &PeerData {
        &self.data
    }

    /// What reactors keep with this peer, to change it.
    pub const fn data_mut(&mut self) -> &mut PeerData {
        &mut self.data
    }

    /// Whether the other side has said that it has this channel.
    #[must_use]
    pub fn has_announced(&self, channel: u8) -> bool {
        self.announced.contains(channel)
    }

    /// Queues a message. Whole messages of one channel arrive in the order in which they were accepted.
    ///
    /// # Errors
    /// [`SendError`] gives the message back; nothing has changed. [`SendRefusal::NotAnnounced`] when the other side has not
    /// announced this channel: it would end the connection.
    pub fn try_send(&mut self, channel: u8, message: Bytes) -> Result<(), SendError> {
        match self.refusal(channel, message.len()) {
            Some(refusal) => Err(SendError { refusal, channel, message }),
            None => self.sealed.inner.try_send(channel, message),
        }
    }

    /// Whether a message of one byte would be accepted on this channel now.
    #[must_use]
    pub fn can_send(&self, channel: u8) -> bool {
        self.may_send(channel, 1).is_ok()
    }

    /// Why a message of `len` bytes would not be accepted on this channel now.
    ///
    /// # Errors
    /// The reason for which [`Peer::try_send`] would give the message back.
    pub fn may_send(&self, channel: u8, len: usize) -> Result<(), SendRefusal> {
        match self.refusal(channel, len) {
            Some(refusal) => Err(refusal),
            None => self.sealed.inner.may_send(channel, len),
        }
    }

    /// Why the machine inside is not even asked.
    fn refusal(&self, channel: u8, len: usize) -> Option<SendRefusal> {
        if self.sealed.is_held_back() {
            return Some(SendRefusal::Closing);
        }
        if self.announced.contains(channel) {
            return None;
        }
        // What says more comes first: that we have no such channel either, or that it is over anyhow.
        match self.sealed.inner.may_send(channel, len) {
            Err(refusal @ (SendRefusal::UnknownChannel | SendRefusal::Closing | SendRefusal::Closed)) => Some(refusal),
            _ => Some(SendRefusal::NotAnnounced),
        }
    }

    /// Appends frames to `out` until there is no room for another within `max` bytes, nothing more is ready, or the limiter
    /// says no. Returns how many bytes were appended.
    ///
    /// Packets are sealed across frames; only the last frame before there is nothing more to say is short. With `max` below
    /// [`FRAME_LEN`](crate::secret::FRAME_LEN) nothing comes.
    pub fn transmit_into(&mut self, now: Instant, out: &mut BytesMut, max: usize) -> usize {
        self.sealed.transmit_into(now, out, max)
    }

    /// Whether the machine would open and consume frames now; see
    /// [`MConnState::wants_read`](crate::connection::MConnState::wants_read).
    #[must_use]
    pub fn wants_read(&self) -> bool {
        self.sealed.wants_read()
    }

    /// Whether pulling output would give some now, as far as can be known without asking the limiter.
    #[must_use]
    pub fn wants_write(&self) -> bool {
        self.sealed.wants_write()
    }

    /// How many bytes the machine would take now, those included that wait in the driver's buffer: whole frames, as many as
    /// [`MConnState::recv_budget`](crate::connection::MConnState::recv_budget) needs.
    pub fn recv_budget(&mut self, now: Instant) -> usize {
        self.sealed.recv_budget(now)
    }

    /// Whether an event waits to be taken.
    #[must_use]
    pub fn has_events(&self) -> bool {
        self.sealed.has_events()
    }

    /// Whether bytes wait inside that can be consumed now.
    ///
    /// Only after [`Peer::swap_messages`]: then feed the buffer again, be it empty. Everything else that makes room consumes
    /// them at once.
    #[must_use]
    pub fn has_unread(&self) -> bool {
        self.sealed.has_unread()
    }

    /// Takes all messages that wait; see [`MConnState::swap_messages`](crate::connection::MConnState::swap_messages), and
    /// [`Peer::has_unread`].
    pub fn swap_messages(
        &mut self,
        empty: &mut VecDeque<(u8, Bytes)>,
        max_messages: usize,
        max_bytes: usize,
    ) -> Option<usize> {
        self.sealed.inner.swap_messages(empty, max_messages, max_bytes)
    }

    /// Whether the connection has ended; its last events may still wait to be taken.
    #[must_use]
    pub fn has_ended(&self) -> bool {
        self.sealed.has_ended()
    }

    /// How the connection inside the frames is doing at `now`. Looking changes nothing.
    #[must_use]
    pub fn status(&self, now: Instant) -> Status {
        self.sealed.inner.status(now)
    }

    /// How one channel is doing at `now`; `None` when the connection has no such channel.
    #[must_use]
    pub fn channel_status(&self, now: Instant, channel: u8) -> Option<ChannelStatus> {
        self.sealed.inner.channel_status(now, channel)
    }

    /// The frames that were opened so far, those of the handshake included.
    #[must_use]
    pub const fn frames_opened(&self) -> u64 {
        self.sealed.frames().0
    }

    /// The frames that were sealed so far, those of the handshake included.
    #[must_use]
    pub const fn frames_sealed(&self) -> u64 {
        self.sealed.frames().1
    }

    /// Changes the limit on what is sent, in bytes of packets per second; `None` lifts it.
    pub fn set_send_rate(&mut self, now: Instant, rate: Option<u64>) {
        self.sealed.inner.set_send_rate(now, rate);
    }

    /// Changes the limit on what is received, in bytes of packets per second; `None` lifts it.
    pub fn set_recv_rate(&mut self, now: Instant, rate: Option<u64>) {
        self.sealed.inner.set_recv_rate(now, rate);
        self.sealed.feed_if_possible();
    }

    /// Replaces the limiter of one direction.
    ///
    /// # Errors
    /// [`ConfigError::LimiterTooSmall`] when a packet could never pass; the old limiter stays.
    pub fn set_limiter(
        &mut self,
        now: Instant,
        direction: Direction,
        limiter: Box<dyn Limiter>,
    ) -> Result<(), ConfigError> {
        let result = self.sealed.inner.set_limiter(now, direction, limiter);
        self.sealed.feed_if_possible();
        result
    }
}

impl<C: Codec> Machine for Peer<C> {
    type Input<'a> = Input<'a>;
    type Transmit = Bytes;
    type Event = Event;
    type Timer = Timer;

    fn handle(&mut self, now: Instant, input: Input<'_>) {
        self.sealed.handle(now, input);
    }

    fn handle_timeout(&mut self, now: Instant) {
        self.sealed.handle_timeout(now);
    }

    fn poll_event(&mut self) -> Option<Event> {
        self.sealed.poll_event()
    }

    /// Takes the next frame.
    fn poll_transmit(&mut self, now: Instant) -> Option<Bytes> {
        self.sealed.poll_transmit(now)
    }

    fn poll_timeout(&self) -> Option<(Instant, Timer)> {
        self.sealed.poll_timeout()
    }

    fn is_closed(&self) -> bool {
        self.sealed.is_closed()
    }
}

impl_stream_machine!(Peer, PeerClosed, PeerClosed::is_flushed);

impl<C> fmt::Debug for Peer<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Peer")
            .field("id", &self.id)
            .field("origin", &self.origin)
            .field("moniker", &self.info.moniker)
            .finish_non_exhaustive()
    }
}
