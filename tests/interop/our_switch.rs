//! Our switch on a loop of our own: one thread, sockets that do not block, and a reactor that tells what happens to it.

use std::collections::BTreeMap;
use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel, sync_channel};

use bytes::{Buf, Bytes, BytesMut};
use mconn::connection::ChannelConfig;
use mconn::peer::switch::{Command, ConnectionId, Context, EndReason, Event, Switch, SwitchConfig};
use mconn::peer::{NodeInfo, PeerAddress, Reactor};
use mconn::secret::NodeId;
use mconn::time::{Duration, Instant};
use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Token, Waker};

use crate::by_hand::{say_goodbye, unless_interrupted, unless_it_would_block};
use crate::go_peer::PATIENCE;
use crate::sealed::{Clock, NETWORK, ephemeral, node};

const LISTENER: Token = Token(0);
const WAKER: Token = Token(1);
const CONNECTIONS: Token = Token(2);

/// What our reactor and our switch tell.
#[derive(Debug)]
pub(crate) enum Told {
    Added { peer: NodeId, outbound: bool, info: NodeInfo },
    Removed { peer: NodeId, reason: EndReason },
    Received { channel: u8, message: Bytes },
    DialEnded { reason: EndReason },
    Switch(Event),
}

/// What somebody does to the switch, on its thread.
type Act = Box<dyn FnOnce(&mut Switch, Instant) + Send>;

/// A running switch. Dropped, it is gone as if it had been killed.
pub(crate) struct OurSwitch {
    acts: Sender<Act>,
    waker: Arc<Waker>,
    told: Receiver<Told>,
    pub(crate) id: NodeId,
    pub(crate) port: u16,
}

/// Tells what happens to it.
struct Teller {
    channels: Vec<ChannelConfig>,
    tell: Sender<Told>,
}

impl Teller {
    fn tell(&self, told: Told) {
        // A test that is done listens no more.
        let _ = self.tell.send(told);
    }
}

impl Reactor for Teller {
    fn channels(&self) -> Vec<ChannelConfig> {
        self.channels.clone()
    }

    fn add_peer(&mut self, context: &mut Context<'_>, peer: NodeId) {
        let found = context.peer(&peer).unwrap();
        self.tell(Told::Added { peer, outbound: found.is_outbound(), info: found.node_info().clone() });
    }

    fn receive(&mut self, _: &mut Context<'_>, _: NodeId, channel: u8, message: Bytes) {
        self.tell(Told::Received { channel, message });
    }

    fn remove_peer(&mut self, _: &mut Context<'_>, peer: NodeId, reason: &EndReason) {
        self.tell(Told::Removed { peer, reason: reason.clone() });
    }

    fn dial_ended(&mut self, _: &mut Context<'_>, _: &PeerAddress, reason: &EndReason) {
        self.tell(Told::DialEnded { reason: reason.clone() });
    }
}

/// Several peers at one address, and dials that follow each other soon.
pub(crate) fn config() -> SwitchConfig {
    let mut config = SwitchConfig::default();
    config.limits.allow_duplicate_ip = true;
    config.backoff.interval = Duration::from_millis(200);
    config.backoff.jitter = Duration::from_millis(100);
    config
}

impl OurSwitch {
    /// The node of that name, on a free port.
    pub(crate) fn run(name: &str, channels: &[(u8, u32)], config: SwitchConfig) -> Self {
        Self::run_on(0, name, channels, config)
    }

    pub(crate) fn run_on(port: u16, name: &str, channels: &[(u8, u32)], config: SwitchConfig) -> Self {
        let channels = channels.iter().map(|&(id, priority)| ChannelConfig::new(id, priority)).collect();
        Self::run_in(NETWORK, port, name, channels, config)
    }

    /// The same in another network.
    pub(crate) fn run_in(
        network: &str,
        port: u16,
        name: &str,
        channels: Vec<ChannelConfig>,
        config: SwitchConfig,
    ) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", port)).unwrap();
        listener.set_nonblocking(true).unwrap();
        let port = listener.local_addr().unwrap().port();
        let (tell, told) = channel();
        let local = node(name, []);
        let mut info = NodeInfo::new(local.id(), network, []);
        info.listen_addr = format!("127.0.0.1:{port}");
        let mut builder = Switch::builder(local.key().clone(), info).config(config);
        builder.add_reactor(Teller { channels, tell: tell.clone() }).unwrap();
        let clock = Clock::start();
        let switch = builder.build(7, clock.now()).unwrap();

