//! Packets there and back, cut, damaged and made up.

use std::vec;
use std::vec::Vec;

use proptest::prelude::*;

use super::*;

fn packet(checked: bool, frames: &[Frame<'_>]) -> Vec<u8> {
    let mut buffer = vec![0; 4000];
    let mut writer = Writer::new(&mut buffer);
    FramesPacket::begin(&mut writer, 0x0102_0304_0506_0708, 0xa1b2_c3d4, checked);
    for frame in frames {
        assert!(frame.write(&mut writer));
    }
    let len = writer.finish().unwrap();
    buffer.truncate(len);
    seal(&mut buffer);
    buffer
}

fn frames(datagram: &[u8]) -> Result<Vec<Frame<'_>>, PacketError> {
    match decode(datagram)? {
        Packet::Frames(packet) => packet.frames().collect(),
        _ => panic!("no packet of frames"),
    }
}

fn hello() -> Hello<'static> {
    Hello {
        version: 1,
        source: 0x8877_6655_4433_2211,
        initial_packet: 5,
        initial_segment: 6,
        max_bytes: 65_536,
        max_messages: 40,
        max_segment: 64,
        max_message: 10_000,
        max_datagram: 1_200,
        max_ack_delay: 25,
        cookie: None,
        resume: None,
    }
}

fn piece(flags: PieceFlags, index: u64, payload: &[u8]) -> Piece<'_> {
    Piece { flags, index, payload, skipped: 0 }
}

const FIRST: PieceFlags = PieceFlags::FIRST;
const LAST: PieceFlags = PieceFlags::LAST;
const WHOLE: PieceFlags = PieceFlags::WHOLE;
const UNORDERED: PieceFlags = PieceFlags::UNORDERED;
const SKIPPED: PieceFlags = PieceFlags::SKIPPED;
const LENGTH: PieceFlags = PieceFlags::HAS_LENGTH;
const FIN: PieceFlags = PieceFlags::FIN;

/// The pieces of a segment, written and read again.
fn segment(pieces: &[Piece<'_>]) -> Result<usize, PacketError> {
    let mut buffer = [0; 200];
    let mut writer = Writer::new(&mut buffer);
    for piece in pieces {
        assert!(piece.write(&mut writer));
    }
    let len = writer.finish().unwrap();
    let read: Vec<_> = Data { segment: 0, pieces: &buffer[..len] }.iter().collect::<Result<_, _>>()?;
    assert_eq!(read, pieces);
    Ok(len)
}

#[test]
fn the_handshake_in_hex() {
    let mut buffer = [0xff; 100];
    let len = encode_syn(&mut buffer, &hello(), 60).unwrap();
    let check = u32::from_le_bytes([buffer[9], buffer[10], buffer[11], buffer[12]]);
    let expected = std::format!(
        "58 0000000000000000 {:08x} 01 1122334455667788 05000000 06000000 80010000 28 4040 6710 44b0 19 00{}",
        check.swap_bytes(),
        " 00".repeat(60 - 43)
    );
    // 10,000 is 0x2710 and 1,200 is 0x04b0, both with 0x4000 for their two bytes.
    assert_eq!(hex::encode(&buffer[..len]), expected.replace(' ', ""));
    assert_eq!(decode(&buffer[..len]), Ok(Packet::Syn(hello())));

    let retry = Retry { cookie: b"xyz" };
    let len = encode_retry(&mut buffer, 3, &retry).unwrap();
    assert_eq!((&buffer[..9], &buffer[13..len]), (&[0x5a, 3, 0, 0, 0, 0, 0, 0, 0][..], &b"\x03xyz"[..]));
    assert_eq!(decode(&buffer[..len]), Ok(Packet::Retry { destination: 3, retry }));
    assert_eq!(destination(&buffer[..len]), Some(3));
    assert_eq!(destination(&buffer[..8]), None);
    assert_eq!(destination(b"\x43abcdefgh"), None);
}

#[test]
fn an_offer_to_resume_lists_what_was_received() {
    let mut room = [0; 100];
    let holes = Holes::encode(&mut room, [(1, 2), (5, 100), (1, 0), (1, 1)]);
    let resume = Resume { ours: 1, yours: 2, next_expected: 10, holes };
    let hello = Hello { cookie: Some(b"cookie"), resume: Some(resume), ..hello() };
    let mut buffer = [0; 200];
    let len = encode_syn_ack(&mut buffer, 9, &hello).unwrap();
    assert_eq!(decode(&buffer[..len]), Ok(Packet::SynAck { destination: 9, hello }));
    assert_eq!(resume.received().collect::<Vec<_>>(), [11..13, 18..118], "it ends where nothing was received");
    assert_eq!(encode_syn_ack(&mut buffer[..len - 1], 9, &hello), None);
    assert_eq!(Holes::encode(&mut [0; 3], [(1, 2), (3, 4)]), Holes::encode(&mut [0; 2], [(1, 2)]), "what fits");
    assert_eq!(Holes::encode(&mut [0; 200], core::iter::repeat_n((1, 1), 99)).count(), MAX_HOLES as u64);
    assert_eq!(Resume { holes: Holes::NONE, ..resume }.received().count(), 0);
}

#[test]
fn the_largest_cookie_there_and_back() {
    let mut buffer = [0; 200];
    let cookie = [7; MAX_COOKIE];
    let hello = Hello { cookie: Some(&cookie), ..hello() };
    let len = encode_syn(&mut buffer, &hello, 0).unwrap();
    assert_eq!(decode(&buffer[..len]), Ok(Packet::Syn(hello)));
    let retry = Retry { cookie: &cookie };
    let len = encode_retry(&mut buffer, 9, &retry).unwrap();
    assert_eq!(decode(&buffer[..len]), Ok(Packet::Retry { destination: 9, retry }));
}

#[test]
fn what_a_hello_may_not_say() {
    let mut buffer = [0; 200];
    let mut broken = |at: usize, byte: u8, hello: &Hello<'_>| {
        let len = encode_syn(&mut buffer, hello, 100).unwrap();
        buffer[at] = byte;
        seal(&mut buffer[..len]);
        decode(&buffer[..len]).map(|_| ())
    };
    let cookie = Hello { cookie: Some(b"c"), ..hello() };
    assert_eq!(broken(42, 4, &hello()), Err(PacketError::Padding), "flags that are not known");
    assert_eq!(broken(99, 1, &hello()), Err(PacketError::Padding));
    assert_eq!(broken(43, 65, &cookie), Err(PacketError::LongCookie { len: 65 }));
    let mut room = [0; 100];
    let holes = Holes::encode(&mut room, [(1, 2)]);
    let resume = Resume { ours: 1, yours: 2, next_expected: 10, holes };
    let offer = Hello { resume: Some(resume), ..hello() };
    for (at, byte) in [(60, 33), (61, 0), (62, 0)] {
        assert_eq!(broken(at, byte, &offer), Err(PacketError::Holes));
    }
}

