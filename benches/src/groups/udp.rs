//! Sessions of the sliding window over loopback UDP, beside bare sockets.

use crate::load::{KIB, Size};
use crate::ours::udp::Udp;
use crate::peers::raw_udp::RawUdp;
use crate::transfer::Lane;

/// Sizes of messages, and of the datagrams that they go in: what every path carries, a little more so that a message of 1,200 bytes
/// and its header go in one, and what only the loopback carries.
const LOADS: [(usize, usize); 7] =
    [(64, 1200), (1200, 1200), (1200, 1232), (8 * KIB, 1200), (8 * KIB, 8972), (64 * KIB, 1200), (64 * KIB, 65_507)];

/// The lanes of `udp/`.
#[must_use]
pub fn lanes() -> Vec<Lane> {
    LOADS
        .into_iter()
        .map(|(size, datagram)| Lane {
            label: format!("{} in {datagram}", Size(size)),
            size,
            carriers: vec![
                RawUdp::plain(size, datagram),
                RawUdp::batched(size, datagram),
                Udp::tokio(size, datagram),
                Udp::fixed(size, datagram),
                Udp::blocking(size, datagram),
            ],
            known: vec![],
        })
        .collect()
}
