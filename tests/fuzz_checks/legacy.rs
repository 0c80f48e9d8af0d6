//! Bytes into the decoders of go-sliding-window's wire.

use bytes::{Bytes, BytesMut};
use mconn::sliding_window::legacy::{BigFile, BigFileHeader, DecodeRule, Packet, SynAckAck};

/// What is taken is read whole, the same however it is held, and again from what it encodes to; no part of it is taken.
pub(crate) fn check(data: &[u8]) {
    let bytes = Bytes::copy_from_slice(data);
    packet(&bytes);
    syn_ack_ack(&bytes);
    file(&bytes);
}

fn packet(bytes: &Bytes) {
    let lent = Packet::decode(bytes);
    let shared = Packet::decode_bytes(bytes);
    let (packet, rest) = match (lent, shared) {
        (Ok((lent, lent_rest)), Ok((shared, rest))) => {
            assert_eq!((lent.map(Bytes::copy_from_slice), lent_rest), (shared.clone(), &rest[..]));
            (shared, rest)
        }
        (lent, shared) => {
            assert_eq!(lent.err(), shared.err());
            return;
        }
    };
    let mut again = BytesMut::new();
    packet.encode(&mut again).unwrap();
    assert_eq!(again.len(), packet.encoded_len());
    assert_eq!(Packet::decode_bytes(&again.freeze()), Ok((packet, Bytes::new())), "encode and decode are inverse");
    let consumed = bytes.len() - rest.len();
    for cut in [0, 1, consumed / 3, consumed / 2, consumed - 1].into_iter().filter(|&cut| cut < consumed) {
        assert_eq!(Packet::decode(&bytes[..cut]).unwrap_err().rule, DecodeRule::Truncated);
    }
}

fn syn_ack_ack(bytes: &Bytes) {
    if let Ok((value, rest)) = SynAckAck::decode_bytes(bytes) {
        assert!(bytes.ends_with(&rest));
        assert!(value.nack_list.len() < bytes.len(), "every number has a byte");
        let mut again = BytesMut::new();
        value.encode(&mut again).unwrap();
        assert_eq!(SynAckAck::decode_bytes(&again.freeze()), Ok((value, Bytes::new())));
    }
}

fn file(bytes: &Bytes) {
    let header = BigFileHeader::decode(bytes, bytes.len().max(1));
    if let Ok(Some((header, header_len))) = &header {
        assert!(*header_len <= bytes.len());
        assert_eq!(BigFileHeader::decode(&bytes[..header_len - 1], bytes.len().max(1)), Ok(None));
        let mut again = BytesMut::new();
        header.encode(&mut again).unwrap();
        assert_eq!(BigFileHeader::decode(&again, again.len()), Ok(Some((header.clone(), again.len()))));
    }
    match BigFile::decode_bytes(bytes) {
        Ok((file, rest)) => {
            let mut again = BytesMut::new();
            file.encode(&mut again).unwrap();
            assert_eq!(again.len(), file.encoded_len());
            if let Ok(Some((header, header_len))) = header {
                assert_eq!((&header.path, &header.checksum), (&file.path, &file.checksum));
                assert_eq!(bytes[header_len..bytes.len() - rest.len()], file.data[..]);
            }
            assert_eq!(BigFile::decode_bytes(&again.freeze()), Ok((file, Bytes::new())));
        }
        Err(error) if error.rule == DecodeRule::Truncated => {}
        // The header sees all but the data, and asks for more than the whole does.
        Err(_) => assert!(header.is_err()),
    }
}
