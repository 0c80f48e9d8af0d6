//! Sender and receiver directly joined, over a wire that loses, doubles and reorders, against a plain model.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::vec;
use std::vec::Vec;

use bytes::Bytes;
use proptest::prelude::*;

use super::number::Numbering;
use super::packet::{Credit, Data, Frame, FramesPacket, Packet, Writer, decode, seal};
use super::receiver::{Arrival, Receiver, ReceiverConfig};
use super::sender::{Class, Expires, MessageId, SendOptions, Sender, SenderConfig};
use crate::time::Instant;

/// One of the two directions of a session, and all that is said about it.
pub(super) struct Joined {
    pub(super) sender: Sender,
    pub(super) receiver: Receiver,
    numbering: Numbering,
    now: Instant,
    max_frame: usize,
    /// Packets on their way: the segment as the sender knows it, and the datagram.
    wire: Vec<(u64, Vec<u8>)>,
    /// Credit frames on their way.
    credits: Vec<Credit>,
    credit_lost: bool,
    /// Messages that were sent in order and not delivered, and those out of order.
    ordered: VecDeque<(u64, Vec<u8>)>,
    unordered: BTreeMap<u64, Vec<u8>>,
    expired: BTreeSet<u64>,
    receipts_wanted: VecDeque<u64>,
    delivered: u64,
}

#[derive(Clone, Debug)]
enum Step {
    Send { len: usize, unordered: bool, expires: Option<Expires>, receipt: bool },
    Transmit { room: usize },
    Probe,
    Deliver(usize),
    Double(usize),
    Lose(usize),
    Take,
    Grant { lost: bool },
    Credit(usize),
    Wait(u64),
}

#[derive(Clone, Debug)]
struct Limits {
    initial: u32,
    max_frame: usize,
    window_bytes: u64,
    window_messages: u64,
    window_segments: u64,
    own_window: usize,
    buffer_messages: usize,
}

impl Limits {
    fn receiver(&self) -> ReceiverConfig {
        ReceiverConfig {
            window_bytes: self.window_bytes,
            window_messages: self.window_messages,
            window_segments: self.window_segments,
            max_message: self.window_bytes as usize,
            max_segment: self.max_frame,
        }
    }

    fn sender(&self) -> SenderConfig {
        SenderConfig {
            max_message: self.window_bytes as usize,
            buffer_bytes: 2 * self.window_bytes as usize,
            buffer_messages: self.buffer_messages,
            window_segments: self.own_window,
            max_frame: self.max_frame,
            max_receipts: 5,
        }
    }
}

impl Joined {
    fn new(limits: &Limits) -> Self {
        let receiver = Receiver::new(limits.receiver());
        let mut sender = Sender::new(limits.sender());
        sender.on_credit(&receiver.granted());
        Self {
            sender,
            receiver,
            numbering: Numbering::new(limits.initial),
            now: Instant::from_secs(1),
            max_frame: limits.max_frame,
            wire: Vec::new(),
            credits: Vec::new(),
            credit_lost: false,
            ordered: VecDeque::new(),
            unordered: BTreeMap::new(),
            expired: BTreeSet::new(),
            receipts_wanted: VecDeque::new(),
            delivered: 0,
        }
    }

    /// A message that says which one it is, if it is long enough.
    fn payload(id: u64, len: usize) -> Vec<u8> {
        (0..len).map(|index| if index < 4 { (id >> (8 * index)) as u8 } else { (id as usize + index) as u8 }).collect()
    }

    fn send(&mut self, len: usize, options: &SendOptions) {
        let id = self.sender.counters().accepted;
        let payload = Self::payload(id, len);
        if let Ok(message) = self.sender.try_send(payload.clone().into(), options) {
            assert_eq!(message, MessageId(id));
            match options.class {
                Class::Ordered => self.ordered.push_back((id, payload)),
                Class::Unordered => drop(self.unordered.insert(id, payload)),
            }
            if options.receipt {
                self.receipts_wanted.push_back(id);
            }
        }
    }

