//! Our end on a loop of our own: one thread, one socket that does not block. It carries sealed connections.

use std::collections::VecDeque;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, SyncSender, TryRecvError, channel, sync_channel};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use bytes::{Buf, Bytes, BytesMut};
use mconn::connection::{CloseReason, Input, MConnConfig, SendRefusal, Status};
use mconn::machine::Machine;
use mconn::peer::{
    Event, LocalNode, NodeInfo, Origin, Peer, PeerClosed, Upgrade, UpgradeConfig, UpgradeError, UpgradeEvent, Upgraded,
};
use mconn::secret::{self, ExpectedPeer};
use mconn::time::Instant;
use mio::{Events, Interest, Poll, Token, Waker};

use crate::go_peer::PATIENCE;
use crate::our_end::Ended;
use crate::sealed::{Clock, ephemeral, read};

enum Command {
    Send(Waiting),
    Close,
    CloseAfterFlush,
    Status(SyncSender<Status>),
}

/// A message for which there may be no room yet.
struct Waiting {
    channel: u8,
    message: Bytes,
    accepted: SyncSender<()>,
}

#[derive(Default)]
struct Shared {
    ended: Mutex<Option<(Ended, Status)>>,
    has_ended: Condvar,
    /// Messages that the loop has handed over and nobody has received.
    handed_over: AtomicUsize,
}

/// What tells the loop to do something.
#[derive(Clone)]
pub(crate) struct Handle {
    commands: Sender<Command>,
    waker: Arc<Waker>,
    shared: Arc<Shared>,
}

/// A connection on a thread of its own.
pub(crate) struct ByHand {
    pub(crate) handle: Handle,
    messages: Receiver<(u8, Bytes)>,
    /// What the other node says of itself.
    pub(crate) info: NodeInfo,
}

struct Loop {
    machine: Peer,
    clock: Clock,
    stream: mio::net::TcpStream,
    poll: Poll,
    commands: Receiver<Command>,
    waiting: VecDeque<Waiting>,
    messages: Sender<(u8, Bytes)>,
    shared: Arc<Shared>,
    /// How many messages may be handed over before one is received.
    inbox: usize,
    /// A wake-up is lost with the last of these.
    _waker: Arc<Waker>,
}

impl ByHand {
    /// Shakes hands as this node, and drives the peer from then on.
    pub(crate) fn upgrade(
        stream: TcpStream,
        config: MConnConfig,
        local: LocalNode,
        expected: ExpectedPeer,
    ) -> Result<Self, UpgradeError> {
        let (upgraded, inbound, stream) = upgrade(stream, local, expected)?;
        let (clock, inbox, info) = (Clock::start(), config.inbox_messages, upgraded.node_info().clone());
        let machine = Peer::new(upgraded, Origin::inbound(), config, clock.now()).unwrap();
        Ok(Self::start(machine, clock, stream, inbound, inbox, info))
    }

    /// Drives the machine over the stream; `inbound` was read already.
    fn start(machine: Peer, clock: Clock, stream: TcpStream, inbound: BytesMut, inbox: usize, info: NodeInfo) -> Self {
        stream.set_nonblocking(true).unwrap();
        let mut stream = mio::net::TcpStream::from_std(stream);
        let poll = Poll::new().unwrap();
        poll.registry().register(&mut stream, Token(0), Interest::READABLE | Interest::WRITABLE).unwrap();
        let waker = Arc::new(Waker::new(poll.registry(), Token(1)).unwrap());
        let (commands, todo) = channel();
        let (messages, received) = channel();
        let shared = Arc::<Shared>::default();
        let handle = Handle { commands, waker, shared: Arc::clone(&shared) };
        let (waiting, _waker) = (VecDeque::new(), Arc::clone(&handle.waker));
        let driver = Loop { machine, clock, stream, poll, commands: todo, waiting, messages, shared, inbox, _waker };
        std::thread::spawn(move || driver.run(inbound));
        Self { handle, messages: received, info }
    }

