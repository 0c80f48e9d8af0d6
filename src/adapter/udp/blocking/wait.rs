//! A thread that waits for a future.

use alloc::sync::Arc;
use alloc::task::Wake;
use core::future::Future;
use core::pin::pin;
use core::task::{Context, Poll, Waker};
use core::time::Duration;
use std::thread::{self, Thread};

use crate::adapter::clock::Clock;

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// Waits until the future is ready.
pub(super) fn wait<T>(future: impl Future<Output = T>) -> T {
    let mut future = pin!(future);
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    loop {
        match future.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(value) => return value,
            Poll::Pending => thread::park(),
        }
    }
}

/// Waits until the future is ready; `None` when `timeout` is over before. The future is dropped then.
pub(super) fn wait_for<T>(future: impl Future<Output = T>, timeout: Duration) -> Option<T> {
    let mut future = pin!(future);
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let clock = Clock::<std::time::Instant>::start();
    let until = clock.now() + timeout;
    loop {
        match future.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(value) => return Some(value),
            Poll::Pending => match until - clock.now() {
                Duration::ZERO => return None,
                left => thread::park_timeout(left),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use core::future::{pending, poll_fn};

    #[test]
    fn it_waits_as_long_as_it_takes_and_no_longer_than_it_may() {
        assert_eq!(wait(core::future::ready(3)), 3);
        let mut polls = 0;
        let third = poll_fn(|context| {
            polls += 1;
            let waker = context.waker().clone();
            thread::spawn(move || waker.wake());
            if polls == 3 { Poll::Ready(()) } else { Poll::Pending }
        });
        wait(third);
        assert_eq!(wait_for(pending::<()>(), Duration::from_millis(20)), None);
        assert_eq!(wait_for(core::future::ready(3), Duration::ZERO), Some(3));
    }
}
