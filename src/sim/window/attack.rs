//! What somebody sends who sees nothing: datagrams that look right but do not know the tag.

use alloc::vec;
use alloc::vec::Vec;

use crate::sim::Random;
use crate::sliding_window::packet::{
    Ack, Credit, Data, Frame, FramesPacket, Hello, Piece, PieceFlags, Retry, Writer, encode_retry, encode_syn,
    encode_syn_ack, seal,
};

/// What a blind attacker sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Forgery {
    /// Any bytes.
    Noise,
    /// A packet with frames, under a tag that is drawn.
    Frames,
    /// A call.
    Syn,
    /// An answer to a call, under a tag that is drawn.
    SynAck,
    /// The demand for a cookie, under a tag that is drawn.
    Retry,
}

impl Forgery {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Noise, Self::Frames, Self::Syn, Self::SynAck, Self::Retry];

    /// Draws a datagram. `tag` is what the attacker takes for the session's.
    #[must_use]
    pub fn draw(self, random: &mut Random, tag: u64) -> Vec<u8> {
        let mut buffer = vec![0; 300];
        let len = match self {
            Self::Noise => {
                random.fill(&mut buffer);
                let len = random.size(0..=buffer.len());
                // Often with a first byte that means something.
                if random.percent(70)
                    && let Some(first) = buffer.first_mut()
                {
                    *first = 0x50 | (random.below(16) as u8);
                }
                buffer.truncate(len);
                if random.percent(70) {
                    seal(&mut buffer);
                }
                Some(len)
            }
            Self::Frames => frames(random, tag, &mut buffer),
            Self::Syn => encode_syn(&mut buffer, &hello(random), 128),
            Self::SynAck => encode_syn_ack(&mut buffer, tag, &hello(random)),
            Self::Retry => encode_retry(&mut buffer, tag, &Retry { cookie: &random.next_u64().to_le_bytes() }),
        };
        buffer.truncate(len.unwrap_or(0));
        buffer
    }
}

fn hello(random: &mut Random) -> Hello<'static> {
    Hello {
        version: 1,
        source: random.next_u64().max(1),
        initial_packet: random.next_u64() as u32,
        initial_segment: random.next_u64() as u32,
        max_bytes: random.below(1 << 30),
        max_messages: random.below(1 << 20),
        max_segment: random.below(1 << 20),
        max_message: random.below(1 << 30),
        max_datagram: random.within(100..=1500),
        max_ack_delay: random.below(1_000_000),
        cookie: None,
        resume: None,
    }
}

/// A packet of one to three frames, sealed.
pub(super) fn frames(random: &mut Random, tag: u64, buffer: &mut [u8]) -> Option<usize> {
    // Small numbers are near those of a young session.
    let number =
        |random: &mut Random| if random.percent(50) { random.below(50) } else { u64::from(random.next_u64() as u32) };
    let mut writer = Writer::new(buffer);
    let check = random.percent(80);
    FramesPacket::begin(&mut writer, tag, number(random) as u32, check);
    for _ in 0..random.within(1..=3) {
        match random.below(5) {
            0 => {
                let largest = number(random);
                let first = largest.saturating_sub(random.below(4));
                let ranges = [first..=largest];
                Ack::write(&mut writer, largest as u32, random.below(100_000), ranges);
            }
            1 => {
                let credit = Credit {
                    max_bytes: number(random),
                    max_messages: number(random),
                    max_segment: number(random),
                    consumed: number(random),
                };
                credit.write(&mut writer);
            }
            2 => {
                Frame::Ping.write(&mut writer);
            }
            3 => {
                let code = if random.percent(50) { 1 << 60 } else { random.below(1 << 61) };
                Frame::Abort { code, text: b"forged" }.write(&mut writer);
            }
            _ => {
                Data::begin(&mut writer, number(random) as u32);
                let flags = random.choose(&[PieceFlags::WHOLE, PieceFlags::FIN], PieceFlags::WHOLE);
                let piece = Piece { flags, index: 0, payload: b"forged", skipped: 0 };
                piece.write(&mut writer);
                break;
            }
        }
    }
    let len = writer.finish()?;
    seal(buffer.get_mut(..len)?);
    Some(len)
}
