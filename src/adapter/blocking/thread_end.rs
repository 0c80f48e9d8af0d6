//! The end of a thread, however it ends.

use super::shared::Shared;
use crate::wire::Codec;

/// Tells the others that a thread of the connection has ended when it is dropped, be it because the thread has panicked in
/// the `Read` or `Write` of the user: a dead thread must leave nobody waiting.
pub(super) struct ThreadEnd<'a, C: Codec> {
    shared: &'a Shared<C>,
    is_writer: bool,
}

impl<'a, C: Codec> ThreadEnd<'a, C> {
    pub(super) const fn reader(shared: &'a Shared<C>) -> Self {
        Self { shared, is_writer: false }
    }

    pub(super) const fn writer(shared: &'a Shared<C>) -> Self {
        Self { shared, is_writer: true }
    }
}

impl<C: Codec> Drop for ThreadEnd<'_, C> {
    fn drop(&mut self) {
        self.shared.thread_ends(self.is_writer);
    }
}
