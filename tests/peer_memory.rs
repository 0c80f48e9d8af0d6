//! The memory of an upgrade and of a peer, measured by an allocator that counts.
#![cfg(feature = "peer")]

#[path = "support/counting.rs"]
mod counting;
#[path = "secret/scripted.rs"]
mod scripted;

use std::sync::Arc;

use bytes::{Buf, BytesMut};
use counting::{live, measure};
use mconn::connection::{self, ChannelConfig, MConnConfig};
use mconn::machine::Machine;
use mconn::peer::{Event, LocalNode, NodeInfo, Origin, Peer, Upgrade, UpgradeConfig, UpgradeEvent, Upgraded};
use mconn::secret::{EphemeralSecret, ExpectedPeer, Input, NodeKey};
use mconn::time::Instant;
use scripted::{Scripted, key_message};

const OURS: [u8; 32] = [2; 32];
const THEIRS: [u8; 32] = [4; 32];
const NOW: Instant = Instant::ZERO;

fn info(seed: u8) -> NodeInfo {
    NodeInfo::new(NodeKey::from_seed(&[seed; 32]).id(), "chain", [0x20])
}

fn local() -> Arc<LocalNode> {
    Arc::new(LocalNode::new(NodeKey::from_seed(&[1; 32]), info(1)).unwrap())
}

fn upgrade(local: &Arc<LocalNode>) -> Upgrade {
    let ephemeral = EphemeralSecret::from_random(&OURS);
    Upgrade::new(Arc::clone(local), ephemeral, ExpectedPeer::Any, UpgradeConfig::default(), NOW)
}

/// The NodeInfo of the peer, with so many bytes in one of its fields.
fn node_info(more: usize) -> Vec<u8> {
    let mut info = info(3);
    info.rpc_address = "a".repeat(more);
    info.encode()
}

