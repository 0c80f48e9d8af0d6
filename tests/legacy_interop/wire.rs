//! What carries datagrams.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream, UdpSocket};
use std::time::Duration;

/// UDP, or a subject of a NATS server.
pub(crate) enum Wire {
    Udp { socket: UdpSocket, peer: Option<SocketAddr> },
    Nats(Nats),
}

impl Wire {
    pub(crate) fn udp() -> (Self, u16) {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        let port = socket.local_addr().unwrap().port();
        (Self::Udp { socket, peer: None }, port)
    }

    /// The other side's port.
    pub(crate) fn aim(&mut self, port: u16) {
        if let Self::Udp { peer, .. } = self {
            *peer = Some(([127, 0, 0, 1], port).into());
        }
    }

    pub(crate) fn send(&mut self, datagram: &[u8]) {
        match self {
            Self::Udp { socket, peer } => {
                if let Some(peer) = peer {
                    // Nobody may listen there yet.
                    let _ = socket.send_to(datagram, *peer);
                }
            }
            Self::Nats(nats) => nats.publish(datagram),
        }
    }

    /// The next datagram, if one comes in time.
    pub(crate) fn receive(&mut self, wait: Duration) -> Option<Vec<u8>> {
        match self {
            Self::Udp { socket, peer } => {
                socket.set_read_timeout(Some(wait.max(Duration::from_millis(1)))).unwrap();
                let mut datagram = vec![0; 65_536];
                let (len, from) = socket.recv_from(&mut datagram).ok()?;
                *peer = Some(from);
                datagram.truncate(len);
                Some(datagram)
            }
            Self::Nats(nats) => nats.receive(wait),
        }
    }
}

/// As much of a NATS client as a test needs: one subscription, one subject.
pub(crate) struct Nats {
    stream: TcpStream,
    subject: String,
    input: Vec<u8>,
}

impl Nats {
    pub(crate) fn connect(port: u16, own: &str, peer: &str) -> Self {
        let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
        stream.set_nodelay(true).unwrap();
        write!(stream, "CONNECT {{\"verbose\":false,\"pedantic\":false}}\r\nSUB {own} 1\r\nPING\r\n").unwrap();
        let mut nats = Self { stream, subject: peer.into(), input: vec![] };
        while !nats.input.windows(6).any(|window| window == b"PONG\r\n") {
            nats.fill(Duration::from_secs(5));
        }
        nats.input.clear();
        nats
    }

    fn publish(&mut self, payload: &[u8]) {
        write!(self.stream, "PUB {} {}\r\n", self.subject, payload.len()).unwrap();
        self.stream.write_all(payload).unwrap();
        self.stream.write_all(b"\r\n").unwrap();
    }

    fn fill(&mut self, wait: Duration) {
        self.stream.set_read_timeout(Some(wait.max(Duration::from_millis(1)))).unwrap();
        let mut part = vec![0; 1 << 16];
        match self.stream.read(&mut part) {
            Ok(len) => self.input.extend_from_slice(&part[..len]),
            Err(error) => assert!(matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut), "{error}"),
        }
    }

    fn receive(&mut self, wait: Duration) -> Option<Vec<u8>> {
        let mut message = self.parse();
        if message.is_none() {
            self.fill(wait);
            message = self.parse();
        }
        message
    }

    /// The next message of the input, if all of it is there.
    fn parse(&mut self) -> Option<Vec<u8>> {
        loop {
            let end = self.input.windows(2).position(|window| window == b"\r\n")?;
            let line = String::from_utf8(self.input[..end].to_vec()).unwrap();
            if let Some(rest) = line.strip_prefix("MSG ") {
                let len: usize = rest.rsplit(' ').next().unwrap().parse().unwrap();
                let start = end + 2;
                let payload = self.input.get(start..start + len)?.to_vec();
                self.input.get(start + len..start + len + 2)?;
                self.input.drain(..start + len + 2);
                return Some(payload);
            }
            assert!(!line.starts_with("-ERR"), "{line}");
            self.input.drain(..end + 2);
            if line == "PING" {
                self.stream.write_all(b"PONG\r\n").unwrap();
            }
        }
    }
}
