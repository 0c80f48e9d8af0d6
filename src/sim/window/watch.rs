//! The oracle of credit and memory: what a session says of itself, against its configuration.

use alloc::string::String;

use crate::sim::{Address, Desk, Violation};
use crate::sliding_window::{Config, Status};
use crate::time::Instant;

/// The marks of a session that never go back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Marks {
    credit: [u64; 3],
    granted: [u64; 3],
    next_segment: u64,
    next_expected: u64,
}

impl Marks {
    fn of(status: &Status) -> Self {
        let (send, receive) = (&status.send, &status.receive);
        Self {
            credit: [send.credit_bytes, send.credit_messages, send.credit_segments],
            granted: [receive.credit_bytes, receive.credit_messages, receive.credit_segments],
            next_segment: send.next_segment,
            next_expected: receive.next_expected,
        }
    }

    fn is_not_behind(&self, before: &Self) -> bool {
        let not_behind = |now: &[u64; 3], before: &[u64; 3]| now.iter().zip(before).all(|(now, before)| now >= before);
        not_behind(&self.credit, &before.credit)
            && not_behind(&self.granted, &before.granted)
            && self.next_segment >= before.next_segment
            && self.next_expected >= before.next_expected
    }
}

/// Watches one session.
#[derive(Clone, Debug, Default)]
pub(super) struct Watch {
    marks: Marks,
}

impl Watch {
    /// Looks at a session that is open.
    pub(super) fn look(&mut self, status: &Status, config: &Config, desk: &Desk<'_>) -> Result<(), Violation<Address>> {
        let (send, receive) = (&status.send, &status.receive);
        // Those that expired between others keep their places until these are acknowledged: twice as many records, and no more.
        let records = config.send.max_messages.saturating_mul(2);
        desk.limit("queued messages", send.queued_messages, records)?;
        desk.limit("queued bytes", send.queued_bytes, config.send.max_bytes)?;
        desk.limit("segments in flight", send.unacked_segments, config.send.window)?;
        desk.limit("awaited receipts", send.waiting_receipts, config.send.max_receipts)?;
        limit(desk, "received bytes", receive.held_bytes, config.receive.max_bytes as u64)?;
        let segments = receive.next_expected.saturating_add(config.receive.window as u64);
        limit(desk, "segments of credit given", receive.credit_segments, segments)?;
        let messages = receive.messages_consumed.saturating_add(config.receive.max_messages as u64);
        limit(desk, "messages of credit given", receive.credit_messages, messages)?;
        if !status.connected {
            return Ok(());
        }
        limit(desk, "segments sent", send.next_segment, send.credit_segments)?;
        if let Some(recovery) = &status.recovery {
            // Two packets for each probe may go beyond it, and some that are taken for lost meanwhile.
            let probes = u64::from(config.max_probes).saturating_add(2).saturating_mul(3);
            let most = (config.recovery.max_tracked as u64).saturating_add(probes);
            limit(desk, "packets in flight", recovery.packets_in_flight, most)?;
        }
        let marks = Marks::of(status);
        desk.rule(marks.is_not_behind(&self.marks), "a credit or a number goes back")?;
        self.marks = marks;
        Ok(())
    }

    /// Another session begins.
    pub(super) fn forget(&mut self) {
        self.marks = Marks::default();
    }
}

fn limit(desk: &Desk<'_>, what: &'static str, held: u64, limit: u64) -> Result<(), Violation<Address>> {
    let size = |number: u64| usize::try_from(number).unwrap_or(usize::MAX);
    desk.limit(what, size(held), size(limit))
}

/// Neither end believes that it may send more than the other has granted; `None` when that holds.
pub(super) fn overdrawn(at: Instant, sender: (Address, &Status), granter: &Status) -> Option<Violation<Address>> {
    let (side, status) = sender;
    let (send, receive) = (&status.send, &granter.receive);
    let pairs = [
        ("bytes", send.credit_bytes, receive.credit_bytes),
        ("messages", send.credit_messages, receive.credit_messages),
        ("segments", send.credit_segments, receive.credit_segments),
    ];
    let (what, held, granted) = pairs.into_iter().find(|(_, held, granted)| held > granted)?;
    let what: String = alloc::format!("it has a credit of {held} {what}, and was given {granted}");
    Some(Violation::Rule { at, side, what: what.into() })
}
