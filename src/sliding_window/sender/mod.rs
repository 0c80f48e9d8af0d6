mod error;
mod options;
use super::config::Config;
use super::event::FlushMark;
use super::fault::PeerFault;
use super::packet::*;
use crate::time::Instant;
use bytes::Bytes;
pub use error::*;
pub use options::*;
#[derive(Debug)]
pub(crate) struct Sender;
pub(crate) struct Next {
    pub(crate) segment: u64,
    pub(crate) resent: bool,
}
impl Sender {
    pub(crate) fn new(_: &Config) -> Self {
        todo!()
    }
    pub(crate) fn try_send(&mut self, _: Instant, _: Bytes, _: &SendOptions) -> Result<MessageId, SendError> {
        todo!()
    }
    pub(crate) fn may_send(&self, _: usize) -> Result<(), SendRefusal> {
        todo!()
    }
    pub(crate) fn write(&mut self, _: Instant, _: &[u8]) -> Result<usize, SendRefusal> {
        todo!()
    }
    pub(crate) fn finish(&mut self) {}
    pub(crate) fn next(&mut self, _: Instant, _: usize) -> Option<Next> {
        todo!()
    }
    pub(crate) fn encode(&self, _: u64, _: u32, _: &mut Writer<'_>) {}
    pub(crate) fn encoded_len(&self, _: u64) -> usize {
        0
    }
    pub(crate) fn on_acked(&mut self, _: u64) {}
    pub(crate) fn on_lost(&mut self, _: u64) {}
    pub(crate) fn on_credit(&mut self, _: Instant, _: Credit) {}
    pub(crate) fn on_consumed(&mut self, _: u64) -> Result<(), PeerFault> {
        todo!()
    }
    pub(crate) fn has_work(&self) -> bool {
        false
    }
    pub(crate) fn is_blocked_by_credit(&self) -> bool {
        false
    }
    pub(crate) fn is_flushed(&self, _: FlushMark) -> bool {
        false
    }
    pub(crate) fn mark(&self) -> FlushMark {
        todo!()
    }
    pub(crate) fn probe_segment(&self) -> Option<u64> {
        None
    }
    pub(crate) fn clear(&mut self) {}
    pub(crate) fn is_finished(&self) -> bool {
        false
    }
    pub(crate) fn unacked_messages(&self) -> usize {
        0
    }
    pub(crate) fn expire(&mut self, _: Instant) {}
    pub(crate) fn expiry_deadline(&self) -> Option<Instant> {
        None
    }
    pub(crate) fn next_expired(&mut self) -> Option<MessageId> {
        None
    }
    pub(crate) fn next_receipt(&mut self) -> Option<MessageId> {
        None
    }
    pub(crate) fn take_writable(&mut self) -> bool {
        false
    }
    pub(crate) fn set_peer_limits(&mut self, _: u64) {}
    pub(crate) fn resume(&mut self, _: u64, _: &[core::ops::Range<u64>]) {}
}
