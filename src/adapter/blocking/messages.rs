//! The handle that receives.

use alloc::collections::VecDeque;
use alloc::sync::Arc;
use core::time::Duration;
use std::sync::mpsc::{RecvTimeoutError, TryRecvError};

use bytes::Bytes;

use super::connection::Owner;
use super::state::Core;
use crate::wire::{AnyCodec, Codec};

/// The messages of the peer, with their channels, in the order of their completion. An iterator that ends when the connection
/// has ended and all is taken.
#[derive(Debug)]
pub struct Messages<C: Codec = AnyCodec> {
    owner: Arc<Owner<C>>,
    /// Taken under one lock, to be given out one by one.
    taken: VecDeque<(u8, Bytes)>,
}

/// How much is taken under one lock.
const BATCH_MESSAGES: usize = 256;
const BATCH_BYTES: usize = 256 << 10;

impl<C: Codec> Messages<C> {
    pub(super) const fn new(owner: Arc<Owner<C>>) -> Self {
        Self { owner, taken: VecDeque::new() }
    }

    /// Waits for the next message; `None` when the connection has ended and all is taken. The same as `next`.
    #[inline]
    pub fn recv(&mut self) -> Option<(u8, Bytes)> {
        self.receive(None)
    }

    /// Waits for the next message, no longer than `timeout`.
    ///
    /// # Errors
    /// `Timeout`, or `Disconnected` when the connection has ended and all is taken.
    pub fn recv_timeout(&mut self, timeout: Duration) -> Result<(u8, Bytes), RecvTimeoutError> {
        self.receive(Some(timeout)).ok_or_else(|| match self.owner.shared.lock().has_ended() {
            true => RecvTimeoutError::Disconnected,
            false => RecvTimeoutError::Timeout,
        })
    }

    /// Takes the next message if there is one.
    ///
    /// # Errors
    /// `Empty`, or `Disconnected` when the connection has ended and all is taken.
    pub fn try_recv(&mut self) -> Result<(u8, Bytes), TryRecvError> {
        self.recv_timeout(Duration::ZERO).map_err(|error| match error {
            RecvTimeoutError::Timeout => TryRecvError::Empty,
            RecvTimeoutError::Disconnected => TryRecvError::Disconnected,
        })
    }

    #[inline]
    fn receive(&mut self, timeout: Option<Duration>) -> Option<(u8, Bytes)> {
        match self.taken.pop_front() {
            Some(message) => Some(message),
            None => self.receive_batch(timeout),
        }
    }

    fn receive_batch(&mut self, timeout: Option<Duration>) -> Option<(u8, Bytes)> {
        let shared = &self.owner.shared;
        let mut until = None;
        let mut core = shared.lock();
        loop {
            if let Some(first) = core.next_message() {
                take_batch(&mut core, &mut self.taken, first.1.len());
                shared.unlock(core);
                return Some(first);
            }
            if core.has_ended() {
                return None;
            }
            let left = match timeout {
                Some(timeout) => {
                    let now = shared.clock.now();
                    let left = *until.get_or_insert(now + timeout) - now;
                    if left == Duration::ZERO {
                        return None;
                    }
                    Some(left)
                }
                None => None,
            };
            core = shared.sleep_for_message(core, left);
        }
    }
}

fn take_batch<C: Codec>(core: &mut Core<C>, into: &mut VecDeque<(u8, Bytes)>, mut bytes: usize) {
    while into.len() < BATCH_MESSAGES && bytes < BATCH_BYTES {
        let Some(message) = core.next_message() else { break };
        bytes = bytes.saturating_add(message.1.len());
        into.push_back(message);
    }
}

impl<C: Codec> Iterator for Messages<C> {
    type Item = (u8, Bytes);

    /// Waits for the next message; `None` when the connection has ended and all is taken.
    #[inline]
    fn next(&mut self) -> Option<(u8, Bytes)> {
        self.receive(None)
    }
}

impl<C: Codec> Drop for Messages<C> {
    fn drop(&mut self) {
        let mut core = self.owner.shared.lock();
        core.discard_messages();
        self.owner.shared.unlock(core);
    }
}