    fn packet(&mut self, segment: u64, room: usize) {
        let mut datagram = vec![0; FramesPacket::header_len(true) + room];
        let mut writer = Writer::new(&mut datagram);
        FramesPacket::begin(&mut writer, 1, 2, true);
        let frame = self.sender.encode(segment, self.numbering.shorten(segment), writer.free());
        writer.written(frame);
        let len = writer.finish().expect("a segment takes no more than its room");
        datagram.truncate(len);
        seal(&mut datagram);
        self.wire.push((segment, datagram));
    }

    fn transmit(&mut self, room: usize) -> bool {
        let segment = self.sender.next(self.now, room);
        if let Some(segment) = segment {
            self.packet(segment, room);
        }
        self.note_expired();
        segment.is_some()
    }

    fn note_expired(&mut self) {
        while let Some(id) = self.sender.poll_expired() {
            assert!(self.expired.insert(id.number()), "told once");
            self.receipts_wanted.retain(|wanted| *wanted != id.number());
        }
    }

    fn arrive(&mut self, datagram: &[u8]) -> Option<(u64, Arrival)> {
        let Ok(Packet::Frames(packet)) = decode(datagram) else { panic!("a good packet") };
        let Some(Ok(Frame::Data(Data { segment, pieces }))) = packet.frames().next() else { panic!("data") };
        let segment = self.numbering.widen(segment, self.receiver.next_expected())?;
        let arrival = self.receiver.on_data(segment, pieces).expect("an honest peer");
        assert!(self.receiver.held_bytes() <= self.receiver.granted().max_bytes);
        Some((segment, arrival))
    }

    fn deliver(&mut self, index: usize) {
        if index < self.wire.len() {
            let (segment, datagram) = self.wire.swap_remove(index);
            let (number, arrival) = self.arrive(&datagram).unwrap();
            assert_eq!(number, segment);
            match arrival {
                Arrival::Refused => self.sender.on_lost(segment),
                _ => self.sender.on_acked(segment),
            }
        }
    }

    fn check(&mut self, payload: &[u8], class: Class) {
        self.delivered += 1;
        match class {
            Class::Ordered => loop {
                let (id, expected) = self.ordered.pop_front().expect("a message that was sent");
                if expected == payload {
                    break;
                }
                assert!(self.expired.contains(&id), "message {id} was lost");
            },
            Class::Unordered => {
                let found = self.unordered.iter().find(|(_, expected)| *expected == payload).map(|(id, _)| *id);
                self.unordered.remove(&found.expect("a message that was sent"));
            }
        }
    }

    fn take(&mut self) -> bool {
        let message = self.receiver.take();
        if let Some(message) = &message {
            self.check(&message.payload, message.class);
        }
        assert!(message.is_some() || !self.receiver.is_readable());
        message.is_some()
    }

    fn grant(&mut self, lost: bool) {
        if self.receiver.credit_due() || self.credit_lost {
            let credit = self.receiver.credit();
            self.credit_lost = lost;
            if !lost {
                self.credits.push(credit);
            }
        }
    }

    fn credit(&mut self, index: usize) {
        if index < self.credits.len() {
            let credit = self.credits.swap_remove(index);
            let wanted = &mut self.receipts_wanted;
            self.sender.on_credit(&credit);
            let told = |id: MessageId| assert_eq!(Some(id.number()), wanted.pop_front(), "receipts come in order");
            self.sender.on_consumed(credit.consumed, &mut { told }).unwrap();
        }
    }

    fn step(&mut self, step: &Step) {
        match *step {
            Step::Send { len, unordered, expires, receipt } => {
                let class = if unordered { Class::Unordered } else { Class::Ordered };
                // What may be missing must be told from all others.
                let len = if expires.is_some() { len.max(4) } else { len };
                let expires = match expires {
                    Some(Expires::At(time)) => Expires::At(self.now + (time - Instant::ZERO)),
                    Some(other) => other,
                    None => Expires::Never,
                };
                self.send(len, &SendOptions { class, expires, receipt });
            }
            Step::Transmit { room } => drop(self.transmit(room.min(self.max_frame))),
            Step::Probe => {
                if let Some(segment) = self.sender.probe_segment(self.now, self.max_frame) {
                    self.packet(segment, self.max_frame);
                }
                self.note_expired();
            }
            Step::Deliver(index) => self.deliver(index % self.wire.len().max(1)),
            Step::Double(index) => {
                if let Some((_, datagram)) = self.wire.get(index % self.wire.len().max(1)).cloned() {
                    self.arrive(&datagram);
                }
            }
            Step::Lose(index) => {
                if !self.wire.is_empty() {
                    let (segment, _) = self.wire.swap_remove(index % self.wire.len());
                    self.sender.on_lost(segment);
                }
            }
            Step::Take => drop(self.take()),
            Step::Grant { lost } => self.grant(lost),
            Step::Credit(index) => self.credit(index % self.credits.len().max(1)),
            Step::Wait(millis) => self.now += core::time::Duration::from_millis(millis),
        }
    }

