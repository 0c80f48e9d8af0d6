//! All of a switch but its reactors: what they can act on.

use alloc::collections::{BTreeMap, BTreeSet, VecDeque};
use alloc::string::String;
use alloc::sync::Arc;

use bytes::Bytes;

use super::config::SwitchConfig;
use super::connection::{Connection, Stream};
use super::connection_id::ConnectionId;
use super::event::{Command, Event};
use super::reason::EndReason;
use super::redial::{Next, Redials};
use super::refusal::DialRefusal;
use super::table::Table;
use crate::connection::{Input, SendError, SendRefusal};
use crate::machine::Machine;
use crate::peer::address::PeerAddress;
use crate::peer::local::LocalNode;
use crate::peer::origin::Origin;
use crate::peer::state::Peer;
use crate::secret::NodeId;
use crate::time::Instant;

/// All of a switch but its reactors.
#[derive(Debug)]
pub(super) struct Core {
    /// The latest time that the driver told.
    pub(super) now: Instant,
    pub(super) local: Arc<LocalNode>,
    pub(super) config: SwitchConfig,
    pub(super) table: Table,
    pub(super) connections: BTreeMap<ConnectionId, Connection>,
    pub(super) redials: Redials,
    pub(super) deadlines: BTreeSet<(Instant, Wake)>,
    pub(super) commands: VecDeque<Command>,
    pub(super) events: VecDeque<Event>,
    pub(super) stopped: bool,
    /// Messages that have waited for room for too long.
    pub(super) dropped_messages: u64,
}

/// Who has a deadline.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Wake {
    Connection(ConnectionId),
    Redial(NodeId),
    Reactor(usize),
}

impl Core {
    pub(super) fn clock(&mut self, now: Instant) -> Instant {
        self.now = self.now.max(now);
        self.now
    }

    /// The connection of a peer, also while it starts and ends.
    pub(super) fn holder(&self, id: &NodeId) -> Option<&Connection> {
        self.connections.get(&self.table.holder(id)?)
    }

    pub(super) fn holder_mut(&mut self, id: &NodeId) -> Option<&mut Connection> {
        self.connections.get_mut(&self.table.holder(id)?)
    }

    /// Takes notice of what may have changed on a connection: its deadline, and whether there is output.
    pub(super) fn refresh(&mut self, connection: ConnectionId) {
        let leaving = self.table.entry(connection).is_none_or(|entry| entry.phase.is_leaving());
        let Some(found) = self.connections.get_mut(&connection) else { return };
        let deadline = if leaving { None } else { found.next_deadline() };
        let before = core::mem::replace(&mut found.deadline, deadline);
        if !leaving && !found.write_announced && found.wants_write() {
            found.write_announced = true;
            self.commands.push_back(Command::Write { connection });
        }
        let wake = Wake::Connection(connection);
        self.move_deadline(before, deadline, wake);
    }

    pub(super) fn move_deadline(&mut self, before: Option<Instant>, after: Option<Instant>, wake: Wake) {
        if before == after {
            return;
        }
        if let Some(before) = before {
            self.deadlines.remove(&(before, wake));
        }
        if let Some(after) = after {
            self.deadlines.insert((after, wake));
        }
    }

    /// Ends a connection. The first reason counts.
    pub(super) fn end(&mut self, connection: ConnectionId, reason: EndReason) {
        let Some(found) = self.connections.get_mut(&connection) else { return };
        found.reason.get_or_insert(reason);
        self.table.fail(connection);
        self.refresh(connection);
    }

    pub(super) fn end_peer(&mut self, id: &NodeId, why: String) -> bool {
        let Some(connection) = self.table.holder(id) else { return false };
        self.end(connection, EndReason::Stopped { why });
        true
    }

    pub(super) fn close_peer(&mut self, id: &NodeId, deadline: Option<Instant>) -> bool {
        let now = self.now;
        let Some(connection) = self.table.started(id) else { return false };
        let Some(peer) = self.connections.get_mut(&connection).and_then(Connection::peer_mut) else { return false };
        peer.handle(now, Input::CloseAfterFlush { deadline });
        // If there was nothing to flush it has ended already; its last event is taken with the next feeding.
        self.commands.push_back(Command::Feed { connection });
        self.refresh(connection);
        true
    }

    pub(super) fn send(&mut self, id: &NodeId, channel: u8, message: Bytes, wait: bool) -> Result<(), SendError> {
        let until = self.now.saturating_add(self.config.send_timeout);
        let max = match wait {
            true => (self.config.max_waiting_messages, self.config.max_waiting_bytes),
            false => (0, 0),
        };
        let started = self.table.started(id);
        let found = started.and_then(|connection| Some((connection, self.connections.get_mut(&connection)?)));
        let Some((connection, found)) = found else {
            return Err(SendError { refusal: SendRefusal::Closed, channel, message });
        };
        let sent = found.send(channel, message, until, max);
        self.refresh(connection);
        sent
    }

    /// Wants a node to be dialled.
    pub(super) fn dial(&mut self, address: &PeerAddress, forced: bool) -> Result<ConnectionId, DialRefusal> {
        if self.stopped {
            return Err(DialRefusal::Stopped);
        }
        let connection = self.table.dial(address.id, forced)?;
        self.connections.insert(connection, Connection::new(Some(address.clone()), None));
        self.commands.push_back(Command::Dial { connection, address: address.clone() });
        Ok(connection)
    }

    /// Wants a connection to be closed. What was not even begun is taken back.
    pub(super) fn hang_up(&mut self, connection: ConnectionId, flush: bool) {
        let is_dial = |command: &Command| matches!(command, Command::Dial { connection: of, .. } if *of == connection);
        match self.commands.iter().position(is_dial) {
            Some(place) => drop(self.commands.remove(place)),
            None => self.commands.push_back(Command::HangUp { connection, flush }),
        }
    }

    /// Makes a peer of an upgraded connection, which the table has admitted.
    pub(super) fn make_peer(&mut self, connection: ConnectionId) {
        let Some(found) = self.connections.get_mut(&connection) else { return };
        found.standby_until = None;
        let Stream::Upgraded(upgraded) = core::mem::replace(&mut found.stream, Stream::Nothing) else { return };
        let mut origin = match &found.address {
            Some(address) => Origin::outbound(address.clone()),
            None => Origin::inbound(),
        };
        origin.socket = found.remote;
        origin.persistent = self.redials.contains(&upgraded.key().id());
        match Peer::new(*upgraded, origin, self.config.connection.clone(), self.now) {
            Ok(peer) => found.stream = Stream::Peer(alloc::boxed::Box::new(peer)),
            Err(error) => self.end(connection, error.into()),
        }
        self.refresh(connection);
    }

    /// Dials a persistent peer again at some time, if there is no connection to it.
    pub(super) fn redial(&mut self, id: &NodeId, started: Option<Instant>) {
        if self.table.is_busy_with(id) {
            return;
        }
        match self.redials.ended(self.now, id, started) {
            Some(Next::At(at)) => {
                self.deadlines.insert((at, Wake::Redial(*id)));
            }
            Some(Next::Never(address)) => self.events.push_back(Event::GaveUp { address }),
            None => {}
        }
    }

    pub(super) fn redial_due(&mut self, id: &NodeId) {
        let now = self.now;
        if let Some(address) = self.redials.take_due(now, id) {
            // If there is a connection already, its end dials again.
            let _ = self.dial(&address, true);
        }
    }
}