    /// The next message; `None` when the connection has ended.
    pub(crate) fn recv(&self) -> Option<(u8, Bytes)> {
        match self.messages.recv_timeout(PATIENCE) {
            Ok(message) => {
                self.handle.shared.handed_over.fetch_sub(1, Ordering::Relaxed);
                self.handle.wake();
                Some(message)
            }
            Err(std::sync::mpsc::RecvTimeoutError::Disconnected) => None,
            Err(timeout) => panic!("no message: {timeout}"),
        }
    }

    pub(crate) fn closed_within(&self, time: Duration) -> Option<Ended> {
        let ended = self.handle.shared.ended.lock().unwrap();
        let (ended, _) = self.handle.shared.has_ended.wait_timeout_while(ended, time, |ended| ended.is_none()).unwrap();
        ended.as_ref().map(|(ended, _)| ended.clone())
    }
}

impl Drop for ByHand {
    fn drop(&mut self) {
        self.handle.close();
    }
}

/// Shakes hands as this node. Also gives what has come behind.
pub(crate) fn upgrade(
    mut stream: TcpStream,
    local: LocalNode,
    expected: ExpectedPeer,
) -> Result<(Upgraded, BytesMut, TcpStream), UpgradeError> {
    let (clock, mut inbound) = (Clock::start(), BytesMut::new());
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let config = UpgradeConfig::default();
    let mut upgrade = Upgrade::new(Arc::new(local), ephemeral(), expected, config, clock.now());
    let mut end = false;
    loop {
        upgrade.handle(clock.now(), secret::Input::Received { buf: &mut inbound, end });
        while let Some(output) = upgrade.poll_transmit(clock.now()) {
            if stream.write_all(&output).is_err() {
                upgrade.handle(clock.now(), secret::Input::TransportFailed);
            }
        }
        match upgrade.poll_event() {
            Some(UpgradeEvent::Established(upgraded)) => return Ok((upgraded, inbound, stream)),
            Some(UpgradeEvent::Closed(error)) => return Err(error),
            Some(other) => panic!("{other:?}"),
            None => {}
        }
        match read(&mut stream, &mut inbound) {
            Ok(more) => end = !more,
            Err(_) => upgrade.handle(clock.now(), secret::Input::TransportFailed),
        }
    }
}

impl Handle {
    fn wake(&self) {
        self.waker.wake().unwrap();
    }

    fn tell(&self, command: Command) {
        // Whoever waits for an answer sees that the loop has ended.
        let _ = self.commands.send(command);
        self.wake();
    }

    /// Waits for room.
    pub(crate) fn send(&self, channel: u8, message: Bytes) {
        let (accepted, answer) = sync_channel(1);
        self.tell(Command::Send(Waiting { channel, message, accepted }));
        answer.recv_timeout(PATIENCE).expect("the message is not accepted");
    }

    pub(crate) fn close(&self) {
        self.tell(Command::Close);
    }

    pub(crate) fn close_after_flush(&self) {
        self.tell(Command::CloseAfterFlush);
    }

    pub(crate) fn status(&self) -> Status {
        let (status, answer) = sync_channel(1);
        self.tell(Command::Status(status));
        answer.recv_timeout(PATIENCE).unwrap_or_else(|_| self.shared.ended.lock().unwrap().as_ref().unwrap().1.clone())
    }
}

impl Loop {
    fn run(mut self, mut inbound: BytesMut) {
        let (mut outbound, mut end, mut space) = (BytesMut::new(), false, vec![0; 65_536]);
        let (mut ready, mut failed) = (Events::with_capacity(8), false);
        let ended = loop {
            let (now, before) = (self.clock.now(), inbound.len());
            self.machine.handle_timeout(now);
            if failed {
                self.machine.handle(now, Input::TransportFailed);
            }
            self.machine.handle(now, Input::Received { buf: &mut inbound, end });
            let mut progress = inbound.len() < before;
            progress |= self.follow_commands(now);
            if let Some(ended) = self.hand_over(&mut progress) {
                break ended;
            }
            if outbound.is_empty() {
                self.machine.transmit_into(now, &mut outbound, 65_536);
            }
            match unless_it_would_block(self.stream.write(&outbound)) {
                Ok(written) => {
                    outbound.advance(written);
                    progress |= written > 0;
                }
                Err(_) => (failed, progress) = (true, true),
            }
            let budget = self.machine.recv_budget(now).saturating_sub(inbound.len()).min(space.len());
            if budget > 0 && !end {
                match self.stream.read(&mut space[..budget]) {
                    Ok(read) => {
                        inbound.extend_from_slice(&space[..read]);
                        (end, progress) = (read == 0, true);
                    }
                    Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                    Err(_) => (failed, progress) = (true, true),
                }
            }
            if !progress {
                let deadline = self.machine.poll_timeout().map(|(deadline, _why)| deadline - now);
                self.poll.poll(&mut ready, deadline).or_else(unless_interrupted).unwrap();
            }
        };
        let status = self.machine.status(self.clock.now());
        let flushed = ended.reason == CloseReason::Flushed;
        *self.shared.ended.lock().unwrap() = Some((ended, status));
        self.shared.has_ended.notify_all();
        let stream = TcpStream::from(self.stream);
        drop((self.messages, self.waiting, self.commands));
        if flushed {
            say_goodbye(stream, &outbound);
        }
    }

