//! NodeInfo without a connection: whom Go refuses, we refuse.

use mconn::peer::{NodeInfo, NodeInfoDecodeError, NodeInfoError};
use mconn::secret::NodeId;

use crate::exchange::{Dials, go_node};
use crate::machine_support::Rng;
use crate::sealed::node;
use crate::version::{Version, go};

const CHANNELS: [(u8, u32); 2] = [(0x20, 1), (0x30, 1)];

/// Texts that somebody may say of himself.
const TEXTS: [&str; 19] = [
    "", " ", "  \u{a0}", "a", "a b", "\t", "a\tb", "a\nb", "~", "\u{7f}", "\u{0}", "\u{1f}", "ünï", "😀", "on", "off",
    "ON", "on ", " off",
];

/// Addresses without names that somebody would have to look up.
const ADDRESSES: [&str; 40] = [
    "",
    ":",
    ":1",
    "127.0.0.1",
    "127.0.0.1:",
    "127.0.0.1:0",
    "127.0.0.1:1",
    "127.0.0.1:65535",
    "127.0.0.1:65536",
    "127.0.0.1:-1",
    "127.0.0.1:+1",
    "127.0.0.1:01",
    "127.0.0.1:0000000000000000000001",
    "127.0.0.1: 1",
    "127.0.0.1:1 ",
    "127.0.0.1:a",
    "127.0.0.1:0x1",
    "127.0.0.1:1_0",
    "127.0.0.1:1:1",
    "0.0.0.0:1",
    "255.255.255.255:1",
    "[::]:1",
    "[::1]:1",
    "::1:1",
    "[::1]",
    "[::1]1",
    "[::1:1",
    "[127.0.0.1]:1",
    "[::ffff:1.2.3.4]:1",
    "tcp://127.0.0.1:1",
    "udp://127.0.0.1:1",
    "://127.0.0.1:1",
    "tcp://tcp://127.0.0.1:1",
    "tcp:127.0.0.1:1",
    "a@127.0.0.1:1",
    "tcp://",
    "tcp://:1",
    "127.0.0.1:1/",
    "127.0.0.1:1/path",
    "@127.0.0.1:1",
];

/// Ids of nodes.
const IDS: [&str; 7] = [
    "",
    "ab",
    "abababababababababababababababababababab",
    "ABABABABABABABABABABABABABABABABABABABAB",
    "abababababababababababababababababababag",
    "abababababababababababababababababababa",
    "abababababababababababababababababababab0",
];

fn changed(info: &NodeInfo, change: impl FnOnce(&mut NodeInfo)) -> NodeInfo {
    let mut info = info.clone();
    change(&mut info);
    info
}

fn cases() -> Vec<NodeInfo> {
    let base = node("ours", [0x20]).info().clone();
    let mut cases = vec![base.clone()];
    for text in TEXTS {
        cases.push(changed(&base, |info| info.version = text.into()));
        cases.push(changed(&base, |info| info.moniker = text.into()));
        cases.push(changed(&base, |info| info.tx_index = text.into()));
        cases.push(changed(&base, |info| info.rpc_address = text.into()));
        cases.push(changed(&base, |info| info.network = text.into()));
    }
    cases.extend(ADDRESSES.map(|text| changed(&base, |info| info.listen_addr = text.into())));
    cases.extend(IDS.map(|text| changed(&base, |info| info.node_id = text.into())));
    for count in [0, 1, 15, 16, 17, 255] {
        cases.push(changed(&base, |info| info.channels = (0x20..=0xff).chain(0..0x20).take(count).collect()));
    }
    for channels in [vec![0x30], vec![0x40], vec![0x40, 0x30], vec![0x20, 0x20], vec![0x40, 0x40]] {
        cases.push(changed(&base, |info| info.channels = channels));
    }
    for number in [0, 1, 7, 8, 9, 10, 11, 12, 1 << 40, u64::MAX] {
        cases.push(changed(&base, |info| info.protocol.block = number));
        cases.push(changed(&base, |info| info.protocol.p2p = number));
        cases.push(changed(&base, |info| info.protocol.app = number));
    }
    cases
}

fn ours(encoded: &[u8], us: &NodeInfo) -> Result<(), String> {
    let info = NodeInfo::decode(encoded).map_err(|error| format!("decode: {error}"))?;
    match info.validate() {
        Ok(()) => us.compatible_with(&info).map_err(|error| error.to_string()),
        // Go compares it with the id of the key after this, as text: in the end it refuses capital letters as well.
        Err(NodeInfoError::NodeId { found }) if found.to_lowercase().parse::<NodeId>().is_ok() => Ok(()),
        Err(error) => Err(error.to_string()),
    }
}

/// A few bytes of it are others, or missing. The length in front is right.
fn damaged(rng: &mut Rng, body: &[u8]) -> Vec<u8> {
    let mut body = body.to_vec();
    for _ in 0..=rng.below(3) {
        let at = rng.below(body.len());
        match rng.below(3) {
            0 => body[at] = rng.below(256) as u8,
            1 => body[at] ^= 1 << rng.below(8),
            _ => drop(body.remove(at)),
        }
    }
    body.insert(0, u8::try_from(body.len()).unwrap());
    body
}

pub(crate) fn have_the_same_verdict(version: &Version) {
    let peer = version.run();
    let link = peer.link();
    let mut config = go(&CHANNELS);
    config.node = Some(go_node(Dials::We));
    let mut us = node("go", [0x20, 0x30]).info().clone();
    us.protocol.block = 11;
    let mut differences = Vec::new();
    let mut check = |what: String, encoded: &[u8]| {
        let (ours, theirs) = (ours(encoded, &us), link.judge(&config, encoded));
        if ours.is_ok() != theirs.is_ok() {
            differences.push(format!("{what}: ours {ours:?}, Go's {theirs:?}"));
        }
        theirs.is_ok()
    };
    let (mut taken, mut refused) = (0, 0);
    for info in cases() {
        *if check(format!("{info:?}"), &info.encode()) { &mut taken } else { &mut refused } += 1;
    }
    // And damaged bytes.
    let mut rng = Rng::new(11);
    let base = node("ours", [0x20]).info().clone();
    for _ in 0..3000 {
        let encoded = damaged(&mut rng, &base.encode()[1..]);
        match NodeInfo::decode(&encoded) {
            // Go would look up a host of that name.
            Ok(info) if info.listen_addr != base.listen_addr => continue,
            // Before the "://" it takes anything.
            Err(NodeInfoDecodeError::NotUtf8 { field: 3 }) => continue,
            _ => {}
        }
        *if check(hex::encode(&encoded), &encoded) { &mut taken } else { &mut refused } += 1;
    }
    assert!(taken > 100 && refused > 1000, "{taken} {refused}");
    assert!(differences.is_empty(), "{} differ:\n{}", differences.len(), differences.join("\n"));
}