        let poll = Poll::new().unwrap();
        let waker = Arc::new(Waker::new(poll.registry(), WAKER).unwrap());
        let mut listener = mio::net::TcpListener::from_std(listener);
        poll.registry().register(&mut listener, LISTENER, Interest::READABLE).unwrap();
        let (acts, todo) = channel();
        let _waker = Arc::clone(&waker);
        let connections = BTreeMap::new();
        let driver = Loop { switch, clock, poll, listener, acts: todo, tell, connections, _waker };
        std::thread::spawn(move || driver.run());
        Self { acts, waker, told, id: local.id(), port }
    }

    pub(crate) fn address(&self) -> String {
        format!("{}@127.0.0.1:{}", self.id, self.port)
    }

    /// Does something to the switch.
    fn act<T: Send + 'static>(&self, act: impl FnOnce(&mut Switch, Instant) -> T + Send + 'static) -> T {
        let (result, answer) = sync_channel(1);
        let act = Box::new(move |switch: &mut Switch, now| {
            let _ = result.send(act(switch, now));
        });
        self.acts.send(act).expect("the loop runs");
        self.waker.wake().unwrap();
        answer.recv_timeout(PATIENCE).unwrap()
    }

    /// The same with its context.
    pub(crate) fn with<T: Send + 'static>(&self, act: impl FnOnce(&mut Context<'_>) -> T + Send + 'static) -> T {
        self.act(|switch, now| switch.with(now, act))
    }

    pub(crate) fn add_persistent_peer(&self, address: PeerAddress) -> bool {
        self.act(|switch, now| switch.add_persistent_peer(now, address))
    }

    /// The next thing told that is wanted. What comes before it is lost.
    pub(crate) fn until<T>(&self, what: &str, mut wanted: impl FnMut(Told) -> Option<T>) -> T {
        loop {
            let told = self.told.recv_timeout(PATIENCE).unwrap_or_else(|_| panic!("in vain: {what}"));
            if let Some(found) = wanted(told) {
                return found;
            }
        }
    }

    pub(crate) fn until_added(&self, id: &str) -> (bool, NodeInfo) {
        self.until("a peer that is added", |told| match told {
            Told::Added { peer, outbound, info } if peer.to_string() == id => Some((outbound, info)),
            _ => None,
        })
    }

    pub(crate) fn until_removed(&self, id: &str) -> EndReason {
        self.until("a peer that is removed", |told| match told {
            Told::Removed { peer, reason } if peer.to_string() == id => Some(reason),
            _ => None,
        })
    }

    pub(crate) fn peers(&self) -> Vec<String> {
        self.with(|context| context.peers().map(|peer| peer.id().to_string()).collect())
    }
}

impl Drop for OurSwitch {
    fn drop(&mut self) {
        // The loop ends when it sees that nobody can act any more.
        self.acts = channel().0;
        self.waker.wake().unwrap();
    }
}

struct Loop {
    switch: Switch,
    clock: Clock,
    poll: Poll,
    listener: mio::net::TcpListener,
    acts: Receiver<Act>,
    tell: Sender<Told>,
    connections: BTreeMap<ConnectionId, Connection>,
    /// A wake-up is lost with the last of these.
    _waker: Arc<Waker>,
}

struct Connection {
    stream: TcpStream,
    inbound: BytesMut,
    outbound: BytesMut,
    /// Whether nothing can come any more.
    end: bool,
    failed: bool,
}

