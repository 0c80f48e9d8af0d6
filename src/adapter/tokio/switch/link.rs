//! One connection: the task that carries its bytes.

use alloc::boxed::Box;
use alloc::string::ToString;
use alloc::sync::Arc;
use core::future::Future;
use core::mem;
use core::net::SocketAddr;
use core::pin::Pin;
use core::task::{Context, Poll};
use core::time::Duration;

use tokio::net::TcpStream;

use super::shared::{Core, Shared, Stop};
use crate::adapter::DEFAULT_SEND_TIMEOUT;
use crate::adapter::timer::Timer;
use crate::adapter::tokio::finish::Finish;
use crate::adapter::tokio::transport::Transport;
use crate::adapter::tokio::upgrade::{DialError, ephemeral, open};
use crate::adapter::waker::remember;
use crate::peer::HostPort;
use crate::peer::switch::ConnectionId;
use crate::secret::FRAME_LEN;
use crate::time::Instant;

/// Rounds in one poll; then other connections get their turn.
const ROUNDS: usize = 2;

/// After so much silence the buffers are let go.
const IDLE: Duration = Duration::from_secs(10);

/// Who may send no more than this is most likely in its handshake, and need not keep empty buffers until it is known.
const STRANGER: usize = 2 * FRAME_LEN;

/// Carries the bytes of one connection between its socket and the switch.
pub(super) struct Link {
    shared: Arc<Shared>,
    connection: ConnectionId,
    state: State,
    timer: Timer,
    /// When the connection will have been silent for long; `None` when its buffers are let go.
    idle_at: Option<Instant>,
}

type Opening = Pin<Box<dyn Future<Output = Result<TcpStream, DialError>> + Send>>;

enum State {
    Dialling(Opening),
    Running(Transport<TcpStream>),
    Finishing(Finish<TcpStream>),
    Done,
}

/// What one round under the lock has found out.
enum Plan {
    HangUp { flush: bool, stop: Stop },
    Go { again: bool, budget: usize },
}

impl Link {
    /// Dials.
    pub(super) fn dial(shared: Arc<Shared>, connection: ConnectionId, at: HostPort) -> Self {
        let limit = shared.options.dial_timeout;
        let opening = Box::pin(async move { open(&at, limit).await });
        Self { shared, connection, state: State::Dialling(opening), timer: Timer::default(), idle_at: None }
    }

    /// Carries a connection that the switch has accepted.
    pub(super) fn accepted(shared: Arc<Shared>, connection: ConnectionId, stream: TcpStream) -> Self {
        let state = State::Running(Transport::new(stream, FRAME_LEN));
        Self { shared, connection, state, timer: Timer::default(), idle_at: None }
    }

    fn poll_dialling(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let State::Dialling(opening) = &mut self.state else { return Poll::Ready(()) };
        let mut core = self.shared.lock();
        match core.wires.get_mut(&self.connection) {
            Some(wire) if wire.hang_up.is_none() => wire.waker = Some(context.waker().clone()),
            _ => {
                core.wires.remove(&self.connection);
                drop(core);
                self.state = State::Done;
                return Poll::Ready(());
            }
        }
        drop(core);
        let Poll::Ready(opened) = opening.as_mut().poll(context) else { return Poll::Pending };
        match opened {
            Ok(stream) => self.begin(stream),
            Err(error) => self.give_up(&error.to_string()),
        }
        Poll::Ready(())
    }

    fn begin(&mut self, stream: TcpStream) {
        let opened = stream.peer_addr().and_then(|remote| Ok((remote, ephemeral()?)));
        match opened {
            Ok((remote, ephemeral)) => {
                let connection = self.connection;
                self.shared.act(|core, now| core.switch.dialled(now, connection, canonical(remote), ephemeral));
                self.state = State::Running(Transport::new(stream, FRAME_LEN));
            }
            Err(error) => self.give_up(&error.to_string()),
        }
    }

    fn give_up(&mut self, why: &str) {
        self.state = State::Done;
        let connection = self.connection;
        self.shared.act(|core, now| {
            core.wires.remove(&connection);
            core.switch.dial_failed(now, connection, why);
        });
    }

