//! A hostile peer from its first byte on: NodeInfo, the upgrade, and the sealed machine after it.

use std::sync::{Arc, LazyLock};

use arbitrary::{Arbitrary, Unstructured};
use bytes::BytesMut;
use mconn::connection::{self, ChannelConfig, MConnConfig};
use mconn::machine::Machine;
use mconn::peer::{
    Event, LocalNode, MAX_NODE_INFO, NodeInfo, Origin, Peer, Upgrade, UpgradeConfig, UpgradeEvent, Upgraded,
};
use mconn::secret::{EphemeralSecret, ExpectedPeer, HandshakeConfig, Input, NodeKey};
use mconn::time::Instant;

use super::secret::scripted::{Scripted, key_message};

const OURS: [u8; 32] = [2; 32];
const THEIRS: [u8; 32] = [4; 32];
/// The seed of the node key that the peer has.
const PEER: u8 = 3;
const NOW: Instant = Instant::ZERO;

/// Any bytes as a NodeInfo: what is read can be written and read again, and all rules can be asked.
pub(crate) fn check_node_info(data: &[u8]) {
    let body = &data[..data.len().min(MAX_NODE_INFO)];
    // As they are, and with the right length before them.
    let delimited = [&delimiter(body.len())[..], body].concat();
    for wire in [data, &delimited] {
        let Ok(info) = NodeInfo::decode(wire) else { continue };
        let written = info.encode();
        assert!(written.len() <= wire.len() + 6, "it grew: Go writes at least two empty messages");
        assert_eq!(NodeInfo::decode(&written).as_ref(), Ok(&info));
        assert!(info.compatible_with(&info).is_ok());
        if info.validate().is_ok() {
            assert!(info.id().is_ok() && info.listen_at().is_ok() && info.channels.len() <= 16);
            assert_eq!(info.listen_at().unwrap().to_string().parse(), Ok(info.listen_at().unwrap()));
        }
    }
}

fn delimiter(length: usize) -> Vec<u8> {
    match length {
        0..0x80 => vec![length as u8],
        _ => vec![length as u8 | 0x80, (length >> 7) as u8],
    }
}

fn info(seed: u8) -> NodeInfo {
    NodeInfo::new(NodeKey::from_seed(&[seed; 32]).id(), "chain", [0x20, 0x21])
}

static LOCAL: LazyLock<Arc<LocalNode>> =
    LazyLock::new(|| Arc::new(LocalNode::new(NodeKey::from_seed(&[1; 32]), info(1)).unwrap()));
static THEIR_INFO: LazyLock<Vec<u8>> = LazyLock::new(|| info(PEER).encode());

