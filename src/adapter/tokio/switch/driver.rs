//! The future that listens, dials, and watches the clock.

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::future::Future;
use core::pin::Pin;
use core::task::{Context, Poll};
use core::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use super::link::{Link, canonical};
use super::shared::{Core, Shared, Stop};
use crate::adapter::timer::Timer;
use crate::adapter::tokio::upgrade::ephemeral;
use crate::peer::PeerAddress;
use crate::peer::switch::ConnectionId;
use crate::time::Instant;

/// Connections that are accepted in one poll.
const ACCEPTS: usize = 16;

/// How long nobody is accepted after that has failed, for want of file descriptors mostly.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// A deadline that was missed by so much tells of a process that was held up.
const LATE: Duration = Duration::from_millis(100);

/// How long the sockets have then to tell what has come meanwhile.
const CATCH_UP: Duration = Duration::from_millis(1);

/// Listens, dials, and keeps the tasks of the connections, until the switch is stopped. Spawn it.
///
/// Dropping it ends all connections at once.
#[derive(Debug)]
#[must_use = "a switch does nothing unless its driver is spawned or polled"]
pub struct Driver {
    shared: Arc<Shared>,
    listener: Option<TcpListener>,
    accept_again_at: Option<Instant>,
    links: JoinSet<()>,
    timer: Timer,
    /// Deadlines were missed, and the sockets are being looked at before.
    catches_up: bool,
}

/// What was found under the lock.
struct Plan {
    dials: Vec<(ConnectionId, PeerAddress)>,
    deadline: Option<Instant>,
    stop: Stop,
}

impl Driver {
    pub(super) fn new(shared: Arc<Shared>, listener: Option<TcpListener>) -> Self {
        let (links, timer) = (JoinSet::new(), Timer::default());
        Self { shared, listener, accept_again_at: None, links, timer, catches_up: false }
    }

    /// Looks at deadlines, and what else is to be done.
    fn plan(&mut self, context: &Context<'_>) -> Plan {
        let catches_up = &mut self.catches_up;
        self.shared.act(|core, now| {
            let due = core.switch.poll_timeout().filter(|deadline| *deadline <= now);
            let late = due.is_some_and(|deadline| now.saturating_duration_since(deadline) >= LATE);
            *catches_up = late && !*catches_up;
            if due.is_some() && !*catches_up {
                core.switch.handle_timeout(now);
            }
            advance_stop(core, now);
        });
        // The lock was released, so that all that the switch wanted has been handed out.
        let mut core = self.shared.lock();
        let deadline = match self.catches_up {
            true => Some(self.shared.clock.now().saturating_add(CATCH_UP)),
            false => core.next_deadline(),
        };
        core.sleeps_until = [deadline, self.accept_again_at].into_iter().flatten().min();
        core.driver = Some(context.waker().clone());
        Plan { dials: core.dials.drain(..).collect(), deadline: core.sleeps_until, stop: core.stop }
    }

    /// Takes who has connected. Whether there may be more.
    fn poll_accept(&mut self, context: &mut Context<'_>) -> bool {
        let now = self.shared.clock.now();
        if self.accept_again_at.is_some_and(|at| now < at) {
            return false;
        }
        self.accept_again_at = None;
        for _ in 0..ACCEPTS {
            let Some(listener) = &self.listener else { return false };
            match listener.poll_accept(context) {
                Poll::Pending => return false,
                Poll::Ready(Ok((stream, remote))) => self.accepted(stream, canonical(remote)),
                Poll::Ready(Err(_)) => {
                    self.accept_again_at = Some(now.saturating_add(ACCEPT_PAUSE));
                    return true;
                }
            }
        }
        true
    }

    fn accepted(&mut self, stream: TcpStream, remote: core::net::SocketAddr) {
        // A socket that refuses this is broken, and the first read or write will tell.
        _ = stream.set_nodelay(true);
        let connection = self.shared.act(|core, now| {
            let accepted = ephemeral().ok().and_then(|secret| core.switch.accepted(now, remote, secret).ok());
            match accepted {
                Some(connection) => drop(core.wires.insert(connection, Default::default())),
                None => core.refused = core.refused.saturating_add(1),
            }
            accepted
        });
        if let Some(connection) = connection {
            self.links.spawn(Link::accepted(Arc::clone(&self.shared), connection, stream));
        }
    }

    /// Takes what has become of the links. A reactor that has panicked takes the driver with it.
    fn poll_links(&mut self, context: &mut Context<'_>) {
        while let Poll::Ready(Some(result)) = self.links.poll_join_next(context) {
            if let Err(error) = result
                && let Ok(panic) = error.try_into_panic()
            {
                std::panic::resume_unwind(panic);
            }
        }
    }
}

/// Goes on with stopping.
fn advance_stop(core: &mut Core, now: Instant) {
    match core.stop {
        Stop::Draining(until) => {
            let peers = core.switch.with(now, |context| context.peers().count());
            if peers == 0 || until <= now {
                core.switch.stop(now);
                core.stop = Stop::Flushing(until);
            }
        }
        Stop::Flushing(until) if until <= now => core.stop = Stop::Now,
        _ => {}
    }
}

impl Future for Driver {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let this = &mut *self;
        loop {
            let Plan { dials, deadline, stop } = this.plan(context);
            for (connection, address) in dials {
                this.links.spawn(Link::dial(Arc::clone(&this.shared), connection, address.at));
            }
            if stop != Stop::No {
                this.listener = None;
                this.accept_again_at = None;
            }
            if stop == Stop::Now {
                this.links.abort_all();
            }
            let more = this.poll_accept(context);
            this.poll_links(context);
            if matches!(stop, Stop::Flushing(_) | Stop::Now) && this.links.is_empty() {
                return Poll::Ready(());
            }
            let moment = deadline.and_then(|deadline| this.shared.clock.moment(deadline));
            if more {
                context.waker().wake_by_ref();
                return Poll::Pending;
            }
            if this.timer.poll(moment, context).is_pending() {
                return Poll::Pending;
            }
        }
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        let panicking = std::thread::panicking();
        self.shared.act(|core, now| {
            if !panicking {
                core.switch.stop(now);
            }
            core.stop = Stop::Done;
        });
        // The last events were told above.
        self.shared.lock().events = None;
        self.shared.stopped.notify_waiters();
        self.shared.room.notify_waiters();
    }
}
