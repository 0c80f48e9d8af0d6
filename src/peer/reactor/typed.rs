//! Reactors that speak in messages of a type, not in bytes.

use alloc::format;
use alloc::vec::Vec;
use core::any::Any;
use core::fmt;
use core::ops::{Deref, DerefMut};

use bytes::Bytes;

use super::Reactor;
use crate::connection::{ChannelConfig, SendError};
use crate::peer::address::PeerAddress;
use crate::peer::switch::{Broadcast, Context, EndReason};
use crate::secret::NodeId;
use crate::time::Instant;

/// Messages to bytes and back.
pub trait MessageCodec: Send + 'static {
    /// What is said.
    type Message;
    /// Why bytes are no message.
    type Error: fmt::Display;

    /// A message as bytes.
    fn encode(&self, channel: u8, message: &Self::Message) -> Bytes;

    /// The message that these bytes are.
    ///
    /// # Errors
    /// Why they are none. The peer is stopped.
    fn decode(&self, channel: u8, bytes: Bytes) -> Result<Self::Message, Self::Error>;
}

/// A [`Reactor`] whose messages have a type. [`Typed`] makes one of the other; the methods are the same.
pub trait TypedReactor: Any + Send {
    /// How its messages become bytes.
    type Codec: MessageCodec;

    /// See [`Reactor::channels`].
    fn channels(&self) -> Vec<ChannelConfig>;

    /// See [`Reactor::init_peer`].
    fn init_peer(&mut self, _context: &mut TypedContext<'_, '_, Self::Codec>, _peer: NodeId) {}

    /// See [`Reactor::add_peer`].
    fn add_peer(&mut self, _context: &mut TypedContext<'_, '_, Self::Codec>, _peer: NodeId) {}

    /// See [`Reactor::receive`].
    fn receive(
        &mut self,
        context: &mut TypedContext<'_, '_, Self::Codec>,
        peer: NodeId,
        channel: u8,
        message: <Self::Codec as MessageCodec>::Message,
    );

    /// See [`Reactor::remove_peer`].
    fn remove_peer(&mut self, _context: &mut TypedContext<'_, '_, Self::Codec>, _peer: NodeId, _reason: &EndReason) {}

    /// See [`Reactor::dial_ended`].
    fn dial_ended(
        &mut self,
        _context: &mut TypedContext<'_, '_, Self::Codec>,
        _address: &PeerAddress,
        _reason: &EndReason,
    ) {
    }

    /// See [`Reactor::poll_timeout`].
    fn poll_timeout(&self) -> Option<Instant> {
        None
    }

    /// See [`Reactor::handle_timeout`].
    fn handle_timeout(&mut self, _context: &mut TypedContext<'_, '_, Self::Codec>) {}
}

/// A [`TypedReactor`] with its codec, as a [`Reactor`]. A peer whose bytes are no message is stopped.
///
/// ```
/// use bytes::Bytes;
/// use mconn::connection::ChannelConfig;
/// use mconn::peer::{MessageCodec, Typed, TypedContext, TypedReactor};
/// use mconn::secret::NodeId;
///
/// struct Numbers;
///
/// impl MessageCodec for Numbers {
///     type Message = u64;
///     type Error = &'static str;
///
///     fn encode(&self, _: u8, number: &u64) -> Bytes {
///         Bytes::copy_from_slice(&number.to_be_bytes())
///     }
///
///     fn decode(&self, _: u8, bytes: Bytes) -> Result<u64, &'static str> {
///         bytes[..].try_into().map(u64::from_be_bytes).map_err(|_| "a number has eight bytes")
///     }
/// }
///
/// /// Answers each number with the next one.
/// struct Counter;
///
/// impl TypedReactor for Counter {
///     type Codec = Numbers;
///
///     fn channels(&self) -> Vec<ChannelConfig> {
///         vec![ChannelConfig::new(0x77, 1)]
///     }
///
///     fn receive(&mut self, context: &mut TypedContext<'_, '_, Numbers>, peer: NodeId, channel: u8, number: u64) {
///         let _ = context.try_send(&peer, channel, &(number + 1));
///     }
/// }
///
/// let reactor = Typed::new(Counter, Numbers); // for `SwitchBuilder::add_reactor`
/// ```
#[derive(Debug)]
pub struct Typed<R: TypedReactor> {
    reactor: R,
    codec: R::Codec,
}