    /// One turn of the loop that drives a connection. Ready when there is a reason for another one at once.
    fn poll_round(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let State::Running(transport) = &mut self.state else { return Poll::Ready(()) };
        let connection = self.connection;
        let mut pulled = 0;
        let plan = self.shared.act(|core, now| advance(core, connection, transport, now, context, &mut pulled));
        if pulled > 0 {
            self.shared.room.notify_waiters();
        }
        let (again, budget) = match plan {
            Plan::Go { again, budget } => (again, budget),
            Plan::HangUp { flush, stop } => {
                self.hang_up(flush, stop);
                return Poll::Ready(());
            }
        };
        let wrote = transport.poll_write(context);
        let read = budget > 0 && transport.poll_read(budget, context);
        // A stream that can not be written any more may still hold what the peer said last; when nothing more comes, it ends.
        let failed = transport.failure.is_some();
        if failed && !read && !again {
            self.shared.act(|core, now| core.switch.transport_failed(now, connection));
        }
        if again || wrote || read || failed {
            self.idle_at = Some(self.shared.clock.now().saturating_add(IDLE));
            return Poll::Ready(());
        }
        if budget <= STRANGER {
            transport.release_idle_buffers();
        }
        let moment = self.idle_at.and_then(|at| self.shared.clock.moment(at));
        while self.timer.poll(moment, context).is_ready() {
            if self.idle_at.is_none_or(|at| at <= self.shared.clock.now()) {
                self.idle_at = None;
                transport.release_idle_buffers();
                break;
            }
        }
        Poll::Pending
    }

    fn hang_up(&mut self, flush: bool, stop: Stop) {
        let State::Running(transport) = mem::replace(&mut self.state, State::Done) else { return };
        if flush {
            let now = self.shared.clock.now();
            let limit = now.saturating_add(DEFAULT_SEND_TIMEOUT);
            let deadline = match stop {
                Stop::Draining(until) | Stop::Flushing(until) => until.min(limit),
                Stop::No | Stop::Now | Stop::Done => limit,
            };
            self.state = State::Finishing(Finish::new(transport, now, Some(deadline), None));
        }
    }
}

/// Tells the switch what has come, takes what it has to say to this peer, and looks what it wants.
fn advance(
    core: &mut Core,
    connection: ConnectionId,
    transport: &mut Transport<TcpStream>,
    now: Instant,
    context: &Context<'_>,
    pulled: &mut usize,
) -> Plan {
    let Core { switch, wires, stop, .. } = core;
    let Some(wire) = wires.get_mut(&connection) else { return Plan::HangUp { flush: false, stop: *stop } };
    if let Some(flush) = wire.hang_up {
        wires.remove(&connection);
        return Plan::HangUp { flush, stop: *stop };
    }
    let before = transport.inbound.len();
    if mem::take(&mut wire.feed) || before > 0 || transport.end {
        switch.received(now, connection, &mut transport.inbound, transport.end);
    }
    if wire.write
        && let Some((outbound, size)) = transport.next_batch()
    {
        *pulled = switch.transmit_into(now, connection, outbound, size);
        wire.write = *pulled > 0;
    }
    remember(&mut wire.waker, context.waker());
    let left = transport.inbound.len();
    let budget = switch.recv_budget(now, connection).saturating_sub(left);
    // What the switch wants of this connection wakes this task.
    Plan::Go { again: left < before && left > 0, budget }
}

impl Future for Link {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let this = &mut *self;
        for _ in 0..ROUNDS {
            match &mut this.state {
                State::Dialling(_) => {
                    if this.poll_dialling(context).is_pending() {
                        return Poll::Pending;
                    }
                }
                State::Running(_) => {
                    if this.poll_round(context).is_pending() {
                        return Poll::Pending;
                    }
                }
                State::Finishing(finish) => {
                    if finish.poll(&this.shared.clock, &mut this.timer, context).is_pending() {
                        return Poll::Pending;
                    }
                    this.state = State::Done;
                }
                State::Done => return Poll::Ready(()),
            }
        }
        if matches!(this.state, State::Done) {
            return Poll::Ready(());
        }
        context.waker().wake_by_ref();
        Poll::Pending
    }
}

impl Drop for Link {
    /// The task was aborted: the switch must not wait for its connection.
    fn drop(&mut self) {
        let connection = self.connection;
        match mem::replace(&mut self.state, State::Done) {
            // After a panic of a reactor nobody knows what the switch is worth.
            _ if std::thread::panicking() => {}
            State::Done | State::Finishing(_) => {}
            State::Dialling(_) => self.give_up("this node is stopping"),
            State::Running(_) => self.shared.act(|core, now| {
                core.switch.transport_failed(now, connection);
                core.wires.remove(&connection);
            }),
        }
    }
}

/// An IPv4 address that is mapped into IPv6, as a listener for both gives it, as what it is.
pub(super) fn canonical(address: SocketAddr) -> SocketAddr {
    SocketAddr::new(address.ip().to_canonical(), address.port())
}
