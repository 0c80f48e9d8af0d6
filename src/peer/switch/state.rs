//! The switch: what its driver and its program say to it.

use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;
use core::any::Any;
use core::fmt;
use core::net::SocketAddr;

use bytes::BytesMut;

use super::builder::SwitchBuilder;
use super::connection::{Connection, Stream};
use super::connection_id::ConnectionId;
use super::context::Context;
use super::core::{Core, Wake};
use super::event::{Command, Event};
use super::reason::EndReason;
use super::refusal::AcceptRefusal;
use crate::connection::Input;
use crate::machine::Machine;
use crate::peer::address::PeerAddress;
use crate::peer::local::LocalNode;
use crate::peer::node_info::NodeInfo;
use crate::peer::reactor::Reactor;
use crate::peer::upgrade::Upgrade;
use crate::secret::{self, EphemeralSecret, ExpectedPeer, NodeId, NodeKey};
use crate::time::Instant;

/// All peers of a node, as one machine.
///
/// See the [module](super) for how it is driven, and for an example.
pub struct Switch {
    pub(super) core: Core,
    pub(super) reactors: Vec<Registered>,
}

/// A reactor and its place.
pub(super) struct Registered {
    pub(super) reactor: Box<dyn Reactor>,
    pub(super) channels: Vec<u8>,
    pub(super) deadline: Option<Instant>,
}

impl Registered {
    pub(super) const fn new(reactor: Box<dyn Reactor>, channels: Vec<u8>) -> Self {
        Self { reactor, channels, deadline: None }
    }
}

impl Switch {
    /// Begins with a node that says this of itself. The channels in `info` are replaced by those of the reactors.
    #[must_use]
    pub fn builder(key: NodeKey, info: NodeInfo) -> SwitchBuilder {
        SwitchBuilder::new(key, info)
    }

    pub(super) fn new(core: Core, reactors: Vec<Registered>) -> Self {
        let mut switch = Self { core, reactors };
        for reactor in 0..switch.reactors.len() {
            switch.refresh_reactor(reactor);
        }
        switch
    }

    /// Who we are.
    #[must_use]
    pub fn local(&self) -> &LocalNode {
        &self.core.local
    }

