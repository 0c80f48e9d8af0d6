use super::config::Config;
use super::fault::PeerFault;
use super::packet::*;
use super::sender::Class;
use crate::time::Instant;
use bytes::Bytes;
#[derive(Debug)]
pub(crate) struct Receiver;
pub(crate) enum Arrival {
    New,
    Duplicate,
    Refused,
}
impl Receiver {
    pub(crate) fn new(_: &Config) -> Self {
        todo!()
    }
    pub(crate) fn on_data(&mut self, _: Instant, _: u64, _: &[u8]) -> Result<Arrival, PeerFault> {
        todo!()
    }
    pub(crate) fn receive_with<R>(&mut self, _: impl FnOnce(Class, &[u8]) -> R) -> Option<R> {
        todo!()
    }
    pub(crate) fn take(&mut self) -> Option<(Class, Bytes)> {
        todo!()
    }
    pub(crate) fn read(&mut self, _: &mut [u8]) -> usize {
        todo!()
    }
    pub(crate) fn credit(&self) -> Credit {
        todo!()
    }
    pub(crate) fn credit_due(&self) -> bool {
        todo!()
    }
    pub(crate) fn credit_sent(&mut self) {}
    pub(crate) fn is_finished(&self) -> bool {
        false
    }
    pub(crate) fn has_messages(&self) -> bool {
        false
    }
    pub(crate) fn discard(&mut self) {}
    pub(crate) fn next_expected(&self) -> u64 {
        0
    }
    pub(crate) fn holes(&self) -> impl Iterator<Item = (u64, u64)> + '_ {
        core::iter::empty()
    }
    pub(crate) fn register_asap(&mut self, _: usize) {}
    pub(crate) fn poll_asap(&mut self) -> Option<Bytes> {
        None
    }
}
