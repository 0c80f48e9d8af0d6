//! The memory of the two halves of the sliding window, measured by an allocator that counts.

#![allow(dead_code, unused_imports, unreachable_pub)]

extern crate alloc;

#[path = "support/counting.rs"]
mod counting;

use mconn::time;

/// The halves are not public: they are built here from their sources.
#[path = "."]
mod sliding_window {
    #[path = "../src/sliding_window/fault.rs"]
    pub(crate) mod fault;
    #[path = "../src/sliding_window/number.rs"]
    pub(crate) mod number;
    pub(crate) use mconn::sliding_window::packet;
    #[path = "../src/sliding_window/receiver/mod.rs"]
    pub(crate) mod receiver;
    #[path = "../src/sliding_window/ring.rs"]
    pub(crate) mod ring;
    #[path = "../src/sliding_window/sender/mod.rs"]
    pub(crate) mod sender;
}

use bytes::Bytes;
use counting::measure;
use sliding_window::number::Numbering;
use sliding_window::packet::{Data, Frame, FramesPacket, Packet, Piece, PieceFlags, Writer, decode};
use sliding_window::receiver::{Arrival, Receiver, ReceiverConfig};
use sliding_window::sender::{Class, SendOptions, Sender, SenderConfig};
use time::Instant;

const RECEIVER: ReceiverConfig = ReceiverConfig {
    window_bytes: 1 << 18,
    window_messages: 1 << 12,
    window_segments: 256,
    max_message: 1 << 18,
    max_segment: 1200,
};

const SENDER: SenderConfig = SenderConfig {
    max_message: 1 << 18,
    buffer_bytes: 1 << 20,
    buffer_messages: 1 << 12,
    window_segments: 256,
    max_frame: 1183,
    max_receipts: 1 << 10,
};

/// Sends all there is from one to the other and takes it there. Every third packet comes after the next.
fn exchange(sender: &mut Sender, receiver: &mut Receiver) -> (usize, usize) {
    let (mut taken, mut bytes) = (0, 0);
    let mut late: Option<([u8; 1200], usize)> = None;
    let mut packets = 0;
    loop {
        let mut buffer = [0; 1200];
        let mut writer = Writer::new(&mut buffer);
        FramesPacket::begin(&mut writer, 1, 2, false);
        let segment = sender.write_next(Instant::ZERO, Numbering::new(0), &mut writer);
        let len = segment.and_then(|_| writer.finish());
        packets += 1;
        let held =
            if packets % 3 == 0 && late.is_none() { late.replace((buffer, len.unwrap_or(0))) } else { late.take() };
        let now = if late.is_some() && held.is_none() { None } else { len.map(|len| (buffer, len)) };
        if now.is_none() && held.is_none() && late.is_none() {
            return (taken, bytes);
        }
        for (datagram, len) in now.into_iter().chain(held) {
            let Ok(Packet::Frames(packet)) = decode(&datagram[..len]) else { continue };
            let Some(Ok(Frame::Data(Data { segment, pieces }))) = packet.frames().next() else { panic!("data") };
            assert_eq!(receiver.on_data(u64::from(segment), pieces), Ok(Arrival::New));
            sender.on_acked(u64::from(segment));
        }
        while let Some(len) = receiver.receive_with(|message| message.payload.len()) {
            taken += 1;
            bytes += len;
        }
        if receiver.credit_due() {
            let credit = receiver.credit();
            sender.on_credit(&credit);
            sender.on_consumed(credit.consumed, &mut |_| {}).unwrap();
        }
    }
}

/// Messages of all sizes and classes without expiry: after a first round nothing is asked of the heap any more.
#[test]
fn after_the_first_round_lending_allocates_nothing() {
    let (mut sender, mut receiver) = (Sender::new(SENDER), Receiver::new(RECEIVER));
    sender.on_credit(&receiver.granted());
    let payload = Bytes::from(vec![7; 20_000]);
    let sizes = [0, 64, 64, 64, 700, 1024, 64, 5_000, 64, 1, 20_000, 64];
    let mut round = || {
        for turn in 0..20 {
            for (index, size) in sizes.into_iter().enumerate() {
                // Whole messages of both classes, and large ones in order: out of order these need a tree.
                let class = if index % 2 == 0 && size < 1024 { Class::Unordered } else { Class::Ordered };
                let mut options = if class == Class::Ordered { SendOptions::ORDERED } else { SendOptions::UNORDERED };
                options.receipt = turn % 4 == 0;
                sender.try_send(payload.slice(..size), &options).unwrap();
            }
            let (taken, bytes) = exchange(&mut sender, &mut receiver);
            assert_eq!((taken, bytes), (sizes.len(), sizes.iter().sum()));
        }
    };
    round();
    let ((), used) = measure(round);
    assert_eq!((used.calls, used.kept), (0, 0), "{used:?}");
}