impl Loop {
    fn run(mut self) {
        let mut ready = Events::with_capacity(64);
        loop {
            loop {
                match self.acts.try_recv() {
                    Ok(act) => act(&mut self.switch, self.clock.now()),
                    Err(std::sync::mpsc::TryRecvError::Empty) => break,
                    Err(std::sync::mpsc::TryRecvError::Disconnected) => return,
                }
            }
            self.switch.handle_timeout(self.clock.now());
            let mut progress = self.accept();
            let all: Vec<_> = self.connections.keys().copied().collect();
            for connection in all {
                progress |= self.read(connection) | self.write(connection);
            }
            while let Some(command) = self.switch.poll_command() {
                progress = true;
                self.follow(command);
            }
            while let Some(event) = self.switch.poll_event() {
                let _ = self.tell.send(Told::Switch(event));
            }
            if !progress {
                let deadline = self.switch.poll_timeout().map(|deadline| deadline - self.clock.now());
                self.poll.poll(&mut ready, deadline).or_else(unless_interrupted).unwrap();
            }
        }
    }

    fn accept(&mut self) -> bool {
        let Ok((stream, remote)) = self.listener.accept() else { return false };
        // Who is not wanted finds the stream closed.
        if let Ok(connection) = self.switch.accepted(self.clock.now(), remote, ephemeral()) {
            self.add(connection, stream);
        }
        true
    }

    fn add(&mut self, connection: ConnectionId, mut stream: TcpStream) {
        let token = Token(CONNECTIONS.0 + usize::try_from(connection.get()).unwrap());
        self.poll.registry().register(&mut stream, token, Interest::READABLE | Interest::WRITABLE).unwrap();
        let (inbound, outbound) = (BytesMut::new(), BytesMut::new());
        self.connections.insert(connection, Connection { stream, inbound, outbound, end: false, failed: false });
    }

    fn read(&mut self, connection: ConnectionId) -> bool {
        let now = self.clock.now();
        let Some(found) = self.connections.get_mut(&connection) else { return false };
        let mut space = [0; 65_536];
        let budget = self.switch.recv_budget(now, connection).saturating_sub(found.inbound.len()).min(space.len());
        if budget == 0 || found.end || found.failed {
            return false;
        }
        match found.stream.read(&mut space[..budget]) {
            Ok(read) => {
                found.inbound.extend_from_slice(&space[..read]);
                found.end = read == 0;
                self.switch.received(now, connection, &mut found.inbound, found.end);
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => return false,
            Err(_) => {
                found.failed = true;
                self.switch.transport_failed(now, connection);
            }
        }
        true
    }

    fn write(&mut self, connection: ConnectionId) -> bool {
        let now = self.clock.now();
        let Some(found) = self.connections.get_mut(&connection) else { return false };
        if found.outbound.is_empty() {
            self.switch.transmit_into(now, connection, &mut found.outbound, 65_536);
        }
        if found.outbound.is_empty() || found.failed {
            return false;
        }
        match unless_it_would_block(found.stream.write(&found.outbound)) {
            Ok(written) => found.outbound.advance(written),
            Err(_) => {
                found.failed = true;
                self.switch.transport_failed(now, connection);
                return true;
            }
        }
        // What is left waits until the socket can take it.
        found.outbound.is_empty()
    }

    fn follow(&mut self, command: Command) {
        let now = self.clock.now();
        match command {
            Command::Dial { connection, address } => {
                // On this machine it takes no time.
                let remote: SocketAddr = address.at.socket_addr().unwrap();
                match std::net::TcpStream::connect(remote) {
                    Ok(stream) => {
                        stream.set_nonblocking(true).unwrap();
                        self.add(connection, TcpStream::from_std(stream));
                        self.switch.dialled(now, connection, remote, ephemeral());
                    }
                    Err(error) => self.switch.dial_failed(now, connection, error.to_string()),
                }
            }
            Command::HangUp { connection, flush } => {
                if let Some(Connection { stream, outbound, .. }) = self.connections.remove(&connection)
                    && flush
                {
                    std::thread::spawn(move || say_goodbye(stream.into(), &outbound));
                }
            }
            Command::Feed { connection } => {
                if let Some(found) = self.connections.get_mut(&connection) {
                    self.switch.received(now, connection, &mut found.inbound, found.end);
                }
            }
            // All are asked for output all the time.
            Command::Write { .. } => {}
            other => panic!("{other:?}"),
        }
    }
}