#[test]
fn the_two_sizes_of_the_header() {
    assert_eq!((FramesPacket::header_len(true), FramesPacket::header_len(false)), (17, 13));
    let data = Frame::Data(Data { segment: 1, pieces: b"\x03x" });
    for (checked, len) in [(true, 23), (false, 19)] {
        let datagram = packet(checked, &[data]);
        assert_eq!(datagram.len(), len + 1);
        let Ok(Packet::Frames(read)) = decode(&datagram) else { panic!() };
        assert_eq!((read.destination, read.number, read.checked), (0x0102_0304_0506_0708, 0xa1b2_c3d4, checked));
        assert_eq!(frames(&datagram), Ok(vec![data]));
    }
}

#[test]
fn first_bytes_of_other_packets() {
    for byte in 0..=255_u8 {
        let bytes = [byte; 60];
        let result = decode(&bytes);
        match byte {
            0x53 => assert!(matches!(result, Ok(Packet::Frames(_)))),
            0x58..=0x5b => assert!(matches!(result, Err(PacketError::Damaged { .. }))),
            0x50..=0x52 => assert_eq!(result, Err(PacketError::Unchecked)),
            _ => assert_eq!(result, Err(PacketError::NotAPacket { byte })),
        }
    }
    assert_eq!(decode(&[]), Err(PacketError::Truncated));
    assert_eq!(decode(&packet(true, &[])), Err(PacketError::Empty));
    assert_eq!(decode(&packet(false, &[])), Err(PacketError::Empty));
}

#[test]
fn every_damaged_bit_is_found() {
    let good = packet(true, &[Frame::Ping, Frame::Data(Data { segment: 1, pieces: b"\x03hello, world" })]);
    for bit in 0..good.len() * 8 {
        let mut bad = good.clone();
        bad[bit / 8] ^= 1 << (bit % 8);
        // Without the bit of the check nothing is checked: who wants checks refuses packets that have none.
        match decode(&bad) {
            Ok(Packet::Frames(packet)) => assert!(bit == 3 && !packet.checked),
            Ok(_) => panic!("another kind of packet"),
            Err(_) => {}
        }
    }
}

#[test]
fn frames_that_there_are_not() {
    assert_eq!(frames(b"\x53aaaaaaaabbbb\x00"), Err(PacketError::UnknownFrame { byte: 0 }));
    assert_eq!(frames(b"\x53aaaaaaaabbbb\x06"), Err(PacketError::UnknownFrame { byte: 6 }));
    assert_eq!(frames(b"\x53aaaaaaaabbbb\x05abcd"), Err(PacketError::NoPiece));
    assert_eq!(frames(b"\x53aaaaaaaabbbb\x01aaaa\x00\x20\x00"), Err(PacketError::TooManyRanges { count: 33 }));
    let Ok(Packet::Frames(read)) = decode(b"\x53aaaaaaaabbbb\x03\x02\x00") else { panic!() };
    let all: Vec<_> = read.frames().collect();
    assert_eq!(all, [Ok(Frame::Ping), Err(PacketError::Truncated)], "after an error nothing comes");
}

