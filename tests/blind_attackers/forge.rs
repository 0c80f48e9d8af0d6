//! What somebody can send who knows everything of a session but its tags: all packets as they were, the numbers that come next,
//! the addresses. It asks nothing of the heap.

use mconn::sliding_window::packet::{
    Ack, Credit, Data, Frame, FramesPacket, Hello, Packet, Piece, PieceFlags, Retry, Writer, decode, encode_retry,
    encode_syn, encode_syn_ack, seal,
};

use crate::rng::Rng;

/// One of these datagrams, or an empty one when there is none.
fn pick<'a>(rng: &mut Rng, all: &'a [Vec<u8>]) -> &'a [u8] {
    if all.is_empty() { &[] } else { rng.pick::<Vec<u8>>(all) }
}

/// What the attacker has seen.
#[derive(Clone, Debug, Default)]
pub(crate) struct Seen {
    /// Datagrams of the session, of both sides, whose tags it could not read.
    pub(crate) session: Vec<Vec<u8>>,
    /// Datagrams of an earlier session of the same two, with their tags.
    pub(crate) earlier: Vec<Vec<u8>>,
    /// The tag of the side under attack. It is here so that a guess is as near to it as a guess can be, and is never it.
    pub(crate) tag: u64,
    /// What the other side has called itself: the tag of what goes the other way.
    pub(crate) other_tag: u64,
}

/// Makes one datagram after another.
#[derive(Debug)]
pub(crate) struct Attacker<'a> {
    seen: &'a Seen,
    rng: Rng,
    /// Whether calls are among them: these need no tag.
    calls: bool,
    made: usize,
    buffer: [u8; 1500],
}

/// So many kinds of datagrams there are.
const KINDS: usize = 14;

impl<'a> Attacker<'a> {
    pub(crate) fn new(seen: &'a Seen, calls: bool, seed: u64) -> Self {
        Self { seen, rng: Rng::new(seed), calls, made: 0, buffer: [0; 1500] }
    }

    /// The next datagram.
    pub(crate) fn next(&mut self) -> &[u8] {
        let len = loop {
            self.made += 1;
            let len = self.make(self.made % KINDS);
            let is_call = matches!(decode(&self.buffer[..len]), Ok(Packet::Syn(_)));
            if self.calls || !is_call {
                break len;
            }
        };
        &self.buffer[..len]
    }

    /// A ping with this tag.
    pub(crate) fn ping(&mut self, tag: u64) -> &[u8] {
        let len = self.frames(tag, 12);
        &self.buffer[..len]
    }

    fn make(&mut self, kind: usize) -> usize {
        let tag = self.guess();
        match kind {
            0 => self.noise(None),
            1 => {
                let kind = 0x50 | self.rng.below(16) as u8;
                self.noise(Some(kind))
            }
            2 | 3 => self.retagged(tag),
            4 => {
                let old = pick(&mut self.rng, &self.seen.earlier);
                self.buffer[..old.len()].copy_from_slice(old);
                old.len()
            }
            5 => self.call(),
            6 => {
                let hello = self.hello();
                encode_syn_ack(&mut self.buffer, tag, &hello).unwrap_or(0)
            }
            7 => encode_retry(&mut self.buffer, tag, &Retry { cookie: &tag.to_le_bytes() }).unwrap_or(0),
            _ => self.frames(tag, kind),
        }
    }

    /// Any tag but the right one: one bit of it is wrong, or all, or it is that of the other side, or none.
    fn guess(&mut self) -> u64 {
        let tag = match self.rng.below(8) {
            0..3 => self.seen.tag ^ (1 << self.rng.below(64)),
            3 => self.seen.other_tag,
            4 => 0,
            _ => self.rng.next(),
        };
        if tag == self.seen.tag { tag ^ 1 } else { tag }
    }

    fn noise(&mut self, kind: Option<u8>) -> usize {
        let len = self.rng.below(1300);
        for place in self.buffer[..len].chunks_mut(8) {
            let bytes = self.rng.next().to_le_bytes();
            place.copy_from_slice(&bytes[..place.len()]);
        }
        if let (Some(kind), Some(first)) = (kind, self.buffer.first_mut()) {
            *first = kind;
        }
        len
    }

    /// A datagram of the session with another tag.
    fn retagged(&mut self, tag: u64) -> usize {
        let seen = pick(&mut self.rng, &self.seen.session);
        let len = seen.len();
        self.buffer[..len].copy_from_slice(seen);
        if let Some(place) = self.buffer[..len].get_mut(1..9) {
            place.copy_from_slice(&tag.to_le_bytes());
            seal(&mut self.buffer[..len]);
        }
        len
    }

    fn hello(&mut self) -> Hello<'static> {
        let large = 1 << 40;
        Hello {
            version: 1,
            source: self.rng.next() | 1,
            initial_packet: self.rng.next() as u32,
            initial_segment: self.rng.next() as u32,
            max_bytes: large,
            max_messages: large,
            max_segment: large,
            max_message: large,
            max_datagram: 256 + (self.rng.next() % 2000),
            max_ack_delay: self.rng.next() % (1 << 30),
            cookie: None,
            resume: None,
        }
    }

    fn call(&mut self) -> usize {
        let mut hello = self.hello();
        let cookie = self.rng.next().to_le_bytes();
        hello.cookie = (self.rng.below(4) == 0).then_some(&cookie);
        let padding = self.rng.below(300);
        encode_syn(&mut self.buffer, &hello, padding).unwrap_or(0)
    }

    /// Numbers like those of a packet that was seen, and what does the most harm.
    fn frames(&mut self, tag: u64, kind: usize) -> usize {
        let (mut number, mut segment) = (self.rng.next() as u32, self.rng.next() as u32);
        if let Ok(Packet::Frames(packet)) = decode(pick(&mut self.rng, &self.seen.session)) {
            number = packet.number;
            for frame in packet.frames().flatten() {
                if let Frame::Data(data) = frame {
                    segment = data.segment;
                }
            }
        }
        let near = self.rng.below(5) as u32;
        let checked = self.rng.below(4) > 0;
        let mut writer = Writer::new(&mut self.buffer);
        FramesPacket::begin(&mut writer, tag, number.wrapping_add(near), checked);
        match kind {
            8 => drop(Frame::Abort { code: self.rng.next() >> 4, text: b"" }.write(&mut writer)),
            // That both sides have finished.
            9 => drop(Frame::Abort { code: 1 << 60, text: b"" }.write(&mut writer)),
            10 => drop(Ack::write(&mut writer, number.wrapping_add(near), 0, [1_000..=2_000])),
            11 => drop(
                Credit { max_bytes: 0, max_messages: 1 << 50, max_segment: 1 << 50, consumed: 99 }.write(&mut writer),
            ),
            12 => drop(Frame::Ping.write(&mut writer)),
            _ => {
                Data::begin(&mut writer, segment.wrapping_add(near));
                if near == 0 {
                    writer.put_u8(PieceFlags::FIN.bits());
                } else {
                    Piece { flags: PieceFlags::WHOLE, index: 0, payload: b"forged", skipped: 0 }.write(&mut writer);
                }
            }
        }
        let len = writer.finish().unwrap_or(0);
        seal(&mut self.buffer[..len]);
        len
    }
}
