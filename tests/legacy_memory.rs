//! The memory that decoding go-sliding-window's wire takes, measured by an allocator that counts.

#[path = "support/counting.rs"]
mod counting;

use bytes::{Bytes, BytesMut};
use counting::measure;
use mconn::sliding_window::legacy::{BigFile, BigFileHeader, Packet, SynAckAck};

fn wire() -> Bytes {
    let packet = Packet { from: vec![b'f'; 300], data: vec![7; 100_000], checksum: vec![1; 64], ..Packet::default() };
    let mut wire = BytesMut::new();
    packet.encode(&mut wire).unwrap();
    wire.freeze()
}

#[test]
fn decoding_a_packet_allocates_nothing() {
    let wire = wire();
    // The first share of bytes makes them shareable, which allocates once.
    let _share = wire.clone();
    let (_, heap) = measure(|| {
        assert_eq!(Packet::decode(&wire).unwrap().0.data.len(), 100_000);
        assert_eq!(Packet::decode_bytes(&wire).unwrap().0.data.len(), 100_000);
    });
    assert_eq!((heap.calls, heap.peak), (0, 0));
}

#[test]
fn lengths_that_lie_allocate_nothing() {
    let lies: [&'static [u8]; 6] = [
        b"\xdf\xff\xff\xff\xff",
        b"\x81\xa4Data\xc6\xff\xff\xff\xff",
        b"\x81\xa4From\xdb\xff\xff\xff\xff",
        b"\x81\xa8NackList\xdd\xff\xff\xff\xff",
        b"\x81\xa8Filepath\xdb\xff\xff\xff\xff",
        b"\x81\xa1x\xdf\xff\xff\xff\xff",
    ];
    for lie in lies.map(Bytes::from_static) {
        let (_, heap) = measure(|| {
            assert!(Packet::decode(&lie).is_err() && Packet::decode_bytes(&lie).is_err());
            assert!(SynAckAck::decode_bytes(&lie).is_err());
            assert!(BigFile::decode_bytes(&lie).is_err());
            assert!(!matches!(BigFileHeader::decode(&lie, 1000), Ok(Some(_))));
        });
        assert_eq!((heap.calls, heap.peak), (0, 0), "{lie:x?}");
    }
}

#[test]
fn an_encoding_is_one_allocation() {
    let (packet, _) = Packet::decode_bytes(&wire()).unwrap();
    let mut out = BytesMut::new();
    let ((), heap) = measure(|| packet.encode(&mut out).unwrap());
    assert_eq!(heap.calls, 1);
    assert_eq!(out.capacity(), packet.encoded_len());
}
