//! First bytes that no honest node sends. The file says what a Go node did; what we do stands here, row by row.

use mconn::machine::{Fault, Machine};
use mconn::secret::{HandshakeError, Stage};

use super::support::{bytes, number, text, vectors};
use super::{KEY_MESSAGE, failure, feed, handshake, output};

/// What we do.
enum Ours {
    /// Take the key, send our authentication, and wait for the peer's: as Go.
    Waits,
    /// Fail for the same reason as Go.
    Same(HandshakeError),
    /// Fail where Go goes on.
    Stricter(HandshakeError),
}

/// Ours, for a row of the file.
fn ours(name: &str) -> Ours {
    use HandshakeError::{EphemeralKeyLength, LowOrderPoint, PeerClosed, TooLong};
    let closed = |stage, unread_bytes| Ours::Same(PeerClosed { stage, unread_bytes });
    let too_long = |length| Ours::Stricter(TooLong { stage: Stage::EphemeralKey, length, limit: 128 });
    match name {
        "good key" => Ours::Waits,
        // The multiplication gives zero.
        "low order point 01000000"
        | "low order point 5f9c95bc"
        | "low order point ecffffff"
        | "low order point edffffff"
        | "low order point eeffffff" => Ours::Same(LowOrderPoint),
        // On usual lists, but of no low order once the highest bit is masked.
        "low order point cdeb7a7c" | "low order point d9ffffff" => Ours::Waits,
        // Go pads with zeros and cuts.
        "key of 31 bytes (zero padded)" => Ours::Stricter(EphemeralKeyLength { length: 31 }),
        "key of 1 byte" => Ours::Stricter(EphemeralKeyLength { length: 1 }),
        "key of 5000 bytes" => too_long(5003),
        // Go calls it a key of zeros, hence of low order.
        "key of 0 bytes (packet length 0)" => Ours::Same(EphemeralKeyLength { length: 0 }),
        // Go waits for 1 MiB, with a buffer of as much.
        "declared length 1 MiB" => too_long(1_048_576),
        "closed at once" => closed(Stage::EphemeralKey, 0),
        "closed inside key" => closed(Stage::EphemeralKey, 10),
        "good key then closed" => closed(Stage::Authentication, 0),
        other => panic!("what is {other:?}?"),
    }
}

#[test]
fn every_row_ends_as_it_says_here() {
    let rows = vectors("secret_bad_peer");
    assert_eq!(rows.len(), 16);
    for row in rows {
        let (name, outcome) = (text(&row, "name"), text(&row, "outcome"));
        let closed = row["closed_after"].as_bool().unwrap();
        let mut machine = handshake(1, 2);
        let mut sent = output(&mut machine).len();
        let left = feed(&mut machine, &bytes(&row, "sent_hex"), false);
        sent += output(&mut machine).len();
        if closed {
            feed(&mut machine, &left, true);
        }
        match ours(name) {
            Ours::Waits => {
                assert!(outcome.starts_with("waiting"), "{row}");
                assert!(!machine.is_closed() && machine.poll_event().is_none(), "{name}");
                assert_eq!(sent, number(&row, "bytes_received_from_go"), "{name}");
            }
            Ours::Same(reason) => {
                assert!(!outcome.starts_with("waiting"), "{row}");
                assert_eq!(failure(&mut machine), reason, "{name}");
                assert_eq!(sent, number(&row, "bytes_received_from_go"), "{name}");
            }
            Ours::Stricter(reason) => {
                assert!(outcome.starts_with("waiting"), "{row}");
                assert_eq!((reason.fault(), sent), (Fault::Peer, KEY_MESSAGE));
                assert_eq!(failure(&mut machine), reason, "{name}");
            }
        }
    }
}
