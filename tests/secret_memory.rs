//! The memory of a handshake and of the frames after it, measured by an allocator that counts.
#![cfg(feature = "secret")]

#[path = "support/counting.rs"]
mod counting;
#[path = "secret/scripted.rs"]
mod scripted;

use bytes::{Buf, BytesMut};
use counting::{live, measure};
use mconn::machine::Machine;
use mconn::secret::{EphemeralSecret, Event, ExpectedPeer, HandshakeConfig, Input, NodeKey, SecretHandshake};
use mconn::time::Instant;
use scripted::{Scripted, key_message};

const OURS: [u8; 32] = [2; 32];
const THEIRS: [u8; 32] = [4; 32];

fn handshake() -> SecretHandshake {
    let config = HandshakeConfig::default();
    let ephemeral = EphemeralSecret::from_random(&OURS);
    SecretHandshake::new(&NodeKey::from_seed(&[1; 32]), ephemeral, ExpectedPeer::Any, config, Instant::ZERO)
}

/// What a peer may send: its name, and the bytes.
fn streams() -> Vec<(&'static str, Vec<u8>)> {
    let scripted = || Scripted::new(&THEIRS, &key_message(&OURS));
    let with_key = |frames: Vec<u8>| [key_message(&THEIRS), frames].concat();
    let mut peer = scripted();
    let auth = peer.auth(3);
    let honest = [with_key(peer.frame(&auth)), peer.frame(&[7; 1024]), peer.frame(&[7; 1024])].concat();
    let mut peer = scripted();
    let early = peer.frame(&[auth.as_slice(), &[7; 921]].concat());
    let mut peer = scripted();
    let spread = auth.iter().flat_map(|byte| peer.frame(&[*byte])).collect();
    let mut peer = scripted();
    let empty = (0..64).flat_map(|_| peer.frame(&[])).collect();
    // The longest authentication, which ends in a frame that is full.
    let mut peer = scripted();
    let long = [&[0x80, 0x02][..], &auth[1..], &[0x1a, 0x97, 0x01], &[9; 151], &[7; 1024]].concat();
    let longest = [peer.frame(&long[..250]), peer.frame(&long[250..][..1024])].concat();
    vec![
        ("honest", honest),
        ("with early data", with_key(early)),
        ("in frames of one byte", with_key(spread)),
        ("frames without data", with_key(empty)),
        ("the longest authentication", with_key(longest)),
        ("nothing", Vec::new()),
        ("long unfinished key", [&[0x80, 0x01][..], &[0x0a; 100]].concat()),
        ("noise", (0..5000_u32).map(|number| (number.wrapping_mul(2_654_435_761) >> 24) as u8).collect()),
    ]
}

/// Drives a handshake as its documentation says, `step` bytes at a time; gives the most bytes that it cost, with the buffer.
/// Output is taken as late as can be.
fn cost(stream: &[u8], step: usize) -> (usize, bool) {
    let mut rest = stream;
    let (established, used) = measure(|| {
        let mut machine = handshake();
        let mut buf = BytesMut::with_capacity(machine.recv_budget());
        machine.poll_transmit(Instant::ZERO);
        while machine.recv_budget() > 0 && !rest.is_empty() {
            let read = (machine.recv_budget() - buf.len()).min(step).min(rest.len());
            buf.extend_from_slice(&rest[..read]);
            rest.advance(read);
            machine.handle(Instant::ZERO, Input::Received { buf: &mut buf, end: rest.is_empty() });
        }
        machine.poll_transmit(Instant::ZERO);
        matches!(machine.poll_event(), Some(Event::Established(_)))
    });
    assert_eq!(used.kept, 0);
    (size_of::<SecretHandshake>() + used.peak, established)
}

#[test]
fn a_connection_costs_at_most_4_kib_until_its_peer_is_known() {
    for (name, stream) in streams() {
        for step in [1, 10, 1000, usize::MAX] {
            let (bytes, established) = cost(&stream, step);
            println!("{name}, {step} at a time: {bytes} bytes ({} itself)", size_of::<SecretHandshake>());
            assert!(bytes <= 4096, "{name}, {step} at a time: {bytes} bytes");
            let good =
                matches!(name, "honest" | "with early data" | "in frames of one byte" | "the longest authentication");
            assert_eq!(established, good, "{name}");
        }
    }
}

#[test]
fn aborted_handshakes_leave_nothing() {
    let before = live();
    for (_, stream) in streams() {
        for cut in (0..stream.len().min(2500)).step_by(131) {
            let mut machine = handshake();
            let mut buf = BytesMut::from(&stream[..cut]);
            machine.handle(Instant::ZERO, Input::Received { buf: &mut buf, end: false });
            machine.handle(Instant::ZERO, Input::TransportFailed);
        }
    }
    // Nothing but the streams themselves, which are gone as well.
    assert_eq!(live(), before);
}

#[test]
fn sealing_and_opening_allocate_nothing_after_the_first_time() {
    let mut machine = handshake();
    let mut peer = Scripted::new(&THEIRS, &machine.poll_transmit(Instant::ZERO).unwrap());
    let auth = peer.auth(3);
    let mut buf = BytesMut::from(&[key_message(&THEIRS), peer.frame(&auth)].concat()[..]);
    machine.handle(Instant::ZERO, Input::Received { buf: &mut buf, end: false });
    machine.poll_transmit(Instant::ZERO);
    let Some(Event::Established(mut connection)) = machine.poll_event() else { panic!("no connection") };

    let message = vec![7; 60_000];
    let inbound: Vec<u8> = message.chunks(1024).flat_map(|data| peer.frame(data)).collect();
    let (mut input, mut sealed, mut opened) = (BytesMut::new(), BytesMut::new(), BytesMut::new());
    sealed.reserve(70_000);
    opened.reserve(70_000);
    input.extend_from_slice(&inbound);
    let ((), used) = measure(|| {
        for _ in 0..3 {
            connection.sealer.seal(&mut message.as_slice(), &mut sealed, usize::MAX).unwrap();
            assert_eq!(sealed.len(), 59 * 1044);
            sealed.clear();
        }
        connection.opener.open(&mut input, &mut opened, usize::MAX).unwrap();
    });
    assert_eq!(opened, message);
    assert_eq!((used.calls, used.kept), (0, 0));
}
