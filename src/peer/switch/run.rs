//! What a switch does with what it is told.

use core::mem;

use bytes::BytesMut;

use super::connection::Stream;
use super::connection_id::ConnectionId;
use super::context::Context;
use super::core::Wake;
use super::event::{Command, Event};
use super::reason::EndReason;
use super::state::Switch;
use super::table::{Action, Admission, Phase, Step};
use crate::connection::Input;
use crate::machine::Machine;
use crate::peer::close::Event as PeerEvent;
use crate::peer::reactor::Reactor;
use crate::peer::upgrade::{UpgradeEvent, Upgraded};
use crate::secret::{self, NodeId};
use crate::time::Instant;

impl Switch {
    /// Does all steps that wait.
    pub(super) fn settle(&mut self) {
        while let Some(step) = self.core.table.next_step() {
            self.perform(step);
        }
    }

    fn perform(&mut self, step: Step) {
        let connection = step.connection;
        let id = self.core.table.entry(connection).and_then(|entry| entry.id());
        match (step.action, id) {
            (Action::Init { reactor }, Some(id)) => self.call(reactor, |called, context| called.init_peer(context, id)),
            (Action::Add { reactor }, Some(id)) => self.call(reactor, |called, context| called.add_peer(context, id)),
            (Action::Start, Some(id)) => self.start(connection, id),
            (Action::Remove { reactor }, Some(id)) => {
                let reason = self.reason(connection);
                self.call(reactor, |called, context| called.remove_peer(context, id, &reason));
            }
            (Action::HangUp, _) => {
                let flush = matches!(self.reason(connection), EndReason::Peer(reason) if reason.is_flushed());
                self.core.refresh(connection);
                self.core.hang_up(connection, flush);
            }
            (Action::Gone, _) => self.gone(connection),
            // The table gives these only for nodes that are known.
            (Action::Init { .. } | Action::Add { .. } | Action::Start | Action::Remove { .. }, None) => {}
        }
    }

    fn reason(&self, connection: ConnectionId) -> EndReason {
        // The table ends connections by itself only when there are two to one node.
        let found = self.core.connections.get(&connection);
        found.and_then(|found| found.reason.clone()).unwrap_or(EndReason::SimultaneousDial)
    }

    fn start(&mut self, connection: ConnectionId, id: NodeId) {
        let now = self.core.now;
        let Some(found) = self.core.connections.get_mut(&connection) else { return };
        found.started = Some(now);
        let is_outbound = found.address.is_some();
        self.core.events.push_back(Event::PeerStarted { id, connection, is_outbound });
        self.core.redials.started(&id);
        // What the other side sent behind its NodeInfo may wait in the driver's buffer.
        self.core.commands.push_back(Command::Feed { connection });
        self.core.refresh(connection);
    }

    fn gone(&mut self, connection: ConnectionId) {
        let reason = self.reason(connection);
        self.core.refresh(connection);
        let Some(found) = self.core.connections.remove(&connection) else { return };
        let peer = match &found.stream {
            Stream::Peer(peer) => Some(peer.id()),
            Stream::Upgraded(upgraded) => Some(upgraded.key().id()),
            Stream::Nothing | Stream::Upgrade(_) => None,
        };
        let id = peer.or(found.address.as_ref().map(|address| address.id));
        let was_peer = found.started.is_some();
        if let (Some(address), false) = (&found.address, was_peer) {
            for reactor in 0..self.reactors.len() {
                self.call(reactor, |called, context| called.dial_ended(context, address, &reason));
            }
        }
        self.core.events.push_back(Event::Ended { connection, id, was_peer, reason });
        if let Some(id) = id {
            self.promoted(id);
            self.core.redial(&id, found.started);
        }
    }

    /// A connection that stood by may have taken the place of one that is gone.
    fn promoted(&mut self, id: NodeId) {
        if let Some(connection) = self.core.table.holder(&id)
            && self.core.table.entry(connection).is_some_and(|entry| entry.phase == Phase::Initialising { told: 0 })
        {
            self.core.make_peer(connection);
        }
    }