    /// Lets everything come to its end, without any more loss.
    fn finish(&mut self) {
        self.sender.finish();
        for _ in 0..20_000 {
            let mut moved = self.transmit(self.max_frame);
            moved |= !self.wire.is_empty();
            self.deliver(0);
            moved |= self.take();
            moved |= self.receiver.credit_due() || self.credit_lost || !self.credits.is_empty();
            self.grant(false);
            self.credit(0);
            if !moved {
                break;
            }
        }
        self.grant(false);
        while !self.credits.is_empty() {
            self.credit(0);
        }
        assert_eq!(self.sender.blocked_by().filter(|_| self.sender.has_unsent()), None, "nothing waits for ever");
        assert!(!self.sender.has_work() && !self.sender.has_unsent());
        assert!(self.sender.is_finished() && self.receiver.is_finished() && self.receiver.has_ended());
        for id in self.ordered.iter().map(|(id, _)| id).chain(self.unordered.keys()) {
            assert!(self.expired.contains(id), "message {id} was lost");
        }
        assert_eq!(self.receipts_wanted.len(), 0, "every receipt has come");
        let (sent, received) = (self.sender.counters(), self.receiver.counters());
        assert_eq!((self.sender.buffered_bytes(), self.sender.buffered_messages()), (0, 0));
        assert_eq!((sent.expired, self.receiver.held_bytes()), (self.expired.len() as u64, 0));
        assert_eq!(received.taken, self.delivered);
        assert!(self.sender.is_flushed(sent.accepted));
    }
}

