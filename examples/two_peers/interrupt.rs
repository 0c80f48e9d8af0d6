//! Ctrl-c: close after flush, and at the second one at once.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::channel;
use std::task::Poll;
use std::thread;

use tokio::runtime::Builder;
use tokio::signal::ctrl_c;

/// Whether somebody has pressed ctrl-c.
#[derive(Clone, Debug, Default)]
pub(crate) struct Interrupt(Arc<AtomicBool>);

impl Interrupt {
    /// Calls `first` at the first ctrl-c, and `second` at the second.
    ///
    /// The signal is heard by a small runtime on a thread of its own, so that the peers on threads have it too.
    pub(crate) fn on_ctrl_c(first: impl FnOnce() + Send + 'static, second: impl FnOnce() + Send + 'static) -> Self {
        let interrupt = Self::default();
        let flag = interrupt.clone();
        let (listens, listening) = channel::<()>();
        thread::spawn(move || {
            let Ok(runtime) = Builder::new_current_thread().enable_io().build() else { return };
            runtime.block_on(async move {
                let mut pressed = pin!(ctrl_c());
                // The first poll is what begins to listen.
                let early = poll_fn(|context| Poll::Ready(pressed.as_mut().poll(context))).await;
                drop(listens);
                let pressed = match early {
                    Poll::Ready(pressed) => pressed,
                    Poll::Pending => pressed.await,
                };
                if pressed.is_ok() {
                    flag.0.store(true, Ordering::Relaxed);
                    first();
                }
                if ctrl_c().await.is_ok() {
                    second();
                }
            });
        });
        // Until the other end is dropped: from then on no ctrl-c is missed.
        _ = listening.recv();
        interrupt
    }

    pub(crate) fn happened(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}