fn segment(flags: PieceFlags, index: u64, payload: &[u8]) -> Vec<u8> {
    let mut buffer = vec![0; payload.len() + 20];
    let mut writer = Writer::new(&mut buffer);
    assert!(Piece { flags, index, payload, skipped: 0 }.write(&mut writer));
    let len = writer.finish().unwrap();
    buffer.truncate(len);
    buffer
}

/// What the documents of the receiver promise.
fn promised(config: &ReceiverConfig) -> usize {
    let (bytes, segments) = (config.window_bytes as usize, config.window_segments as usize);
    let slots = 2 * segments * 80 + 2 * bytes + segments * (config.max_segment.min(2048) + 24);
    slots + 2 * config.max_message + 2 * config.window_messages as usize * 24 + segments * 100
}

/// An attacker that leaves the first segment out and sends all others: as small and as large as they may be, of all kinds, as
/// often as it likes.
#[test]
fn memory_is_bounded_under_an_attack_with_gaps() {
    for size in [0, 1, 1000, 100_000] {
        for flags in [PieceFlags::WHOLE, PieceFlags::WHOLE.with(PieceFlags::UNORDERED), PieceFlags::UNORDERED] {
            if size == 0 && !flags.is_whole() {
                continue;
            }
            let payload = vec![7; size];
            let (receiver, used) = measure(|| {
                let mut receiver = Receiver::new(RECEIVER);
                for number in (1..2000).rev().chain(1..2000) {
                    // Beyond the credit: an error, and nothing is kept.
                    let _ = receiver.on_data(number, &segment(flags, number.min(1 + number % 7), &payload));
                }
                receiver
            });
            let allowed = promised(&RECEIVER) + 2 * size + 100;
            assert!(used.peak <= allowed, "{size} {flags:?}: {} of {allowed} bytes", used.peak);
            assert!(receiver.held_bytes() <= RECEIVER.window_bytes);
        }
    }
}

/// Large buffers that come back are not kept for small segments beyond the window.
#[test]
fn buffers_do_not_pile_up() {
    let config = ReceiverConfig { max_segment: 60_000, ..RECEIVER };
    let (_receiver, used) = measure(|| {
        let mut receiver = Receiver::new(config);
        let mut number = 0;
        let large = segment(PieceFlags::WHOLE, 0, &[1; 60_000]);
        for _ in 0..50 {
            let first = number;
            // Four large ones, the first one last.
            for offset in [1, 2, 3, 0] {
                receiver.on_data(first + offset, &large).unwrap();
            }
            while receiver.receive_with(|_| ()).is_some() {}
            receiver.credit();
            // And as many small ones as there are slots.
            let small = segment(PieceFlags::WHOLE, 0, b"x");
            for offset in (0..config.window_segments).rev() {
                receiver.on_data(first + 4 + offset, &small).unwrap();
            }
            while receiver.receive_with(|_| ()).is_some() {}
            receiver.credit();
            number = first + 4 + config.window_segments;
        }
        receiver
    });
    let allowed = promised(&config) + 200_000;
    assert!(used.peak <= allowed, "{} of {allowed} bytes", used.peak);
    assert!(used.kept as usize <= promised(&config), "{used:?}");
}

/// Messages that expire before they are sent leave nothing behind, however many there are.
#[test]
fn expired_messages_leave_nothing() {
    let mut sender = Sender::new(SENDER);
    let payload = Bytes::from_static(&[7; 100]);
    sender.try_send(payload.clone(), &SendOptions::ORDERED).unwrap();
    let mut expire = |rounds: u64| {
        for round in 0..rounds {
            let deadline = Instant::from_nanos(round);
            let options = SendOptions::ORDERED.expires(sliding_window::sender::Expires::At(deadline));
            sender.try_send(payload.clone(), &options).unwrap();
            sender.expire(deadline);
            assert!(sender.poll_expired().is_some());
        }
    };
    expire(100);
    let ((), used) = measure(|| expire(10_000));
    assert!(used.peak < 10_000, "{used:?}");
    assert_eq!((sender.buffered_messages(), sender.buffered_bytes()), (1, 100));
}
