//! What was seen on the link and in the sender, while the transfer ran.

use std::collections::BTreeMap;

use mconn::sim::{Fate, LinkCounters, Loss};
use mconn::sliding_window::packet::{Frame, Packet, Piece, decode};
use mconn::sliding_window::{CloseReason, RecoveryStatus, Status};
use mconn::time::{Duration, Instant};

/// What happened to a segment of the file: the sender cuts it into numbered segments, each of which fits in a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Happening {
    /// It left for the first time.
    Sent,
    /// It left again.
    Resent,
    /// The link lost it by chance, or damaged it.
    Lost,
    /// The link lost it, because its queue was full.
    Overflowed,
    /// An acknowledgement of it arrived at the sender.
    Acknowledged,
}

/// Something that happened to a segment.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Point {
    pub(crate) at: Instant,
    pub(crate) segment: u64,
    pub(crate) what: Happening,
}

/// One look at the sender.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sample {
    pub(crate) at: Instant,
    /// Bytes that may be in flight, and bytes that are.
    pub(crate) window: u64,
    pub(crate) in_flight: u64,
    /// The last sample and the mean; `None` before there was one.
    pub(crate) round_trip: Option<(Duration, Duration)>,
}

/// All that was seen.
#[derive(Debug, Default)]
pub(crate) struct Record {
    pub(crate) points: Vec<Point>,
    pub(crate) samples: Vec<Sample>,
    /// When the session was open, and when the last byte had arrived.
    pub(crate) connected: Option<Instant>,
    pub(crate) delivered: Option<Instant>,
    /// When both sides had ended, and why.
    pub(crate) ended: Option<Instant>,
    pub(crate) reasons: [Option<CloseReason>; 2],
    /// Bytes that have arrived and are what was sent.
    pub(crate) received: u64,
    /// Whether all that arrived is what was sent.
    pub(crate) differs: bool,
    /// The sender and the receiver at the end.
    pub(crate) last: Option<[Status; 2]>,
    /// Loss recovery of the sender, when it was looked at last: a session that has ended has none.
    pub(crate) recovery: Option<RecoveryStatus>,
    /// The link there and back.
    pub(crate) links: Option<[LinkCounters; 2]>,
    /// Segments, by the number of the packet that carried them last.
    carried: BTreeMap<u64, u64>,
    next_segment: u64,
}

impl Record {
    /// Whether everything arrived and both sides have ended in order.
    pub(crate) fn is_complete(&self) -> bool {
        self.delivered.is_some()
            && !self.differs
            && self.reasons.iter().all(|reason| reason == &Some(CloseReason::Finished))
    }

    /// The sender has given a datagram to the link. Numbers on the wire begin at 0 here.
    pub(crate) fn sent(&mut self, at: Instant, datagram: &[u8], fate: Fate) {
        let Ok(Packet::Frames(packet)) = decode(datagram) else { return };
        for frame in packet.frames().flatten() {
            let Frame::Data(data) = frame else { continue };
            if data.iter().flatten().all(|piece: Piece<'_>| piece.payload.is_empty()) {
                continue;
            }
            let segment = u64::from(data.segment);
            self.carried.insert(u64::from(packet.number), segment);
            let what = if segment < self.next_segment { Happening::Resent } else { Happening::Sent };
            self.next_segment = self.next_segment.max(segment + 1);
            self.points.push(Point { at, segment, what });
            let lost = match fate {
                Fate::Lost(Loss::QueueFull) => Some(Happening::Overflowed),
                Fate::Lost(_) => Some(Happening::Lost),
                Fate::Arrives(passage) if passage.is_damaged() && passage.again.is_none() => Some(Happening::Lost),
                _ => None,
            };
            self.points.extend(lost.map(|what| Point { at, segment, what }));
        }
    }

    /// A datagram of the receiver is about to be given to the sender.
    pub(crate) fn answered(&mut self, at: Instant, datagram: &[u8]) {
        let Ok(Packet::Frames(packet)) = decode(datagram) else { return };
        for frame in packet.frames().flatten() {
            let Frame::Ack(ack) = frame else { continue };
            for range in ack.ranges(u64::from(ack.largest)).into_iter().flatten() {
                // Each packet is acknowledged many times over; the first time counts.
                while let Some((&number, &segment)) = self.carried.range(range.clone()).next() {
                    self.carried.remove(&number);
                    self.points.push(Point { at, segment, what: Happening::Acknowledged });
                }
            }
        }
    }

    /// A look at the sender after something has happened.
    pub(crate) fn sample(&mut self, at: Instant, status: &Status) {
        let Some(recovery) = &status.recovery else { return };
        self.recovery = Some(recovery.clone());
        let trip = recovery.round_trip;
        self.samples.push(Sample {
            at,
            window: recovery.window,
            in_flight: recovery.bytes_in_flight,
            round_trip: trip.measured.then_some((trip.latest, trip.smoothed)),
        });
    }
}
