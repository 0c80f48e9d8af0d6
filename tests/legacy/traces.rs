//! The packets of two recorded sessions.

use bytes::BytesMut;
use mconn::sliding_window::legacy::{Packet, TcpEvent, control};

use super::support::number;
use super::{packet, rows};

/// The packets of a trace, which are so many.
fn packets(name: &str, lines: usize, count: usize) {
    let rows = rows(name, lines);
    let sent: Vec<_> = rows.iter().filter(|row| row["p"].is_object()).collect();
    assert_eq!(sent.len(), count, "{name}");
    for row in sent {
        let packet = packet(&row["p"]);
        let mut wire = BytesMut::new();
        packet.encode(&mut wire).unwrap();
        assert_eq!(wire.len(), number(row, "wire_len"), "{row}");
        let expected = match packet.event {
            TcpEvent::Syn => Some(control::SYN),
            TcpEvent::KeepAlive => Some(control::KEEP_ALIVE),
            TcpEvent::Fin => Some(control::FIN),
            TcpEvent::Data => None,
            _ => Some(control::ACK),
        };
        assert_eq!((packet.sequence < 0).then_some(packet.sequence), expected, "{row}");
        assert_eq!(Packet::decode(&wire).unwrap().0.map(<[u8]>::to_vec), packet);
    }
}

#[test]
fn packets_of_a_session_without_loss_have_their_lengths() {
    packets("trace_lossless", 25, 19);
}

#[test]
fn packets_of_a_session_with_loss_have_their_lengths() {
    packets("trace_lossy", 30, 25);
}
