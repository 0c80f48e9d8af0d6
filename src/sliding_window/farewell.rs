//! What answers for a session that has ended and whose peer may not know it.

use bytes::Bytes;

use super::packet::{Frame, Packet, decode, destination};
use crate::time::Instant;

/// Answers a peer that goes on with a session which we have ended.
///
/// The peer was told once, when the session ended; if that was lost, it goes on until it takes us for dead. So whoever has ended a
/// session may keep this for a while ([`SlidingWindow::farewell`](super::SlidingWindow::farewell)), give it what still comes, and send
/// what it says. An [`Endpoint`](super::endpoint::Endpoint) does so for its sessions, and so do the drivers of this crate.
///
/// ```
/// use mconn::machine::Machine;
/// use mconn::sliding_window::{CloseReason, Config, Event, Input, SlidingWindow};
/// use mconn::time::Instant;
///
/// # let now = Instant::ZERO;
/// # let mut alice = SlidingWindow::connect(Config::new(0x1c0d_84ae_77f1_93b2, 1), now)?;
/// # let mut bob = SlidingWindow::listen(Config::new(0x6e02_55d9_0b3c_a741, 2), now)?;
/// # while !bob.is_connected() {
/// #     while let Some(datagram) = alice.poll_transmit(now) {
/// #         bob.handle(now, Input::Datagram(&datagram));
/// #     }
/// #     while let Some(datagram) = bob.poll_transmit(now) {
/// #         alice.handle(now, Input::Datagram(&datagram));
/// #     }
/// # }
/// alice.handle(now, Input::Abort { code: 1, text: "enough" });
/// let _lost = alice.poll_transmit(now);
/// while alice.poll_event().is_some() {}
/// let mut farewell = alice.farewell().expect("the peer may not know it");
///
/// bob.probe(now);
/// let asks = bob.poll_transmit(now).unwrap();
/// let answer = farewell.answer(&asks).unwrap();
/// bob.handle(now, Input::Datagram(&answer));
/// assert!(!bob.is_connected());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Farewell {
    tag: u64,
    checks: bool,
    datagram: Bytes,
    until: Instant,
    /// Packets of the session that have come.
    heard: u32,
}

impl Farewell {
    /// What `datagram` says to a peer that calls us by `tag`. With `checks` a packet of the peer has a check.
    pub(crate) const fn new(tag: u64, checks: bool, datagram: Bytes, until: Instant) -> Self {
        Self { tag, checks, datagram, until, heard: 0 }
    }

    /// What the peer was told.
    pub(crate) const fn datagram(&self) -> &Bytes {
        &self.datagram
    }

    /// Our tag in the session that has ended: what the peer puts on every packet.
    #[must_use]
    pub const fn tag(&self) -> u64 {
        self.tag
    }

    /// Until when to keep it: the configured `linger`, counted from the end. A peer that has nothing to say is heard only when its
    /// keepalive is due, so that longer is better where it costs nothing.
    #[must_use]
    pub const fn until(&self) -> Instant {
        self.until
    }

    /// What to send when this datagram has come from where the peer was; `None` when it shows no peer that goes on, or enough was
    /// said.
    ///
    /// The first packet is answered, the second, the fourth, the eighth and so on (RFC 9000 section 10.2.1). An answer has at most
    /// 282 bytes, and no answer is answered.
    pub fn answer(&mut self, datagram: &[u8]) -> Option<Bytes> {
        if destination(datagram) != Some(self.tag) || !self.goes_on(datagram) {
            return None;
        }
        self.heard = self.heard.saturating_add(1);
        self.heard.is_power_of_two().then(|| self.datagram.clone())
    }

    /// Whether it is of a peer that does not know of the end.
    fn goes_on(&self, datagram: &[u8]) -> bool {
        match decode(datagram) {
            Ok(Packet::Frames(packet)) => {
                let goes_on = |frame| matches!(frame, Ok(frame) if !matches!(frame, Frame::Abort { .. }));
                (packet.checked || !self.checks) && packet.frames().all(goes_on)
            }
            Ok(Packet::SynAck { .. }) => true,
            _ => false,
        }
    }
}
