//! Taking a lock whatever happened to its last owner.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// Locks, also after a panic of somebody who held the lock.
///
/// Nothing of this crate panics while it holds one; a limiter or scheduler of the user might. Its panic then ends the driver
/// whose call it was, and with it this one connection; it must not spread to every task that still has a handle.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_of_the_last_owner_does_not_spread() {
        let mutex = Mutex::new(1);
        let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            let _guard = lock(&mutex);
            panic!("while the lock is held");
        }));
        assert!(panicked.is_err() && mutex.is_poisoned());
        assert_eq!(*lock(&mutex), 1);
    }
}
