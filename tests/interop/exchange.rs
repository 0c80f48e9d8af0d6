//! Messages both ways at once, each checked.

use std::collections::BTreeMap;
use std::net::TcpStream;

use bytes::Bytes;
use mconn::connection::MConnConfig;
use sha2::{Digest, Sha256};

use crate::go_peer::{GoConfig, GoEvent, GoNode, GoPeer, Link};
use crate::machine_support::pattern;
use crate::our_end::{Adapter, OurEnd};
use crate::sealed::{NETWORK, in_the_clear, node};

/// Who dials.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dials {
    Go,
    We,
}

/// A channel and a length for each message, in the order of sending.
pub(crate) type Lens = [(u8, usize)];

/// A Go connection and our end of it.
pub(crate) fn connect<'a>(
    peer: &'a GoPeer,
    dials: Dials,
    go: &GoConfig,
    ours: MConnConfig,
    adapter: Adapter,
) -> (Link<'a>, OurEnd) {
    let (link, stream) = open(peer, dials, go);
    let end = if peer.is_sealed() {
        let local = node("ours", ours.channels.iter().map(|channel| channel.id));
        let end = OurEnd::sealed(stream, ours, local, adapter);
        was_understood(&link);
        end
    } else {
        OurEnd::over(stream, ours, adapter)
    };
    assert_eq!(link.next(), GoEvent::Started);
    (link, end)
}

/// A Go connection and the other end of its stream, in the clear.
pub(crate) fn connect_raw<'a>(peer: &'a GoPeer, dials: Dials, go: &GoConfig) -> (Link<'a>, TcpStream) {
    let (link, mut stream) = open(peer, dials, go);
    if peer.is_sealed() {
        stream = in_the_clear(stream, &node("ours", go.channels.iter().map(|channel| channel.id)));
        was_understood(&link);
    }
    assert_eq!(link.next(), GoEvent::Started);
    (link, stream)
}

/// A Go connection and the other end of its stream, before any handshake.
pub(crate) fn open<'a>(peer: &'a GoPeer, dials: Dials, go: &GoConfig) -> (Link<'a>, TcpStream) {
    let mut config = go.clone();
    if peer.is_sealed() && config.node.is_none() {
        config.node = Some(go_node(dials));
    }
    match dials {
        Dials::Go => peer.dial(&config),
        Dials::We => peer.listen(&config),
    }
}

/// Who the Go end of a sealed connection is.
pub(crate) fn go_node(dials: Dials) -> GoNode {
    // Who dials knows whom.
    let dialled = if dials == Dials::Go { node("ours", []).id().to_string() } else { String::new() };
    let (secret, network, moniker) = ("go".to_owned(), NETWORK.to_owned(), "go".to_owned());
    GoNode { secret, network, moniker, dialled, ..GoNode::default() }
}

fn was_understood(link: &Link<'_>) {
    let GoEvent::Shaken { info } = link.next() else { panic!("the handshake has failed") };
    assert_eq!((info.id, info.network), (node("ours", []).id().to_string(), NETWORK.to_owned()));
}

/// The messages of each channel: their payloads, by the number that each has on its channel.
fn by_channel(lens: &Lens) -> BTreeMap<u8, Vec<Bytes>> {
    let mut channels = BTreeMap::<u8, Vec<Bytes>>::new();
    for &(channel, len) in lens {
        let messages = channels.entry(channel).or_default();
        messages.push(pattern(channel, messages.len(), len));
    }
    channels
}

/// Sends both ways at once and checks that all arrives, whole and in the order of each channel.
pub(crate) fn exchange(link: &Link<'_>, end: &mut OurEnd, to_go: &Lens, to_us: &Lens) {
    start_go(link, to_us);
    let sending = start_ours(end, to_go);
    arrives_here(end, to_us);
    sending.join().unwrap();
    arrives_there(link, to_go);
}

/// Has Go send, all channels at the same time.
pub(crate) fn start_go(link: &Link<'_>, to_us: &Lens) {
    for (channel, messages) in by_channel(to_us) {
        let lens: Vec<_> = messages.iter().map(Bytes::len).collect();
        link.send(channel, 0, &lens);
    }
}

/// Sends on all channels at the same time.
pub(crate) fn start_ours(end: &OurEnd, to_go: &Lens) -> std::thread::JoinHandle<()> {
    let (sender, channels) = (end.sender(), by_channel(to_go));
    std::thread::spawn(move || {
        std::thread::scope(|scope| {
            for (channel, messages) in channels {
                let sender = sender.clone();
                scope.spawn(move || messages.into_iter().for_each(|message| sender.send(channel, message)));
            }
        });
    })
}

/// Checks what we receive.
pub(crate) fn arrives_here(end: &mut OurEnd, to_us: &Lens) {
    let mut expected: BTreeMap<_, _> =
        by_channel(to_us).into_iter().map(|(channel, messages)| (channel, messages.into_iter())).collect();
    for number in 0..to_us.len() {
        let Some((channel, payload)) = end.recv() else {
            panic!("message {number} of {}: {}", to_us.len(), end.closed())
        };
        let message = expected.get_mut(&channel).and_then(Iterator::next);
        let message = message.unwrap_or_else(|| panic!("nothing more was sent on {channel:#04x}"));
        assert_eq!(payload.len(), message.len(), "on {channel:#04x}");
        assert!(payload == message, "{} bytes on {channel:#04x} have changed", payload.len());
    }
}

/// Checks what Go receives.
pub(crate) fn arrives_there(link: &Link<'_>, to_go: &Lens) {
    let mut expected: BTreeMap<_, _> =
        by_channel(to_go).into_iter().map(|(channel, messages)| (channel, messages.into_iter())).collect();
    for number in 0..to_go.len() {
        match link.next() {
            GoEvent::Message { channel, len, sha256 } => {
                let message = expected.get_mut(&channel).and_then(Iterator::next);
                let message = message.unwrap_or_else(|| panic!("nothing more was sent on {channel:#04x}"));
                assert_eq!(len, message.len(), "on {channel:#04x}");
                assert_eq!(sha256, hex::encode(Sha256::digest(&message)), "{len} bytes on {channel:#04x}");
            }
            other => panic!("message {number} of {}: {other:?}", to_go.len()),
        }
    }
}