/// What a peer may send, and how many bytes of it come before it has proven who it is.
fn streams() -> Vec<(&'static str, Vec<u8>, usize)> {
    let scripted = || Scripted::new(&THEIRS, &key_message(&OURS));
    let with_key = |frames: Vec<u8>| [key_message(&THEIRS), frames].concat();
    let mut peer = scripted();
    let auth = peer.auth(3);
    let mut honest = with_key(peer.frame(&auth));
    let proven = honest.len();
    honest.extend(peer.frame(&node_info(0)));
    honest.extend(peer.frame(b"\x02\x0a\x00"));
    let mut peer = scripted();
    let mut large = with_key(peer.frame(&auth));
    large.extend(node_info(10_000).chunks(1024).flat_map(|data| peer.frame(data)));
    let mut peer = scripted();
    let spread: Vec<u8> = auth.iter().flat_map(|byte| peer.frame(&[*byte])).collect();
    let mut peer = scripted();
    let empty: Vec<u8> = (0..64).flat_map(|_| peer.frame(&[])).collect();
    let spread_len = spread.len() + 35;
    let noise: Vec<u8> = (0..5000_u32).map(|number| (number.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    vec![
        ("honest", honest, proven),
        ("a large NodeInfo", large, proven),
        ("in frames of one byte", with_key(spread), spread_len),
        ("frames without data", with_key(empty), usize::MAX),
        ("nothing", Vec::new(), usize::MAX),
        ("long unfinished key", [&[0x80, 0x01][..], &[0x0a; 100]].concat(), usize::MAX),
        ("noise", noise, usize::MAX),
    ]
}

/// Drives an upgrade as its documentation says, `step` bytes at a time, until it has ended or the stream has. Output is taken
/// as late as can be.
fn drive(local: &Arc<LocalNode>, stream: &[u8], step: usize) -> Option<(Upgraded, BytesMut)> {
    let mut rest = stream;
    let mut machine = upgrade(local);
    let mut buf = BytesMut::with_capacity(machine.recv_budget());
    loop {
        let read = machine.recv_budget().saturating_sub(buf.len()).min(step).min(rest.len());
        if read == 0 {
            break;
        }
        buf.extend_from_slice(&rest[..read]);
        rest.advance(read);
        machine.handle(NOW, Input::Received { buf: &mut buf, end: false });
    }
    while machine.poll_transmit(NOW).is_some() {}
    match machine.poll_event()? {
        UpgradeEvent::Established(upgraded) => Some((upgraded, buf)),
        _ => None,
    }
}

#[test]
fn a_connection_costs_at_most_4_kib_until_its_peer_is_known() {
    let local = local();
    for (name, stream, proven) in streams() {
        let stream = &stream[..proven.min(stream.len())];
        for step in [1, 10, 1000, usize::MAX] {
            let (_, used) = measure(|| drive(&local, stream, step));
            let bytes = size_of::<Upgrade>() + used.peak;
            println!("{name}, {step} at a time: {bytes} bytes ({} itself)", size_of::<Upgrade>());
            assert!(bytes <= 4096, "{name}, {step} at a time: {bytes} bytes");
            assert_eq!(used.kept, 0);
        }
    }
}

#[test]
fn a_node_info_costs_no_more_than_a_few_times_its_limit() {
    let local = local();
    for (name, stream, _) in streams() {
        let (upgraded, used) = measure(|| drive(&local, &stream, 700));
        assert_eq!(upgraded.is_some(), matches!(name, "honest" | "a large NodeInfo"), "{name}");
        println!("{name}: {} bytes", used.peak);
        assert!(used.peak <= 4 * 10_240 + 4096, "{name}: {} bytes", used.peak);
    }
}

/// So many connections that come and go at any point of their upgrade.
fn abort(count: usize) {
    let local = local();
    let streams = streams();
    let aborted = |number: usize| {
        let (_, stream, _) = &streams[number % streams.len()];
        let cut = if stream.is_empty() { 0 } else { number * 131 % stream.len().min(14_000) };
        let mut machine = upgrade(&local);
        machine.poll_transmit(NOW);
        let mut buf = BytesMut::from(&stream[..cut]);
        machine.handle(NOW, Input::Received { buf: &mut buf, end: false });
        if number.is_multiple_of(3) {
            machine.handle(NOW, Input::TransportFailed);
            machine.poll_event();
        }
    };
    aborted(0);
    let ((), used) = measure(|| (0..count).for_each(aborted));
    println!("{count} aborted: {} bytes kept, {} at most at once", used.kept, used.peak);
    assert_eq!(used.kept, 0);
    assert!(used.peak <= 64 << 10, "{} bytes at once", used.peak);
}

#[test]
fn aborted_upgrades_leave_nothing() {
    abort(700);
}

#[test]
#[ignore = "takes a minute: cargo test --release --features peer --test peer_memory -- --ignored"]
fn a_hundred_thousand_aborted_upgrades_leave_nothing() {
    abort(100_000);
}

/// A peer whose other side is scripted.
fn peer(stream: &[u8]) -> Peer {
    let (upgraded, mut buf) = drive(&local(), stream, usize::MAX).unwrap();
    let config = MConnConfig::default().channel(ChannelConfig::new(0x20, 1));
    let mut peer = Peer::new(upgraded, Origin::inbound(), config, NOW).unwrap();
    peer.handle(NOW, connection::Input::Received { buf: &mut buf, end: false });
    peer
}

#[test]
fn a_peer_in_motion_allocates_for_messages_alone_and_rests_with_little() {
    let mut other = Scripted::new(&THEIRS, &key_message(&OURS));
    let auth = other.auth(3);
    let begin = [key_message(&THEIRS), other.frame(&auth), other.frame(&node_info(0))].concat();
    let (mut peer, fresh) = measure(|| peer(&begin));
    let itself = size_of::<Peer>();
    println!("a fresh peer: {} bytes on the heap, {itself} itself", fresh.kept);
    // The local node's own share is in there: it was made inside.
    assert!(fresh.kept <= 4096, "{} bytes", fresh.kept);

    let message = bytes::Bytes::from(vec![7; 60_000]);
    let mut plain =
        connection::MConnState::new(MConnConfig::default().channel(ChannelConfig::new(0x20, 1)), NOW).unwrap();
    let (mut packets, mut out) = (BytesMut::new(), BytesMut::with_capacity(80_000));
    for round in 0..4 {
        plain.try_send(0x20, message.clone()).unwrap();
        packets.clear();
        plain.transmit_into(NOW, &mut packets, usize::MAX);
        let wire: Vec<u8> = packets.chunks(1024).flat_map(|data| other.frame(data)).collect();
        let mut buf = BytesMut::from(&wire[..]);
        let ((), used) = measure(|| {
            peer.handle(NOW, connection::Input::Received { buf: &mut buf, end: false });
            assert!(matches!(peer.poll_event(), Some(Event::Message { .. })));
            peer.try_send(0x20, message.clone()).unwrap();
            out.clear();
            assert!(peer.transmit_into(NOW, &mut out, 80_000) > 60_000);
        });
        // The first time buffers are made; after that what arrives needs its own bytes and nothing else.
        if round > 0 {
            assert!(used.calls <= 2, "round {round}: {} allocations", used.calls);
        }
    }
    // Nothing has moved between two looks at the deadlines: the buffers go.
    let before = live();
    peer.handle_timeout(NOW);
    peer.handle_timeout(NOW);
    let released = before - live();
    println!("{released} bytes of buffers released");
    assert!((32 << 10..68 << 10).contains(&released), "{released}");
}