    /// Does what it was told and what has waited for room.
    fn follow_commands(&mut self, now: Instant) -> bool {
        let mut progress = false;
        loop {
            match self.commands.try_recv() {
                Ok(Command::Send(waiting)) => self.waiting.push_back(waiting),
                Ok(Command::Close) | Err(TryRecvError::Disconnected) => self.machine.handle(now, Input::Close),
                Ok(Command::CloseAfterFlush) => {
                    self.machine.handle(now, Input::CloseAfterFlush { deadline: Some(now + PATIENCE) });
                }
                Ok(Command::Status(answer)) => answer.send(self.machine.status(now)).unwrap(),
                Err(TryRecvError::Empty) => break,
            }
            progress = true;
            if self.machine.has_ended() {
                break;
            }
        }
        let mut full = Vec::new();
        for Waiting { channel, message, accepted } in std::mem::take(&mut self.waiting) {
            let result = if full.contains(&channel) { Err(message) } else { self.try_send(channel, message) };
            match result {
                Ok(()) => {
                    progress = true;
                    let _ = accepted.send(());
                }
                Err(message) => {
                    full.push(channel);
                    self.waiting.push_back(Waiting { channel, message, accepted });
                }
            }
        }
        progress
    }

    /// Gives the message back when there is no room for it now.
    fn try_send(&mut self, channel: u8, message: Bytes) -> Result<(), Bytes> {
        self.machine.try_send(channel, message).map_err(|error| match error.refusal {
            SendRefusal::Full { .. } | SendRefusal::Closing | SendRefusal::Closed => error.message,
            other => panic!("{other}"),
        })
    }

    fn hand_over(&mut self, progress: &mut bool) -> Option<Ended> {
        while self.shared.handed_over.load(Ordering::Relaxed) < self.inbox {
            match self.machine.poll_event()? {
                Event::Message { channel, payload } => {
                    *progress = true;
                    self.shared.handed_over.fetch_add(1, Ordering::Relaxed);
                    // A test that is done receives no more.
                    let _ = self.messages.send((channel, payload));
                }
                Event::Closed(PeerClosed::Connection(reason)) => return Some(Ended::new(reason)),
                other => panic!("{other:?}"),
            }
        }
        None
    }
}

/// Writes the rest, and waits until the peer has read it: with bytes unread, a socket that closes takes back what it sent.
pub(crate) fn say_goodbye(mut stream: TcpStream, rest: &[u8]) {
    let goodbye = || -> io::Result<()> {
        stream.set_nonblocking(false)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.write_all(rest)?;
        stream.shutdown(Shutdown::Write)?;
        io::copy(&mut stream, &mut io::sink()).map(|_| ())
    };
    // A peer that is gone misses it.
    let _ = { goodbye }();
}

pub(crate) fn unless_it_would_block(result: io::Result<usize>) -> io::Result<usize> {
    result.or_else(|error| if error.kind() == ErrorKind::WouldBlock { Ok(0) } else { Err(error) })
}

pub(crate) fn unless_interrupted(error: io::Error) -> io::Result<()> {
    if error.kind() == ErrorKind::Interrupted { Ok(()) } else { Err(error) }
}
