//! The second stage: NodeInfo over the secret connection, both ways at once.

use alloc::boxed::Box;

use bytes::{Buf, Bytes, BytesMut};

use super::{UpgradeError, Upgraded};
use crate::peer::local::LocalNode;
use crate::peer::node_info::{NodeInfo, Received};
use crate::secret::{FRAME_DATA, FRAME_LEN, SecretConnection};

/// A NodeInfo of ours that leaves, and one of the peer that comes.
#[derive(Debug)]
pub(super) struct Exchange {
    connection: SecretConnection,
    /// How many bytes of ours were sealed.
    sent: usize,
    /// What was opened and not read.
    opened: BytesMut,
    /// The peer's, once it is there and accepted.
    info: Option<Box<NodeInfo>>,
}

impl Exchange {
    pub(super) fn new(connection: SecretConnection) -> Self {
        Self { connection, sent: 0, opened: BytesMut::new(), info: None }
    }

    /// Whether the peer's NodeInfo is there and accepted.
    pub(super) const fn is_complete(&self) -> bool {
        self.info.is_some()
    }

    /// Whether ours was taken.
    pub(super) fn is_sent(&self, local: &LocalNode) -> bool {
        self.sent >= local.encoded().len()
    }

    /// Bytes of the peer's NodeInfo, and of the next frame, that came.
    pub(super) fn unread(&self, buf: &BytesMut) -> usize {
        self.opened.len().saturating_add(buf.len())
    }

    /// The next frame of our NodeInfo. It is sealed only when somebody takes it, so that a slow transport costs no memory.
    pub(super) fn next_frame(&mut self, local: &LocalNode) -> Option<Bytes> {
        let mut rest = local.encoded().get(self.sent..).filter(|rest| !rest.is_empty())?;
        let before = rest.len();
        let mut frame = BytesMut::with_capacity(FRAME_LEN);
        let sealed = self.connection.sealer.seal(&mut rest, &mut frame, FRAME_LEN);
        debug_assert_eq!(sealed, Ok(FRAME_LEN), "a dozen frames can always be sealed");
        self.sent = self.sent.saturating_add(before.saturating_sub(rest.len()));
        Some(frame.freeze())
    }

    /// Opens frames until the peer's NodeInfo is there, and checks it. Frames behind it stay sealed.
    pub(super) fn receive(&mut self, buf: &mut BytesMut, local: &LocalNode) -> Result<(), UpgradeError> {
        loop {
            // What came together with the authentication is there without a frame.
            let opened = self.connection.opener.open(buf, &mut self.opened, FRAME_DATA);
            match Received::read(&self.opened)? {
                Received::Whole { info, wire_len } => {
                    check(&info, local, &self.connection)?;
                    self.opened.advance(wire_len);
                    self.info = Some(info);
                    // A bad frame can not stand before the NodeInfo: frames are opened one by one.
                    return Ok(());
                }
                Received::Part { .. } if opened? == 0 => return Ok(()),
                Received::Part { .. } => {}
            }
        }
    }

    /// What comes of it, when all is there.
    pub(super) fn finish(self) -> Option<Upgraded> {
        let early = if self.opened.is_empty() { BytesMut::new() } else { self.opened };
        self.info.map(|info| Upgraded { connection: self.connection, info, early })
    }
}

/// The checks of `MultiplexTransport.upgrade` (`p2p/transport.go @ v0.38`), in its order. The first and the fourth are made
/// by the handshake already: that this is the node that was dialled, and that it is not ourselves.
fn check(info: &NodeInfo, local: &LocalNode, connection: &SecretConnection) -> Result<(), UpgradeError> {
    info.validate()?;
    let proven = connection.peer.id();
    // As texts: Go does not take the same id in capitals for the same.
    if info.node_id != alloc::format!("{proven}") {
        return Err(UpgradeError::OtherId { stated: info.node_id.clone(), proven });
    }
    local.info().compatible_with(info)?;
    Ok(())
}
