//! One connection in the table.

use core::net::IpAddr;

use super::step::Action;
use crate::secret::NodeId;

/// Who has opened a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(in crate::peer::switch) enum Way {
    /// The other side.
    Inbound,
    /// We have.
    Outbound,
}

/// One connection.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(in crate::peer::switch) struct Entry {
    pub(in crate::peer::switch) way: Way,
    /// The address of the other side; not known while it is dialled.
    pub(in crate::peer::switch) ip: Option<IpAddr>,
    /// Whom we have dialled.
    pub(in crate::peer::switch) expected: Option<NodeId>,
    /// Who it has proven to be.
    pub(in crate::peer::switch) peer: Option<NodeId>,
    pub(in crate::peer::switch) phase: Phase,
}

/// How far a connection has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(in crate::peer::switch) enum Phase {
    /// The driver is to open it.
    Dialling,
    /// It is open; who is at the other end is not known.
    Upgrading,
    /// It is known, and another connection to the same node is there.
    Standby,
    /// So many reactors have seen `Init`.
    Initialising { told: usize },
    /// It has started, and so many reactors have seen `Add`.
    Adding { told: usize },
    /// All reactors have seen `Add`; messages can be received.
    Running,
    /// So many reactors are still to see `Remove`.
    Leaving { left: usize, hung_up: bool },
}

impl Phase {
    /// Whether messages can be sent.
    pub(in crate::peer::switch) const fn is_started(self) -> bool {
        matches!(self, Self::Adding { .. } | Self::Running)
    }

    pub(in crate::peer::switch) const fn is_leaving(self) -> bool {
        matches!(self, Self::Leaving { .. })
    }

    /// Whether it is a peer, or about to be.
    pub(super) const fn is_held(self) -> bool {
        matches!(self, Self::Initialising { .. } | Self::Adding { .. } | Self::Running)
    }

    /// Whether it may become a peer.
    pub(super) const fn is_pending(self) -> bool {
        matches!(self, Self::Dialling | Self::Upgrading | Self::Standby)
    }
}

impl Entry {
    pub(super) const fn new(way: Way, ip: Option<IpAddr>, expected: Option<NodeId>, phase: Phase) -> Self {
        Self { way, ip, expected, peer: None, phase }
    }

    /// Who it is, or should be.
    pub(in crate::peer::switch) fn id(&self) -> Option<NodeId> {
        self.peer.or(self.expected)
    }

    /// Goes one step towards `Running`.
    pub(super) fn join(&mut self, reactors: usize) -> Option<Action> {
        match self.phase {
            Phase::Initialising { told } if told < reactors => {
                self.phase = Phase::Initialising { told: told.saturating_add(1) };
                Some(Action::Init { reactor: told })
            }
            Phase::Initialising { .. } => {
                self.phase = if reactors == 0 { Phase::Running } else { Phase::Adding { told: 0 } };
                Some(Action::Start)
            }
            Phase::Adding { told } => {
                let after = told.saturating_add(1);
                self.phase = if after < reactors { Phase::Adding { told: after } } else { Phase::Running };
                Some(Action::Add { reactor: told })
            }
            _ => None,
        }
    }

    /// Goes one step towards its end; `None` when nothing is left but to forget it.
    pub(super) fn leave(&mut self) -> Option<Action> {
        let Phase::Leaving { left, hung_up } = self.phase else { return None };
        if !hung_up {
            self.phase = Phase::Leaving { left, hung_up: true };
            return Some(Action::HangUp);
        }
        let reactor = left.checked_sub(1)?;
        self.phase = Phase::Leaving { left: reactor, hung_up };
        Some(Action::Remove { reactor })
    }
}
