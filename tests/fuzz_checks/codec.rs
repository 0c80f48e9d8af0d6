//! Bytes into a decoder.

use mconn::wire::{Codec, Decoded, Packet};

/// Decodes `data` packet by packet. A decoder that has seen other packets says what a fresh one says, an incomplete packet is
/// never an error, what was decoded encodes to something that decodes the same, and the strict decoder accepts exactly what
/// encodes to the same bytes.
pub(crate) fn check<C: Codec>(compatible: &C, strict: &C, data: &[u8]) {
    let limit = compatible.packet_limit(1024);
    let mut warm = compatible.clone();
    let mut rest = data;
    loop {
        let decoded = warm.decode(rest, limit);
        assert_eq!(decoded, compatible.clone().decode(rest, limit), "a warm decoder differs from a fresh one");
        let strictly = strict.clone().decode(rest, limit);
        let Ok(Some(decoded)) = decoded else {
            assert!(!matches!(strictly, Ok(Some(_))), "strict accepts what compatible does not");
            return;
        };
        assert!(decoded.wire_len >= 1 && decoded.wire_len <= rest.len());
        for cut in [0, 1, decoded.wire_len / 2, decoded.wire_len - 1] {
            if cut < decoded.wire_len {
                assert_eq!(compatible.clone().decode(&rest[..cut], limit), Ok(None), "a prefix is incomplete");
            }
        }
        let again = encode(compatible, &decoded.packet);
        let same_bytes = again.as_deref() == Some(&rest[..decoded.wire_len]);
        assert_eq!(matches!(strictly, Ok(Some(_))), same_bytes, "strict accepts what encodes to the same bytes");
        if let Some(again) = again {
            let expected = Decoded { packet: decoded.packet, wire_len: again.len() };
            assert_eq!(compatible.clone().decode(&again, limit), Ok(Some(expected)), "encode and decode are inverse");
        }
        rest = &rest[decoded.wire_len..];
    }
}

/// The bytes that an honest encoder writes for a packet; `None` for a channel that no encoder has.
fn encode<C: Codec>(codec: &C, packet: &Packet<'_>) -> Option<Vec<u8>> {
    Some(match packet {
        Packet::Ping => codec.ping().to_vec(),
        Packet::Pong => codec.pong().to_vec(),
        Packet::Message(message) => {
            let channel = u8::try_from(message.channel).ok()?;
            let header = codec.message_header(channel, message.end, message.payload.len());
            [header.as_slice(), message.payload].concat()
        }
    })
}