    /// Acts on the switch from outside: sends, stops, dials, looks.
    pub fn with<T>(&mut self, now: Instant, act: impl FnOnce(&mut Context<'_>) -> T) -> T {
        self.core.clock(now);
        let result = act(&mut Context::new(&mut self.core));
        self.settle();
        result
    }

    /// Acts through the first reactor of a type; `None` when there is none.
    pub fn with_reactor<R: Reactor, T>(
        &mut self,
        now: Instant,
        act: impl FnOnce(&mut R, &mut Context<'_>) -> T,
    ) -> Option<T> {
        self.core.clock(now);
        let mut reactors = self.reactors.iter_mut().enumerate();
        let (place, reactor) = reactors.find_map(|(place, registered)| {
            let any: &mut dyn Any = registered.reactor.as_mut();
            Some((place, any.downcast_mut::<R>()?))
        })?;
        let result = act(reactor, &mut Context::new(&mut self.core));
        self.refresh_reactor(place);
        self.settle();
        Some(result)
    }

    /// The first reactor of a type.
    #[must_use]
    pub fn reactor<R: Reactor>(&self) -> Option<&R> {
        self.reactors.iter().find_map(|registered| {
            let any: &dyn Any = registered.reactor.as_ref();
            any.downcast_ref()
        })
    }

    /// A node to which there is to be a connection always: it is dialled soon, and again whenever the connection ends.
    ///
    /// `false` when it is this node, or the switch was stopped.
    pub fn add_persistent_peer(&mut self, now: Instant, address: PeerAddress) -> bool {
        let now = self.core.clock(now);
        if self.core.stopped || address.id == self.core.local.id() {
            return false;
        }
        let id = address.id;
        let at = self.core.redials.add(now, address);
        self.core.deadlines.insert((at, Wake::Redial(id)));
        true
    }

    /// A node to which there need not be a connection any more. The one that is there stays.
    pub fn remove_persistent_peer(&mut self, id: &NodeId) {
        self.core.redials.remove(id);
    }

    /// The persistent peers.
    pub fn persistent_peers(&self) -> impl Iterator<Item = &PeerAddress> {
        self.core.redials.addresses()
    }

    /// Messages that [`Context::send`] kept and that found no room in time.
    #[must_use]
    pub const fn dropped_messages(&self) -> u64 {
        self.core.dropped_messages
    }

    /// Ends all connections, and takes and dials no more. Reactors see each peer go.
    pub fn stop(&mut self, now: Instant) {
        self.core.clock(now);
        self.core.stopped = true;
        self.core.redials.clear();
        let all: Vec<_> = self.core.connections.keys().copied().collect();
        for connection in all {
            self.core.end(connection, EndReason::SwitchStopped);
        }
        self.settle();
    }

    /// Somebody has opened a connection to us. Its number is the one by which the driver speaks of it from now on.
    ///
    /// `ephemeral` is made of 32 fresh random bytes.
    ///
    /// # Errors
    /// [`AcceptRefusal`]: close it; the switch knows nothing of it.
    pub fn accepted(
        &mut self,
        now: Instant,
        remote: SocketAddr,
        ephemeral: EphemeralSecret,
    ) -> Result<ConnectionId, AcceptRefusal> {
        self.core.clock(now);
        if self.core.stopped {
            return Err(AcceptRefusal::Stopped);
        }
        if let Some(filter) = &mut self.core.config.filter {
            let ip = remote.ip();
            filter.check_address(remote).map_err(|why| AcceptRefusal::Filtered { ip, why })?;
        }
        let connection = self.core.table.accept(remote.ip())?;
        self.core.connections.insert(connection, Connection::new(None, Some(remote)));
        self.begin_upgrade(connection, ephemeral);
        Ok(connection)
    }

    /// A connection that a [`Command::Dial`] wanted is open.
    ///
    /// `ephemeral` is made of 32 fresh random bytes.
    pub fn dialled(&mut self, now: Instant, connection: ConnectionId, remote: SocketAddr, ephemeral: EphemeralSecret) {
        self.core.clock(now);
        if !self.is_dialling(connection) {
            return;
        }
        let Some(found) = self.core.connections.get_mut(&connection) else { return };
        found.remote = Some(remote);
        let refused = match &mut self.core.config.filter {
            Some(filter) => filter.check_address(remote).err(),
            None => None,
        };
        if let Some(why) = refused {
            self.core.end(connection, EndReason::Filtered { why });
        } else if self.core.table.dialled(connection, remote.ip()) {
            self.begin_upgrade(connection, ephemeral);
        }
        self.settle();
    }

    fn is_dialling(&self, connection: ConnectionId) -> bool {
        self.core.table.entry(connection).is_some_and(|entry| entry.phase == super::table::Phase::Dialling)
    }

    /// A connection that a [`Command::Dial`] wanted could not be opened. There is nothing to hang up.
    pub fn dial_failed(&mut self, now: Instant, connection: ConnectionId, why: impl Into<String>) {
        self.core.clock(now);
        if self.is_dialling(connection)
            && let Some(found) = self.core.connections.get_mut(&connection)
        {
            found.reason.get_or_insert(EndReason::DialFailed { why: why.into() });
            self.core.table.dial_failed(connection);
            self.settle();
        }
    }

    fn begin_upgrade(&mut self, connection: ConnectionId, ephemeral: EphemeralSecret) {
        let core = &mut self.core;
        let Some(found) = core.connections.get_mut(&connection) else { return };
        let expected = found.address.as_ref().map_or(ExpectedPeer::Any, |address| ExpectedPeer::Id(address.id));
        let upgrade = Upgrade::new(core.local.clone(), ephemeral, expected, core.config.upgrade, core.now);
        found.stream = Stream::Upgrade(Box::new(upgrade));
        core.refresh(connection);
    }

    /// Bytes came. What can be consumed is taken from the front of `buf`; the rest stays there, and what comes next is
    /// appended behind it. `end` means that nothing can come after these bytes.
    ///
    /// Call it again when more has come, and at [`Command::Feed`].
    pub fn received(&mut self, now: Instant, connection: ConnectionId, buf: &mut BytesMut, end: bool) {
        self.core.clock(now);
        self.feed(connection, buf, end);
        self.core.refresh(connection);
        self.settle();
    }

    /// The transport can carry no more bytes: a read or a write failed.
    pub fn transport_failed(&mut self, now: Instant, connection: ConnectionId) {
        let now = self.core.clock(now);
        if self.is_leaving(connection) {
            return;
        }
        let Some(found) = self.core.connections.get_mut(&connection) else { return };
        match &mut found.stream {
            Stream::Upgrade(upgrade) => upgrade.handle(now, secret::Input::TransportFailed),
            Stream::Peer(peer) => peer.handle(now, Input::TransportFailed),
            Stream::Nothing | Stream::Upgraded(_) => self.core.end(connection, EndReason::Lost),
        }
        self.take_events(connection);
        self.core.refresh(connection);
        self.settle();
    }

    /// Appends output of a connection to `out`, at most `max` bytes, which is at least
    /// [`FRAME_LEN`](crate::secret::FRAME_LEN). Returns how many bytes were appended.
    pub fn transmit_into(&mut self, now: Instant, connection: ConnectionId, out: &mut BytesMut, max: usize) -> usize {
        let now = self.core.clock(now);
        if self.is_leaving(connection) {
            return 0;
        }
        let Some(found) = self.core.connections.get_mut(&connection) else { return 0 };
        let mut written = found.transmit_into(now, out, max);
        let waited = !found.waiting.is_empty();
        let dropped = found.pump_waiting(now);
        if waited {
            written = written.saturating_add(found.transmit_into(now, out, max.saturating_sub(written)));
        }
        // As long as something comes, the driver asks again.
        found.write_announced = written > 0;
        self.core.dropped_messages = self.core.dropped_messages.saturating_add(dropped);
        self.take_events(connection);
        self.core.refresh(connection);
        self.settle();
        written
    }

    /// How many bytes the driver should hold for this connection at most: what is in its buffer already, and what it reads.
    pub fn recv_budget(&mut self, now: Instant, connection: ConnectionId) -> usize {
        let now = self.core.clock(now);
        if self.is_leaving(connection) {
            return 0;
        }
        let budget = self.core.connections.get_mut(&connection).map_or(0, |found| found.recv_budget(now));
        // The limiter may have said when to ask again.
        self.core.refresh(connection);
        budget
    }

    pub(super) fn is_leaving(&self, connection: ConnectionId) -> bool {
        self.core.table.entry(connection).is_none_or(|entry| entry.phase.is_leaving())
    }

    /// Takes the next thing that the driver is to do.
    pub fn poll_command(&mut self) -> Option<Command> {
        self.core.commands.pop_front()
    }

    /// Takes the next thing that the program is told.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.core.events.pop_front()
    }

    /// When [`handle_timeout`](Self::handle_timeout) is to be called.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.core.deadlines.first().map(|(deadline, _)| *deadline)
    }
}

impl fmt::Debug for Switch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Switch")
            .field("local", &self.core.local.id())
            .field("reactors", &self.reactors.len())
            .field("table", &self.core.table)
            .finish_non_exhaustive()
    }
}