impl<R: TypedReactor> Typed<R> {
    /// A reactor and its codec.
    #[must_use]
    pub const fn new(reactor: R, codec: R::Codec) -> Self {
        Self { reactor, codec }
    }

    /// The reactor.
    #[must_use]
    pub const fn get(&self) -> &R {
        &self.reactor
    }

    /// The reactor, to change it.
    pub const fn get_mut(&mut self) -> &mut R {
        &mut self.reactor
    }
}

/// A [`Context`] that sends messages instead of bytes. All else that a context can do, it can do.
#[derive(Debug)]
pub struct TypedContext<'a, 'b, C> {
    context: &'a mut Context<'b>,
    codec: &'a C,
}

impl<'a, 'b, C: MessageCodec> TypedContext<'a, 'b, C> {
    /// A context and a codec, for who acts from outside (see [`Switch::with`](crate::peer::switch::Switch::with)).
    #[must_use]
    pub const fn new(context: &'a mut Context<'b>, codec: &'a C) -> Self {
        Self { context, codec }
    }

    /// See [`Context::try_send`].
    ///
    /// # Errors
    /// [`SendError`] gives the message back, as bytes.
    pub fn try_send(&mut self, peer: &NodeId, channel: u8, message: &C::Message) -> Result<(), SendError> {
        self.context.try_send(peer, channel, self.codec.encode(channel, message))
    }

    /// See [`Context::send`].
    ///
    /// # Errors
    /// [`SendError`] gives the message back, as bytes.
    pub fn send(&mut self, peer: &NodeId, channel: u8, message: &C::Message) -> Result<(), SendError> {
        self.context.send(peer, channel, self.codec.encode(channel, message))
    }

    /// See [`Context::try_broadcast`]. The message is encoded once.
    pub fn try_broadcast(&mut self, channel: u8, message: &C::Message) -> Broadcast {
        self.context.try_broadcast(channel, &self.codec.encode(channel, message))
    }

    /// See [`Context::broadcast`]. The message is encoded once.
    pub fn broadcast(&mut self, channel: u8, message: &C::Message) -> Broadcast {
        self.context.broadcast(channel, &self.codec.encode(channel, message))
    }
}

impl<'b, C> Deref for TypedContext<'_, 'b, C> {
    type Target = Context<'b>;

    fn deref(&self) -> &Context<'b> {
        self.context
    }
}

impl<C> DerefMut for TypedContext<'_, '_, C> {
    fn deref_mut(&mut self) -> &mut Self::Target {
        self.context
    }
}

impl<R: TypedReactor> Reactor for Typed<R> {
    fn channels(&self) -> Vec<ChannelConfig> {
        self.reactor.channels()
    }

    fn init_peer(&mut self, context: &mut Context<'_>, peer: NodeId) {
        self.reactor.init_peer(&mut TypedContext::new(context, &self.codec), peer);
    }

    fn add_peer(&mut self, context: &mut Context<'_>, peer: NodeId) {
        self.reactor.add_peer(&mut TypedContext::new(context, &self.codec), peer);
    }

    fn receive(&mut self, context: &mut Context<'_>, peer: NodeId, channel: u8, message: Bytes) {
        match self.codec.decode(channel, message) {
            Ok(message) => {
                self.reactor.receive(&mut TypedContext::new(context, &self.codec), peer, channel, message);
            }
            Err(error) => {
                context.stop_peer(&peer, format!("channel {channel:#04x}: {error}"));
            }
        }
    }

    fn remove_peer(&mut self, context: &mut Context<'_>, peer: NodeId, reason: &EndReason) {
        self.reactor.remove_peer(&mut TypedContext::new(context, &self.codec), peer, reason);
    }

    fn dial_ended(&mut self, context: &mut Context<'_>, address: &PeerAddress, reason: &EndReason) {
        self.reactor.dial_ended(&mut TypedContext::new(context, &self.codec), address, reason);
    }

    fn poll_timeout(&self) -> Option<Instant> {
        self.reactor.poll_timeout()
    }

    fn handle_timeout(&mut self, context: &mut Context<'_>) {
        self.reactor.handle_timeout(&mut TypedContext::new(context, &self.codec));
    }
}
