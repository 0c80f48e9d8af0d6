//! What it takes to speak to a sealed Go connection: the handshake, and a way for tests to write bytes of their own.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::{Bytes, BytesMut};
use mconn::machine::Machine;
use mconn::peer::{LocalNode, NodeInfo};
use mconn::secret::{EphemeralSecret, NodeKey};
use mconn::secret::{Event, ExpectedPeer, HandshakeConfig, Input, Opener, Sealer, SecretHandshake};
use mconn::time::Instant;
use sha2::{Digest, Sha256};

use crate::go_peer::PATIENCE;

/// The network of all nodes in these tests.
pub(crate) const NETWORK: &str = "interop";

/// The clock of a loop of our own.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock(std::time::Instant);

impl Clock {
    #[allow(clippy::disallowed_methods, reason = "drivers have a clock")]
    pub(crate) fn start() -> Self {
        Self(std::time::Instant::now())
    }

    pub(crate) fn now(self) -> Instant {
        Instant::ZERO + self.0.elapsed()
    }
}

/// The node of that name, on these channels.
pub(crate) fn node(name: &str, channels: impl IntoIterator<Item = u8>) -> LocalNode {
    let key = NodeKey::from_seed(&Sha256::digest(name).into());
    let info = NodeInfo::new(key.id(), NETWORK, channels);
    LocalNode::new(key, info).unwrap()
}

/// Another one for each connection. Nothing here is worth a secret.
pub(crate) fn ephemeral() -> EphemeralSecret {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    EphemeralSecret::from_random(&Sha256::digest(NEXT.fetch_add(1, Ordering::Relaxed).to_le_bytes()).into())
}

/// The other end of a stream, in the clear: what is written to it arrives sealed, after a handshake as this node.
pub(crate) fn in_the_clear(sealed: TcpStream, local: &LocalNode) -> TcpStream {
    in_the_clear_saying(sealed, local.key(), &local.info().encode())
}

/// The same, with other first bytes than a valid NodeInfo. They leave at once, in one frame if they fit.
pub(crate) fn in_the_clear_saying(mut sealed: TcpStream, key: &NodeKey, first: &[u8]) -> TcpStream {
    sealed.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut inbound = BytesMut::new();
    let (sealer, mut opener) = shake_hands(&mut sealed, key, &mut inbound);
    let mut writer = Writer { sealer, sealed: sealed.try_clone().unwrap() };
    writer.write(first).unwrap();
    let mut opened = BytesMut::new();
    loop {
        opener.open(&mut inbound, &mut opened, usize::MAX).unwrap();
        if let Some(length) = length_of_node_info(&opened) {
            let _ = opened.split_to(length);
            break;
        }
        read(&mut sealed, &mut inbound).unwrap();
    }
    sealed.set_read_timeout(None).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let clear = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let inner = listener.accept().unwrap().0;
    let reader = inner.try_clone().unwrap();
    std::thread::spawn(move || seal_all(reader, writer));
    std::thread::spawn(move || open_all(&mut sealed, inner, opener, inbound, opened));
    clear
}

fn length_of_node_info(opened: &[u8]) -> Option<usize> {
    // One byte of length up to 127, two above.
    let (&first, rest) = opened.split_first()?;
    let (head, length) = if first < 0x80 {
        (1, usize::from(first))
    } else {
        (2, usize::from(first & 0x7f) + (usize::from(*rest.first()?) << 7))
    };
    (opened.len() >= head + length).then_some(head + length)
}

fn shake_hands(stream: &mut TcpStream, key: &NodeKey, inbound: &mut BytesMut) -> (Sealer, Opener) {
    let now = Instant::ZERO;
    let config = HandshakeConfig::default();
    let mut handshake = SecretHandshake::new(key, ephemeral(), ExpectedPeer::Any, config, now);
    loop {
        while let Some(output) = handshake.poll_transmit(now) {
            stream.write_all(&output).unwrap();
        }
        match handshake.poll_event() {
            Some(Event::Established(connection)) => return connection.split(),
            Some(other) => panic!("{other:?}"),
            None => {}
        }
        let end = !read(stream, inbound).unwrap();
        handshake.handle(now, Input::Received { buf: inbound, end });
    }
}

/// False at the end.
pub(crate) fn read(stream: &mut TcpStream, inbound: &mut BytesMut) -> std::io::Result<bool> {
    let mut space = [0; 65_536];
    let read = stream.read(&mut space)?;
    inbound.extend_from_slice(&space[..read]);
    Ok(read > 0)
}

struct Writer {
    sealer: Sealer,
    sealed: TcpStream,
}

impl Writer {
    fn write(&mut self, plain: &[u8]) -> std::io::Result<()> {
        let mut out = BytesMut::new();
        self.sealer.seal(&mut Bytes::copy_from_slice(plain), &mut out, usize::MAX).unwrap();
        self.sealed.write_all(&out)
    }
}

fn seal_all(mut clear: TcpStream, mut writer: Writer) {
    let mut space = [0; 65_536];
    while let Ok(read @ 1..) = clear.read(&mut space) {
        if writer.write(&space[..read]).is_err() {
            // As the socket itself would tell.
            let _ = clear.shutdown(Shutdown::Both);
            return;
        }
    }
    let _ = writer.sealed.shutdown(Shutdown::Write);
}

fn open_all(
    sealed: &mut TcpStream,
    mut clear: TcpStream,
    mut opener: Opener,
    mut inbound: BytesMut,
    mut opened: BytesMut,
) {
    loop {
        let written = clear.write_all(&opened).is_ok();
        opened.clear();
        if !written || !matches!(read(sealed, &mut inbound), Ok(true)) {
            let _ = clear.shutdown(Shutdown::Write);
            return;
        }
        opener.open(&mut inbound, &mut opened, usize::MAX).unwrap();
    }
}
