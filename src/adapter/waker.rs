//! Whom to wake.

use core::task::Waker;

/// Makes sure that this task is the one to wake.
#[inline]
pub(crate) fn remember(place: &mut Option<Waker>, waker: &Waker) {
    match place {
        // Copies nothing when it is the same task.
        Some(known) => known.clone_from(waker),
        None => *place = Some(waker.clone()),
    }
}