fn expires() -> impl Strategy<Value = Option<Expires>> {
    prop_oneof![
        6 => Just(None),
        1 => (0..30_u64).prop_map(|millis| Some(Expires::At(Instant::from_millis(millis)))),
        1 => (0..3_u32).prop_map(|most| Some(Expires::Transmissions(most))),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    let len = prop_oneof![0..20_usize, 0..200_usize, 0..1500_usize];
    prop_oneof![
        6 => (len, any::<bool>(), expires(), any::<bool>())
            .prop_map(|(len, unordered, expires, receipt)| Step::Send { len, unordered, expires, receipt }),
        6 => (10..400_usize).prop_map(|room| Step::Transmit { room }),
        1 => Just(Step::Probe),
        5 => any::<usize>().prop_map(Step::Deliver),
        1 => any::<usize>().prop_map(Step::Double),
        2 => any::<usize>().prop_map(Step::Lose),
        4 => Just(Step::Take),
        2 => any::<bool>().prop_map(|lost| Step::Grant { lost }),
        2 => any::<usize>().prop_map(Step::Credit),
        1 => (0..20_u64).prop_map(Step::Wait),
    ]
}

fn limits() -> impl Strategy<Value = Limits> {
    let initial = prop_oneof![any::<u32>(), u32::MAX - 20..=u32::MAX];
    let sizes = (30..300_usize, 1..3000_u64, 1..20_u64, 1..20_u64, 1..20_usize, 1..30_usize);
    (initial, sizes).prop_map(|(initial, (max_frame, bytes, messages, segments, own, buffer))| Limits {
        initial,
        max_frame,
        window_bytes: bytes,
        window_messages: messages,
        window_segments: segments,
        own_window: own,
        buffer_messages: buffer,
    })
}

proptest! {
    #[test]
    fn nothing_is_lost_doubled_reordered_or_truncated(
        limits in limits(),
        steps in prop::collection::vec(step(), 0..300),
    ) {
        let mut joined = Joined::new(&limits);
        for step in &steps {
            joined.step(step);
        }
        joined.finish();
    }

    /// What is written in any parts is read in any others.
    #[test]
    fn a_stream_is_a_stream(
        limits in limits(),
        steps in prop::collection::vec((0..5_u8, 0..2000_usize), 0..200),
    ) {
        let mut joined = Joined::new(&limits);
        let (mut written, mut read) = (0_usize, 0_usize);
        let mut read_some = |joined: &mut Joined, len: usize| {
            let mut buffer = vec![0; len];
            let core::task::Poll::Ready(len) = joined.receiver.read(&mut buffer) else { return false };
            for byte in &buffer[..len] {
                assert_eq!(*byte, (read * read / 7) as u8, "byte {read}");
                read += 1;
            }
            len > 0
        };
        for (kind, size) in steps {
            match kind {
                0 => {
                    let bytes: Vec<u8> = (written..written + size).map(|at| (at * at / 7) as u8).collect();
                    written += joined.sender.write(&bytes);
                }
                1 => drop(joined.transmit(limits.max_frame)),
                2 => joined.step(&Step::Deliver(size)),
                3 => joined.step(&Step::Lose(size)),
                _ => drop(read_some(&mut joined, size)),
            }
            joined.grant(false);
            joined.credit(0);
        }
        joined.sender.finish();
        prop_assert_eq!(joined.sender.write(b"late"), 0);
        for _ in 0..20_000 {
            if joined.receiver.is_finished() {
                break;
            }
            joined.transmit(limits.max_frame);
            joined.deliver(0);
            read_some(&mut joined, 1000);
            joined.grant(false);
            joined.credit(0);
        }
        prop_assert_eq!(joined.receiver.read(&mut [0; 10]), core::task::Poll::Ready(0));
        prop_assert_eq!(read, written);
    }
}

impl Joined {
    /// Everything between the two with no loss at all, until nothing moves.
    fn pump(&mut self) {
        while self.transmit(self.max_frame) {}
        while !self.wire.is_empty() {
            self.deliver(0);
        }
    }
}

const USUAL: Limits = Limits {
    initial: u32::MAX - 2,
    max_frame: 1200,
    window_bytes: 100_000,
    window_messages: 1000,
    window_segments: 100,
    own_window: 100,
    buffer_messages: 1000,
};

#[test]
fn what_waits_together_goes_together() {
    let mut joined = Joined::new(&USUAL);
    for _ in 0..30 {
        joined.send(64, &SendOptions::ORDERED);
    }
    assert!(joined.transmit(1200) && joined.transmit(1200) && !joined.transmit(1200));
    // 5 bytes of the frame, 3 before each message and 1 before the last; none is cut.
    assert_eq!(joined.wire[0].1.len(), 17 + 5 + 17 * 67 - 2);
    joined.pump();
    while joined.take() {}
    assert_eq!(joined.delivered, 30);
}

#[test]
fn a_single_message_never_waits_and_has_no_length() {
    let mut joined = Joined::new(&USUAL);
    joined.send(64, &SendOptions::ORDERED);
    assert!(joined.transmit(1200));
    assert_eq!(joined.wire[0].1.len(), 23 + 64);
}

/// A copy of what comes early, while the ordered stream still gets it: what the original's `RegisterAsap` was to do.
#[test]
fn the_tap_shows_what_arrives_before_its_turn() {
    let mut joined = Joined::new(&USUAL);
    joined.receiver.register_asap(2);
    for len in [10, 20, 30, 40] {
        joined.send(len, &SendOptions::ORDERED);
        joined.transmit(1200);
    }
    for _ in 0..3 {
        joined.deliver(1);
    }
    assert!(!joined.receiver.is_readable(), "the first one is missing");
    let seen: Vec<_> = core::iter::from_fn(|| joined.receiver.next_asap()).collect();
    let copy = |segment: u64, len| super::receiver::Asap {
        segment,
        payload: Bytes::from(Joined::payload(segment, len)),
        first: true,
        last: true,
    };
    assert_eq!(seen, [copy(3, 40), copy(2, 30)]);
    assert_eq!(joined.receiver.asap_dropped(), 1);
    joined.finish();
    assert_eq!(joined.delivered, 4);
}
