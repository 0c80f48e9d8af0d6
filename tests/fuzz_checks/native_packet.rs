//! Bytes into the decoder of the sliding window's native packet.

use mconn::sliding_window::packet::{
    self, Frame, FramesPacket, Hello, Packet, PacketError, Piece, Writer, decode, destination, seal,
};

/// Decodes `data` as it is, and once more as a packet of each kind with a check that is right. What was decoded encodes to
/// something that decodes the same.
pub(crate) fn check(data: &[u8]) {
    one(data);
    let Some((&kind, _)) = data.split_first() else { return };
    let mut datagram = data.to_vec();
    datagram[0] = 0x50 | (kind & 0x0b);
    seal(&mut datagram);
    one(&datagram);
}

fn one(datagram: &[u8]) {
    match decode(datagram) {
        Ok(Packet::Frames(packet)) => {
            assert_eq!(destination(datagram), Some(packet.destination));
            frames(datagram, &packet);
        }
        Ok(Packet::Syn(hello)) => {
            handshake(&Packet::Syn(hello), |buffer| packet::encode_syn(buffer, &hello, datagram.len()));
            received(&hello);
        }
        Ok(syn_ack @ Packet::SynAck { destination, hello }) => {
            handshake(&syn_ack, |buffer| packet::encode_syn_ack(buffer, destination, &hello));
            received(&hello);
        }
        Ok(whole @ Packet::Retry { destination, retry }) => {
            handshake(&whole, |buffer| packet::encode_retry(buffer, destination, &retry));
        }
        Ok(other) => panic!("an unknown packet: {other:?}"),
        Err(_) => {}
    }
}

fn handshake(expected: &Packet<'_>, encode: impl FnOnce(&mut [u8]) -> Option<usize>) {
    let mut buffer = vec![0; 4096];
    if let Some(len) = encode(&mut buffer) {
        assert_eq!(decode(&buffer[..len]).as_ref(), Ok(expected), "encode and decode are inverse");
    }
}

/// What an offer to resume lists is in order and apart.
fn received(hello: &Hello<'_>) {
    if let Some(resume) = hello.resume {
        let mut end = resume.next_expected;
        for range in resume.received() {
            assert!(range.start > end && range.end > range.start, "{range:?} after {end}");
            end = range.end;
        }
        assert!(resume.received().count() as u64 == resume.holes.count());
    }
}

fn frames(datagram: &[u8], packet: &FramesPacket<'_>) {
    let mut buffer = vec![0; 2 * datagram.len() + 100];
    let mut writer = Writer::new(&mut buffer);
    FramesPacket::begin(&mut writer, packet.destination, packet.number, packet.checked);
    let read: Vec<_> = packet.frames().collect();
    for (index, frame) in read.iter().enumerate() {
        let Ok(frame) = frame else {
            assert_eq!(index + 1, read.len(), "after an error nothing comes");
            return;
        };
        assert!(frame.write(&mut writer));
        match frame {
            Frame::Ack(ack) => ranges(ack),
            Frame::Data(data) => pieces(data.pieces),
            _ => {}
        }
    }
    let len = writer.finish().unwrap();
    seal(&mut buffer[..len]);
    let Ok(Packet::Frames(again)) = decode(&buffer[..len]) else { panic!("what was decoded encodes") };
    assert_eq!(again.frames().collect::<Vec<_>>(), read, "encode and decode are inverse");
}

fn ranges(ack: &packet::Ack<'_>) {
    for largest in [0, 1, 1 << 20, u64::MAX] {
        let mut below = None;
        for range in ack.ranges(largest).into_iter().flatten() {
            assert!(range.start() <= range.end() && below.is_none_or(|below| *range.end() < below), "{range:?}");
            below = Some(range.start().saturating_sub(1));
        }
    }
}

fn pieces(bytes: &[u8]) {
    let read: Result<Vec<Piece<'_>>, PacketError> = packet::Data { segment: 0, pieces: bytes }.iter().collect();
    let Ok(read) = read else { return };
    let mut buffer = vec![0; bytes.len()];
    let mut writer = Writer::new(&mut buffer);
    for piece in &read {
        assert!(piece.write(&mut writer), "no longer than it was");
    }
    let len = writer.finish().unwrap();
    let again: Vec<_> = packet::Data { segment: 0, pieces: &buffer[..len] }.iter().map(Result::unwrap).collect();
    assert_eq!(again, read, "encode and decode are inverse");
}

/// Packets to start from.
pub(crate) fn examples() -> Vec<Vec<u8>> {
    let mut holes = [0; 20];
    let resume = packet::Resume {
        ours: 1,
        yours: 2,
        next_expected: 3,
        holes: packet::Holes::encode(&mut holes, [(1, 2), (70, 1)]),
    };
    let hello = Hello {
        version: 1,
        source: 0x0123_4567_89ab_cdef,
        initial_packet: u32::MAX,
        initial_segment: 7,
        max_bytes: 1 << 20,
        max_messages: 1000,
        max_segment: 64,
        max_message: 1 << 20,
        max_datagram: 1200,
        max_ack_delay: 25_000,
        cookie: Some(b"cookie"),
        resume: Some(resume),
    };
    let mut all = Vec::new();
    let mut buffer = [0; 1000];
    let mut add = |encode: &dyn Fn(&mut [u8]) -> Option<usize>| {
        let len = encode(&mut buffer).unwrap();
        all.push(buffer[..len].to_vec());
    };
    add(&|buffer| packet::encode_syn(buffer, &hello, 200));
    add(&|buffer| packet::encode_syn(buffer, &Hello { cookie: None, resume: None, ..hello }, 0));
    add(&|buffer| packet::encode_syn_ack(buffer, 5, &hello));
    add(&|buffer| packet::encode_retry(buffer, 5, &packet::Retry { cookie: &[9; 64] }));
    let credit = packet::Credit { max_bytes: 1 << 31, max_messages: 70, max_segment: 1 << 15, consumed: 5 };
    let segments: [&[u8]; 8] = [
        b"\x03hello",
        b"\x23\x02ab\x23\x00\x03",
        b"\x01part",
        b"\x05\x00part",
        b"\x06\x03last",
        b"\x22\x04last\x63\x01x\x10",
        b"\x2b\x44\x00\x2f\x00",
        b"\x10",
    ];
    for (index, pieces) in segments.into_iter().enumerate() {
        add(&|buffer| {
            let mut writer = Writer::new(buffer);
            FramesPacket::begin(&mut writer, 5, 9, index % 2 == 0);
            packet::Ack::write(&mut writer, 9, 1000, [7..=9, 4..=4, 0..=1]);
            Frame::Credit(credit).write(&mut writer);
            Frame::Ping.write(&mut writer);
            Frame::Abort { code: 300, text: b"over" }.write(&mut writer);
            Frame::Data(packet::Data { segment: 3, pieces }).write(&mut writer);
            let len = writer.finish()?;
            seal(&mut buffer[..len]);
            Some(len)
        });
    }
    all
}