    /// Calls a reactor.
    fn call(&mut self, place: usize, call: impl FnOnce(&mut dyn Reactor, &mut Context<'_>)) {
        if let Some(registered) = self.reactors.get_mut(place) {
            call(registered.reactor.as_mut(), &mut Context::new(&mut self.core));
            self.refresh_reactor(place);
        }
    }

    pub(super) fn refresh_reactor(&mut self, place: usize) {
        let Some(registered) = self.reactors.get_mut(place) else { return };
        let after = registered.reactor.poll_timeout();
        let before = mem::replace(&mut registered.deadline, after);
        self.core.move_deadline(before, after, Wake::Reactor(place));
    }

    /// Gives a connection what has come, and its reactors what comes of it.
    pub(super) fn feed(&mut self, connection: ConnectionId, buf: &mut BytesMut, end: bool) {
        loop {
            let now = self.core.now;
            if self.is_leaving(connection) {
                return;
            }
            let Some(found) = self.core.connections.get_mut(&connection) else { return };
            let before = buf.len();
            match &mut found.stream {
                Stream::Nothing => return,
                Stream::Upgrade(upgrade) => upgrade.handle(now, secret::Input::Received { buf, end }),
                Stream::Upgraded(_) => {
                    if end {
                        self.core.end(connection, EndReason::Lost);
                    }
                    return;
                }
                Stream::Peer(peer) => peer.handle(now, Input::Received { buf, end }),
            }
            let events = self.take_events(connection);
            // Peers that become one here are told to all reactors before their first message.
            self.settle();
            if !events && buf.len() == before {
                return;
            }
        }
    }

    /// Takes what the machine of a connection has to say. Whether there was something.
    pub(super) fn take_events(&mut self, connection: ConnectionId) -> bool {
        let mut any = false;
        while !self.is_leaving(connection) {
            let Some(found) = self.core.connections.get_mut(&connection) else { break };
            match &mut found.stream {
                Stream::Upgrade(upgrade) => match upgrade.poll_event() {
                    Some(UpgradeEvent::Established(upgraded)) => self.upgraded(connection, upgraded),
                    Some(UpgradeEvent::Closed(error)) => self.core.end(connection, error.into()),
                    None => break,
                },
                // Not before all reactors know it.
                Stream::Peer(_) if !self.core.table.is_running(connection) => break,
                Stream::Peer(peer) => match peer.poll_event() {
                    Some(PeerEvent::Message { channel, payload }) => {
                        let id = peer.id();
                        let place = self.reactors.iter().position(|registered| registered.channels.contains(&channel));
                        if let Some(place) = place {
                            self.call(place, |called, context| called.receive(context, id, channel, payload));
                        }
                    }
                    Some(PeerEvent::Closed(reason)) => self.core.end(connection, reason.into()),
                    None => break,
                },
                Stream::Nothing | Stream::Upgraded(_) => break,
            }
            any = true;
        }
        any
    }

    fn upgraded(&mut self, connection: ConnectionId, upgraded: Upgraded) {
        let id = upgraded.key().id();
        let core = &mut self.core;
        let Some(found) = core.connections.get_mut(&connection) else { return };
        let refused = match (&mut core.config.filter, found.remote) {
            (Some(filter), Some(remote)) => {
                filter.check_node(upgraded.node_info(), remote, found.address.is_some()).err()
            }
            _ => None,
        };
        found.stream = Stream::Upgraded(alloc::boxed::Box::new(upgraded));
        if let Some(why) = refused {
            core.end(connection, EndReason::Filtered { why });
            return;
        }
        match core.table.upgraded(connection, id) {
            Admission::Admitted => core.make_peer(connection),
            Admission::Standby => {
                found.standby_until = Some(core.now.saturating_add(core.config.standby));
                core.refresh(connection);
            }
            Admission::Refused(refusal) => {
                found.reason.get_or_insert(refusal.into());
                core.refresh(connection);
            }
        }
    }

    /// The time has come, or another one. Harmless at any moment.
    pub fn handle_timeout(&mut self, now: Instant) {
        let now = self.core.clock(now);
        let due: alloc::vec::Vec<_> =
            self.core.deadlines.iter().take_while(|(deadline, _)| *deadline <= now).copied().collect();
        for (deadline, wake) in due {
            // What came before may have moved it.
            if !self.core.deadlines.remove(&(deadline, wake)) {
                continue;
            }
            match wake {
                Wake::Connection(connection) => self.connection_timeout(connection),
                Wake::Redial(id) => self.core.redial_due(&id),
                Wake::Reactor(place) => {
                    if let Some(registered) = self.reactors.get_mut(place) {
                        registered.deadline = None;
                        self.call(place, |called, context| called.handle_timeout(context));
                    }
                }
            }
            self.settle();
        }
    }

    fn connection_timeout(&mut self, connection: ConnectionId) {
        let now = self.core.now;
        let Some(found) = self.core.connections.get_mut(&connection) else { return };
        found.deadline = None;
        let wanted_read = found.wants_read();
        found.handle_timeout(now);
        let dropped = found.pump_waiting(now);
        self.core.dropped_messages = self.core.dropped_messages.saturating_add(dropped);
        if found.standby_until.take_if(|until| *until <= now).is_some() {
            self.core.table.standby_expired(connection);
        } else if !wanted_read && found.wants_read() {
            self.core.commands.push_back(Command::Feed { connection });
        }
        self.take_events(connection);
        self.core.refresh(connection);
    }
}
