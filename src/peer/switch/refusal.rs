//! Why a connection is not wanted.

use alloc::string::String;
use core::net::IpAddr;

use thiserror::Error;

use crate::secret::NodeId;

/// Why a connection of somebody else is not taken. Nothing was read from it and nothing is kept of it.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum AcceptRefusal {
    /// Another connection from this address is there.
    #[error("another connection from {ip} is there")]
    DuplicateIp {
        /// The address.
        ip: IpAddr,
    },
    /// Too many connections are there whose peers are not known yet.
    #[error("{limit} connections are in their handshake")]
    TooManyHandshakes {
        /// The limit.
        limit: usize,
    },
    /// The filter of the switch does not want this address.
    #[error("the filter refuses {ip}: {why}")]
    Filtered {
        /// The address.
        ip: IpAddr,
        /// The filter's words.
        why: String,
    },
    /// The switch was stopped.
    #[error("the switch was stopped")]
    Stopped,
}

/// Why a node is not dialled. Nothing has changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum DialRefusal {
    /// It is this node.
    #[error("that is this node itself")]
    Ourselves,
    /// It is a peer already, or it is being dialled.
    #[error("node {id} is a peer already, or is being dialled")]
    AlreadyThere {
        /// The node.
        id: NodeId,
    },
    /// There are enough peers that we have dialled.
    #[error("there are {limit} peers that were dialled")]
    TooManyOutbound {
        /// The limit.
        limit: usize,
    },
    /// The switch was stopped.
    #[error("the switch was stopped")]
    Stopped,
}

/// Why a node that has proven who it is does not become a peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum PeerRefusal {
    /// It is this node.
    #[error("that is this node itself")]
    Ourselves,
    /// It is a peer already, by another connection.
    #[error("node {id} is a peer already")]
    DuplicateId {
        /// The node.
        id: NodeId,
    },
    /// A peer has this address.
    #[error("another peer has the address {ip}")]
    DuplicateIp {
        /// The address.
        ip: IpAddr,
    },
    /// There are enough peers that have dialled us.
    #[error("there are {limit} peers that have dialled us")]
    TooManyInbound {
        /// The limit.
        limit: usize,
    },
    /// The connection was not in its handshake.
    #[error("the connection is not in its handshake")]
    NotExpected,
}