#[derive(Arbitrary, Debug)]
enum Said<'a> {
    /// Any bytes, in the clear.
    Raw(&'a [u8]),
    /// Any bytes, sealed as they should be.
    Frame(&'a [u8]),
    /// A good NodeInfo in frames of so many bytes, with bytes behind it in the last one.
    Info { frame: u8, behind: &'a [u8] },
    /// A NodeInfo with changed bytes.
    BentInfo { changes: [(u8, u8); 3] },
    /// A packet with a message.
    Message { channel: bool, end: bool, len: u8 },
    /// A frame that was changed on the way.
    BentFrame { position: u16, change: u8 },
}

/// What the peer says after the secret connection stands, as bytes.
fn wire(said: &[Said<'_>]) -> Vec<u8> {
    let mut peer = Scripted::new(&THEIRS, &key_message(&OURS));
    let auth = peer.auth(PEER);
    let mut wire = [key_message(&THEIRS), peer.frame(&auth)].concat();
    for said in said {
        match said {
            Said::Raw(bytes) => wire.extend_from_slice(bytes),
            Said::Frame(data) => wire.extend(peer.frame(&data[..data.len().min(1024)])),
            Said::Info { frame, behind } => {
                let info = [THEIR_INFO.as_slice(), &behind[..behind.len().min(500)]].concat();
                for data in info.chunks(usize::from(*frame) * 5 + 20) {
                    wire.extend(peer.frame(&data[..data.len().min(1024)]));
                }
            }
            Said::BentInfo { changes } => {
                let mut info = THEIR_INFO.clone();
                for (position, change) in changes {
                    let position = usize::from(*position) % info.len();
                    info[position] ^= change;
                }
                wire.extend(peer.frame(&info));
            }
            Said::Message { channel, end, len } => {
                let len = len & 0x3f;
                let head = [len + 8, 0x1a, len + 6, 0x08, 0x20 | u8::from(*channel), 0x10, u8::from(*end), 0x1a, len];
                wire.extend(peer.frame(&[&head[..], &vec![len; usize::from(len)]].concat()));
            }
            Said::BentFrame { position, change } => {
                let mut frame = peer.frame(b"bent");
                let position = usize::from(*position) % frame.len();
                frame[position] ^= change;
                wire.extend(frame);
            }
        }
    }
    wire
}

/// Feeds `wire` in pieces; gives the end, and what was left.
fn upgrade(wire: &[u8], size: usize) -> (Option<UpgradeEvent>, BytesMut) {
    let ephemeral = EphemeralSecret::from_random(&OURS);
    let config = UpgradeConfig::default().handshake(HandshakeConfig::default().max_empty_frames(3));
    let mut machine = Upgrade::new(Arc::clone(&LOCAL), ephemeral, ExpectedPeer::Any, config, NOW);
    let (mut sent, mut buf) = (0, BytesMut::new());
    for piece in wire.chunks(size) {
        buf.extend_from_slice(piece);
        machine.handle(NOW, Input::Received { buf: &mut buf, end: false });
        sent += std::iter::from_fn(|| machine.poll_transmit(NOW)).flatten().count();
    }
    let end = machine.poll_event();
    assert_eq!(end.is_some(), machine.is_closed());
    assert!(machine.poll_event().is_none() && sent <= 35 + 2 * 1044);
    assert!(machine.has_ended() || buf.len() < 1044 + 150);
    (end, buf)
}

/// Feeds the rest in pieces to the peer; gives what came out.
fn talk(upgraded: Upgraded, rest: &[u8], size: usize, inbox: usize) -> Vec<Event> {
    let mut config = MConnConfig::default().channels([ChannelConfig::new(0x20, 1), ChannelConfig::new(0x21, 1)]);
    config.inbox_messages = inbox;
    let mut peer = Peer::new(upgraded, Origin::inbound(), config, NOW).unwrap();
    assert_eq!(peer.node_info().id(), Ok(NodeKey::from_seed(&[PEER; 32]).id()));
    let (mut events, mut buf) = (Vec::new(), BytesMut::new());
    for piece in rest.chunks(size) {
        buf.extend_from_slice(piece);
        loop {
            let before = (buf.len(), events.len());
            peer.handle(NOW, connection::Input::Received { buf: &mut buf, end: false });
            events.extend(std::iter::from_fn(|| peer.poll_event()));
            if (buf.len(), events.len()) == before {
                break;
            }
        }
    }
    assert!(peer.is_closed() || buf.len() < 1044);
    let mut out = BytesMut::new();
    assert_eq!(peer.transmit_into(NOW, &mut out, usize::MAX) % 1044, 0);
    events
}

/// Whatever a peer says that has one node key: the same however its bytes are cut, and nobody else comes out.
pub(crate) fn check_upgrade(data: &[u8]) {
    let mut input = Unstructured::new(data);
    let Ok((size, inbox)) = <(u16, u8)>::arbitrary(&mut input) else { return };
    let (size, inbox) = (usize::from(size % 3000) + 1, usize::from(inbox % 4) + 1);
    let said: Vec<_> = (0..10).map_while(|_| Said::arbitrary(&mut input).ok()).collect();
    let wire = wire(&said);
    let (end, left) = upgrade(&wire, wire.len());
    let (end_in_pieces, left_in_pieces) = upgrade(&wire, size);
    assert_eq!(format!("{end:?}"), format!("{end_in_pieces:?}"), "the end depends on how the bytes were cut");
    if let [Said::Info { .. }, ..] = said[..] {
        assert!(matches!(end, Some(UpgradeEvent::Established(_))), "an honest peer was refused");
    }
    if let (Some(UpgradeEvent::Established(one)), Some(UpgradeEvent::Established(other))) = (end, end_in_pieces) {
        assert_eq!(left, left_in_pieces);
        assert_eq!(one.key(), NodeKey::from_seed(&[PEER; 32]).public_key(), "nobody else can sign");
        let events = talk(one, &left, left.len().max(1), usize::MAX);
        assert_eq!(events, talk(other, &left, size, inbox));
    }
}