#[test]
fn an_abort_says_why() {
    let abort = Frame::Abort { code: 7, text: b"enough" };
    assert_eq!(frames(&packet(true, &[abort])), Ok(vec![abort]));
    let long = Frame::Abort { code: 7, text: &[b'x'; 300] };
    assert_eq!(frames(&packet(true, &[long])), Ok(vec![Frame::Abort { code: 7, text: &[b'x'; 255] }]));
}

#[test]
fn pieces_that_go_together() {
    assert_eq!(segment(&[piece(WHOLE, 0, b"abc")]), Ok(4));
    assert_eq!(segment(&[piece(WHOLE, 0, b"")]), Ok(1), "a message may be empty");
    assert_eq!(segment(&[piece(WHOLE.with(LENGTH), 0, b""), piece(WHOLE, 0, b"")]), Ok(3));
    assert_eq!(segment(&[piece(WHOLE.with(UNORDERED), 0, b"abc")]), Ok(4), "no number for what is one piece");
    assert_eq!(segment(&[piece(FIRST.with(UNORDERED), 0, b"abc")]), Ok(5));
    assert_eq!(segment(&[piece(UNORDERED, 64, b"abc")]), Ok(6));
    assert_eq!(segment(&[piece(FIRST, 0, b"abc")]), Ok(4));
    let last = piece(LAST.with(LENGTH), 0, b"abc");
    assert_eq!(segment(&[last, piece(WHOLE.with(LENGTH), 0, b"d"), piece(FIN, 0, b"")]), Ok(9));
    let skipped = Piece { skipped: 1000, ..piece(WHOLE.with(SKIPPED).with(LENGTH), 0, b"") };
    assert_eq!(segment(&[skipped, skipped]), Ok(6));
    assert_eq!(skipped.credit(), 1000);
}

#[test]
fn a_flag_that_is_set_stays_set() {
    assert_eq!(PieceFlags::WHOLE.with(PieceFlags::LAST), PieceFlags::WHOLE);
    assert_eq!(PieceFlags::LAST.with(PieceFlags::FIN).bits(), 18);
}

#[test]
fn pieces_that_do_not_go_together() {
    let order = |flags: PieceFlags| Err(PacketError::PieceOrder { flags: flags.bits() });
    let one = piece(WHOLE.with(LENGTH), 0, b"a");
    assert_eq!(segment(&[one, piece(LAST, 0, b"b")]), order(LAST), "a message ends that has not begun");
    assert_eq!(segment(&[one, piece(FIRST, 0, b"b")]), order(FIRST), "a fragment is alone");
    assert_eq!(segment(&[piece(FIRST.with(LENGTH), 0, b"b"), one]), order(FIRST.with(LENGTH)));
    assert_eq!(segment(&[piece(FIN, 0, b""), one]), order(FIN));
    let flags = |flags: PieceFlags| Err(PacketError::PieceFlags { flags: flags.bits() });
    assert_eq!(segment(&[piece(FIN.with(WHOLE), 0, b"")]), flags(FIN.with(WHOLE)));
    assert_eq!(segment(&[piece(WHOLE.with(SKIPPED), 0, b"")]), flags(WHOLE.with(SKIPPED)));
    let unknown = PieceFlags::from_bits(0x80).with(WHOLE);
    assert_eq!(segment(&[piece(unknown, 0, b"")]), flags(unknown));
    assert_eq!(segment(&[piece(FIRST, 0, b"")]), Err(PacketError::EmptyFragment));
    for (flags, index) in [(FIRST.with(UNORDERED), 1), (LAST.with(UNORDERED), 0), (UNORDERED, 0)] {
        let expected = Err(PacketError::FragmentIndex { index, flags: flags.bits() });
        assert_eq!(segment(&[piece(flags, index, b"x")]), expected);
    }
    assert_eq!(Data { segment: 0, pieces: b"\x23\x05ab" }.iter().collect::<Vec<_>>(), [Err(PacketError::Truncated)]);
}

