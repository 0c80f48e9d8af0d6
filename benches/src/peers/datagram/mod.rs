//! Peers that carry messages or bytes reliably over datagrams: both ends on one thread, nothing is lost.

pub mod enet;
pub mod kcp;
pub mod quinn;
pub mod smoltcp;

/// The largest datagram that any of them may send, in bytes.
pub const MTU: usize = 1200;
/// Messages that may be on their way, where a peer counts messages.
pub const WINDOW: u16 = 1024;

/// Datagrams on their way in one direction, one after another in one buffer.
#[derive(Debug, Default)]
pub struct Pipe {
    bytes: Vec<u8>,
    ends: Vec<usize>,
}

impl Pipe {
    /// Takes a datagram.
    pub fn push(&mut self, datagram: &[u8]) {
        self.bytes.extend_from_slice(datagram);
        self.ends.push(self.bytes.len());
    }

    /// Hands all datagrams over, and is empty then.
    pub fn deliver(&mut self, mut to: impl FnMut(&[u8])) {
        let mut start = 0;
        for &end in &self.ends {
            to(&self.bytes[start..end]);
            start = end;
        }
        self.bytes.clear();
        self.ends.clear();
    }
}
