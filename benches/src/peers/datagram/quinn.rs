//! quinn-proto: one stream of bytes, encrypted.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::BytesMut;
use quinn_proto::{
    ClientConfig, Connection, ConnectionHandle, DatagramEvent, Dir, Endpoint, EndpointConfig, Event,
    MtuDiscoveryConfig, ServerConfig, StreamEvent, StreamId, TransportConfig, VarInt,
};
use rustls::RootCertStore;
use rustls::pki_types::PrivatePkcs8KeyDer;

use super::MTU;
use crate::contender::{Contender, InMemory};
use crate::load::MIB;

/// The name in the table.
pub const NAME: &str = "quinn-proto";

/// One end: quinn's endpoint and its one connection.
struct End {
    endpoint: Endpoint,
    connection: Option<(ConnectionHandle, Connection)>,
    address: SocketAddr,
    buffer: Vec<u8>,
    /// A server's answer from before there is a connection.
    early: Vec<Vec<u8>>,
}

impl End {
    fn new(endpoint: Endpoint, port: u16) -> Self {
        let address = SocketAddr::from(([127, 0, 0, 1], port));
        Self { endpoint, connection: None, address, buffer: Vec::new(), early: Vec::new() }
    }

    /// Gives all datagrams that are to go to the other end.
    fn send(&mut self, now: Instant, to: &mut impl FnMut(Instant, SocketAddr, BytesMut)) {
        for datagram in self.early.drain(..) {
            to(now, self.address, BytesMut::from(datagram.as_slice()));
        }
        let Some((handle, connection)) = &mut self.connection else { return };
        if connection.poll_timeout().is_some_and(|deadline| deadline <= now) {
            connection.handle_timeout(now);
        }
        while let Some(transmit) = connection.poll_transmit(now, 1, &mut self.buffer) {
            to(now, self.address, BytesMut::from(&self.buffer[..transmit.size]));
            self.buffer.clear();
        }
        while let Some(event) = connection.poll_endpoint_events() {
            if let Some(event) = self.endpoint.handle_event(*handle, event) {
                connection.handle_event(event);
            }
        }
    }

    fn receive(&mut self, now: Instant, from: SocketAddr, datagram: BytesMut) {
        match self.endpoint.handle(now, from, None, None, datagram, &mut self.buffer) {
            Some(DatagramEvent::ConnectionEvent(_, event)) => {
                let (_, connection) = self.connection.as_mut().expect("an open connection");
                connection.handle_event(event);
            }
            Some(DatagramEvent::NewConnection(incoming)) => {
                let accepted = self.endpoint.accept(incoming, now, &mut self.buffer, None);
                self.connection = Some(accepted.unwrap_or_else(|error| panic!("{:?}", error.cause)));
            }
            Some(DatagramEvent::Response(transmit)) => self.early.push(self.buffer[..transmit.size].to_vec()),
            None => {}
        }
        self.buffer.clear();
    }

    fn connection(&mut self) -> &mut Connection {
        &mut self.connection.as_mut().expect("an open connection").1
    }
}

fn exchange(now: Instant, one: &mut End, other: &mut End) {
    one.send(now, &mut |now, from, datagram| other.receive(now, from, datagram));
    other.send(now, &mut |now, from, datagram| one.receive(now, from, datagram));
}

fn transport() -> Arc<TransportConfig> {
    let mut config = TransportConfig::default();
    config
        .initial_mtu(MTU as u16)
        .mtu_discovery_config(None::<MtuDiscoveryConfig>)
        .send_window(8 * MIB as u64)
        .stream_receive_window(VarInt::from_u32(8 * MIB as u32))
        .initial_rtt(Duration::from_millis(1));
    Arc::new(config)
}

fn ends() -> (End, End) {
    let certified = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate");
    let certificate = certified.cert.der().clone();
    let key = PrivatePkcs8KeyDer::from(certified.signing_key.serialize_der());
    let mut server = ServerConfig::with_single_cert(vec![certificate.clone()], key.into()).expect("a server");
    server.transport_config(transport());
    let mut roots = RootCertStore::empty();
    roots.add(certificate).expect("a certificate");
    let mut client = ClientConfig::with_root_certificates(Arc::new(roots)).expect("a client");
    client.transport_config(transport());
    let endpoint = |server| Endpoint::new(Arc::new(EndpointConfig::default()), server, true, None);
    let mut from = End::new(endpoint(None), 1);
    let to = End::new(endpoint(Some(Arc::new(server))), 2);
    let connected = from.endpoint.connect(Instant::now(), client, to.address, "localhost").expect("a connection");
    from.connection = Some(connected);
    (from, to)
}

/// Pieces of `size` bytes on one stream.
#[must_use]
pub fn boxed(size: usize) -> Box<dyn Contender> {
    let (mut from, mut to) = ends();
    let mut now = Instant::now();
    while from.connection().is_handshaking() {
        now += Duration::from_millis(1);
        exchange(now, &mut from, &mut to);
    }
    let stream = from.connection().streams().open(Dir::Uni).expect("a free stream");
    let mut accepted: Option<StreamId> = None;
    let message = vec![0x5a; size];
    InMemory::boxed(NAME, move |operations| {
        let wanted = operations * size as u64;
        let (mut sent, mut received) = (0, 0_u64);
        while received < wanted {
            while sent < wanted {
                let left = &message[(sent % size as u64) as usize..];
                let Ok(taken) = from.connection().send_stream(stream).write(left) else { break };
                sent += taken as u64;
            }
            now += Duration::from_micros(100);
            exchange(now, &mut from, &mut to);
            while let Some(event) = to.connection().poll() {
                if matches!(event, Event::Stream(StreamEvent::Opened { .. })) {
                    accepted = accepted.or(to.connection().streams().accept(Dir::Uni));
                }
            }
            let Some(stream) = accepted else { continue };
            let mut receiving = to.connection().recv_stream(stream);
            let mut chunks = receiving.read(true).expect("a readable stream");
            while let Ok(Some(chunk)) = chunks.next(usize::MAX) {
                received += chunk.bytes.len() as u64;
            }
            let _transmit = chunks.finalize();
            while from.connection().poll().is_some() {}
        }
    })
}