#[test]
fn as_many_ranges_as_fit() {
    let ranges: Vec<_> = (0..40).rev().map(|number| number * 10..=number * 10 + 3).collect();
    for room in 0..200 {
        let mut buffer = vec![0; 13 + room];
        let mut writer = Writer::new(&mut buffer);
        FramesPacket::begin(&mut writer, 0, 0, false);
        let written = Ack::write(&mut writer, 393, 1, ranges.clone());
        let len = writer.finish().unwrap();
        assert_eq!(written, room >= 8);
        if written {
            let read = frames(&buffer[..len]).unwrap();
            let [Frame::Ack(ack)] = read[..] else { panic!() };
            let count = ((room - 8) / 2 + 1).min(MAX_ACK_RANGES);
            assert_eq!(ack.ranges(393).unwrap().collect::<Vec<_>>(), ranges[..count]);
            let span = 393 - ranges[count - 1].start();
            assert!(ack.ranges(span).is_some() && ack.ranges(span - 1).is_none(), "none goes below zero");
        }
    }
    assert!(!Ack::write(&mut Writer::new(&mut [0; 100]), 1, 1, []), "nothing to acknowledge");
}

fn flags() -> impl Strategy<Value = PieceFlags> {
    (0..4_u8, any::<bool>(), any::<bool>()).prop_map(|(ends, unordered, receipt)| {
        let bits = ends | if unordered { 4 } else { 0 } | if receipt { 64 } else { 0 };
        PieceFlags::from_bits(bits)
    })
}

fn number() -> impl Strategy<Value = u64> {
    (0..=MAX_VARINT, 0..62_u32).prop_map(|(number, shift)| number >> shift)
}

proptest! {
    #[test]
    fn credits_there_and_back(a in number(), b in number(), c in number(), d in number(), cut: usize) {
        let credit = Credit { max_bytes: a, max_messages: b, max_segment: c, consumed: d };
        let datagram = packet(false, &[Frame::Credit(credit)]);
        prop_assert!(datagram.len() <= 13 + MAX_CREDIT_LEN);
        prop_assert_eq!(frames(&datagram), Ok(vec![Frame::Credit(credit)]));
        let cut = 14 + cut % (datagram.len() - 14);
        prop_assert_eq!(frames(&datagram[..cut]), Err(PacketError::Truncated));
    }

    #[test]
    fn acknowledgements_there_and_back(
        steps in prop::collection::vec((number(), number()), 1..=32), shift in 8..62_u32, delay in number(), cut: usize,
    ) {
        // From the top downwards, so that nothing goes below zero.
        let mut ranges = Vec::new();
        let mut end = MAX_VARINT;
        for (gap, len) in steps {
            let start = end.saturating_sub(len >> shift);
            ranges.push(start..=end);
            let Some(next) = start.checked_sub((gap >> shift) + 2) else { break };
            end = next;
        }
        let mut buffer = [0; 1000];
        let mut writer = Writer::new(&mut buffer);
        FramesPacket::begin(&mut writer, 0, 0, false);
        prop_assert!(Ack::write(&mut writer, 5, delay, ranges.clone()));
        let len = writer.finish().unwrap();
        let read = frames(&buffer[..len]).unwrap();
        let [Frame::Ack(ack)] = read[..] else { panic!() };
        prop_assert_eq!((ack.largest, ack.delay), (5, delay));
        prop_assert_eq!(ack.ranges(MAX_VARINT).unwrap().collect::<Vec<_>>(), ranges);
        prop_assert_eq!(packet(false, &[Frame::Ack(ack)])[13..].to_vec(), buffer[13..len].to_vec());
        let cut = 14 + cut % (len - 14);
        prop_assert_eq!(frames(&buffer[..cut]), Err(PacketError::Truncated));
    }

    #[test]
    fn pieces_there_and_back(flags in flags(), index in 1..1000_u64, payload in prop::collection::vec(any::<u8>(), 1..200), length: bool) {
        let index = if flags.has_index() && !flags.has(FIRST) { index } else { 0 };
        let flags = if length { flags.with(LENGTH) } else { flags };
        let piece = piece(flags, index, &payload);
        let mut buffer = [0; 300];
        let mut writer = Writer::new(&mut buffer);
        prop_assert!(piece.write(&mut writer));
        let len = writer.finish().unwrap();
        prop_assert_eq!(len, payload.len() + Piece::overhead(flags, index, payload.len()));
        prop_assert_eq!(Piece::split(&buffer[..len], true), Ok((piece, &[][..])));
        prop_assert!(!piece.write(&mut Writer::new(&mut buffer[..len - 1])));
    }

    #[test]
    fn any_bytes_are_read_or_refused(mut bytes: Vec<u8>, kind in 0..16_u8, sealed: bool) {
        if let Some(first) = bytes.first_mut() {
            *first = 0x50 | kind;
        }
        if sealed {
            seal(&mut bytes);
        }
        if let Ok(Packet::Frames(packet)) = decode(&bytes) {
            prop_assert_eq!(destination(&bytes), Some(packet.destination));
            for frame in packet.frames() {
                if let Ok(Frame::Data(data)) = frame {
                    let _ = data.iter().count();
                }
            }
        }
    }
}
