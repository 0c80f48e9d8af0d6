//! The user of one session: sends and takes by plan, and checks every word that the session says.

use alloc::collections::{BTreeMap, VecDeque};
use alloc::format;
use alloc::vec::Vec;
use core::task::Poll;

use bytes::Bytes;

use super::conduct::{Conduct, Farewell, Kind, Letter};
use super::machine::WindowMachine;
use super::tally::Tally;
use crate::sim::{Address, Desk, Violation};
use crate::sliding_window::{Class, CloseReason, Delivery, Event, FlushMark, Input, MessageId};
use crate::time::{Duration, Instant};

mod sending;

type Verdict = Result<(), Violation<Address>>;

#[derive(Clone, Debug)]
pub(super) struct User {
    conduct: Conduct,
    delivery: Delivery,
    peer: Address,
    started: Instant,
    letters: VecDeque<Letter>,
    /// A message was refused for want of room: the session promises to say when there is some.
    blocked: bool,
    /// Messages of which more can be told, by the name that the session gave them.
    open: BTreeMap<u64, (Kind, Bytes, bool)>,
    marks: VecDeque<FlushMark>,
    connected: bool,
    readable: bool,
    peer_finished: bool,
    /// The number of the newest message that came in order.
    newest: Option<u32>,
    rests_until: Option<Instant>,
    left_in_batch: u32,
    /// When closing began.
    closing: Option<Instant>,
    stopped: bool,
    cut_done: bool,
    /// This session goes on where another was cut.
    goes_on: bool,
    /// It has just told the session to end.
    acted: bool,
    pub(super) tally: Tally,
    pub(super) ended: Option<CloseReason>,
}

/// The number that stands in a message that has room for it.
fn number(payload: &[u8]) -> Option<u32> {
    payload.get(1..5)?.try_into().ok().map(u32::from_le_bytes)
}

impl User {
    pub(super) fn new(mut conduct: Conduct, delivery: Delivery, peer: Address, now: Instant) -> Self {
        let letters = core::mem::take(&mut conduct.letters).into();
        Self {
            left_in_batch: conduct.reading.batch,
            conduct,
            delivery,
            peer,
            started: now,
            letters,
            blocked: false,
            open: BTreeMap::new(),
            marks: VecDeque::new(),
            connected: false,
            readable: false,
            peer_finished: false,
            newest: None,
            rests_until: None,
            closing: None,
            stopped: false,
            cut_done: false,
            goes_on: false,
            acted: false,
            tally: Tally::default(),
            ended: None,
        }
    }

    pub(super) fn promise(&self, desk: &mut Desk<'_>) {
        for kind in Kind::ALL {
            desk.promise(self.peer, kind.channel(), kind.promise());
        }
    }

    /// Since when it has waited for the end that it asked for.
    pub(super) const fn closing_since(&self) -> Option<Instant> {
        self.closing
    }

    pub(super) const fn conduct(&self) -> &Conduct {
        &self.conduct
    }

    /// Whether it has just told the session to end.
    pub(super) const fn has_acted(&self) -> bool {
        self.acted
    }

    /// The session was cut, and another one goes on with it.
    pub(super) fn resumed(&mut self) {
        self.conduct.resumes = self.conduct.resumes.saturating_sub(1);
        (self.ended, self.connected, self.readable, self.peer_finished) = (None, false, false, false);
        self.closing = None;
        self.goes_on = true;
        // The new session knows of none that were asked for in the old one.
        self.marks.clear();
    }

    pub(super) const fn distrust(&mut self) {
        (self.conduct.trusts, self.conduct.misses) = (false, false);
    }

    fn is_due(&self, now: Instant, after: Duration) -> bool {
        self.started + after <= now
    }

    /// Until when it sleeps, if it does.
    pub(super) fn asleep(&self, now: Instant) -> Option<Instant> {
        let sleeps = self.conduct.reading.sleeps.iter();
        sleeps
            .map(|(from, until)| (self.started + *from, self.started + *until))
            .find_map(|(from, until)| (from <= now && now < until).then_some(until))
    }

    /// Whether it takes no message now; starts the rest when a batch was taken.
    fn rests(&mut self, now: Instant) -> bool {
        if self.rests_until.is_some_and(|until| until <= now) {
            self.rests_until = None;
            self.left_in_batch = self.conduct.reading.batch;
        }
        if self.left_in_batch == 0 && self.rests_until.is_none() {
            if self.conduct.reading.rest.is_zero() {
                self.left_in_batch = self.conduct.reading.batch.max(1);
            } else {
                self.rests_until = Some(now + self.conduct.reading.rest);
            }
        }
        self.rests_until.is_some()
    }

    /// When it wants to act next, besides when the session has something to say.
    pub(super) fn next_wake(&self, now: Instant) -> Option<Instant> {
        if self.ended.is_some() {
            return None;
        }
        if let Some(until) = self.asleep(now) {
            return Some(until);
        }
        let letter = self.letters.front().filter(|_| !self.blocked).map(|letter| letter.at);
        let plans = [letter, self.farewell(), self.conduct.cut.filter(|_| !self.cut_done)];
        let plans = plans.into_iter().flatten().chain((!self.stopped).then_some(self.conduct.hard_stop));
        let sleeps = self.conduct.reading.sleeps.iter().map(|(from, _)| *from);
        let moments = plans.chain(sleeps).map(|after| self.started + after);
        moments.chain(self.rests_until).filter(|moment| *moment > now).min()
    }

    fn farewell(&self) -> Option<Duration> {
        self.closing.is_none().then_some(self.conduct.farewell_at)
    }

    /// Acts until there is nothing more to do now.
    pub(super) fn act<M: WindowMachine>(&mut self, now: Instant, machine: &mut M, desk: &mut Desk<'_>) -> Verdict {
        if self.ended.is_some() || self.asleep(now).is_some() {
            return Ok(());
        }
        loop {
            let mut any = false;
            while !self.rests(now) {
                let Some(event) = machine.poll_event(now) else { break };
                self.hear(now, event, machine, desk)?;
                any = true;
            }
            // What it does may give more events.
            self.pursue(now, machine, desk)?;
            if !any && !self.acted {
                return Ok(());
            }
        }
    }

    /// All but taking events.
    pub(super) fn pursue<M: WindowMachine>(&mut self, now: Instant, machine: &mut M, desk: &mut Desk<'_>) -> Verdict {
        self.acted = false;
        if self.ended.is_some() || self.asleep(now).is_some() {
            return Ok(());
        }
        self.read(now, machine, desk)?;
        self.send(now, machine, desk)?;
        self.leave(now, machine, desk);
        Ok(())
    }

    /// The session says something.
    pub(super) fn hear<M: WindowMachine>(
        &mut self,
        now: Instant,
        event: Event,
        machine: &mut M,
        desk: &mut Desk<'_>,
    ) -> Verdict {
        desk.rule(self.ended.is_none(), "an event after the last")?;
        if !matches!(event, Event::Message { .. }) {
            desk.note(|| format!("{event:?}"));
        }
        let late = matches!(event, Event::Receipt(_) | Event::PeerFinished);
        desk.rule(self.connected || self.goes_on || !late, "an event before it is connected")?;
        match event {
            Event::Connected => {
                desk.rule(!self.connected, "connected twice")?;
                self.connected = true;
            }
            Event::Message { class, payload } => {
                desk.rule(self.delivery == Delivery::Events, "a message as an event where none was asked for")?;
                self.take(class, &payload, desk)?;
            }
            Event::Readable => {
                desk.rule(self.delivery == Delivery::Pull, "something readable where messages are events")?;
                self.readable = true;
                self.read(now, machine, desk)?;
            }
            Event::Receipt(id) => self.hear_receipt(id, desk)?,
            Event::Expired(id) => self.hear_expired(id, desk)?,
            Event::Flushed(mark) => {
                self.tally.flushes = self.tally.flushes.saturating_add(1);
                desk.rule(self.marks.pop_front() == Some(mark), "a flush that is not the oldest one asked for")?;
            }
            Event::Writable => {
                desk.rule(self.blocked, "room again, and nothing was refused")?;
                self.blocked = false;
            }
            Event::PeerFinished => {
                desk.rule(!self.peer_finished, "the peer finished twice")?;
                self.peer_finished = true;
                if self.conduct.trusts && self.conduct.misses {
                    desk.all_came(self.peer)?;
                }
            }
            Event::Closed(reason) => {
                self.ended = Some(reason);
            }
        }
        Ok(())
    }

    fn hear_receipt(&mut self, id: MessageId, desk: &Desk<'_>) -> Verdict {
        self.tally.receipts = self.tally.receipts.saturating_add(1);
        let Some((kind, payload, receipt)) = self.open.remove(&id.number()) else {
            return desk.rule(false, "a receipt for a message that waits for none");
        };
        desk.rule(receipt, "a receipt that was not asked for")?;
        // A short message may look like another one.
        let told = self.conduct.trusts && payload.len() >= 5 && !kind.expires();
        desk.rule(!told || !desk.is_waiting(self.peer, kind.channel(), &payload), "a receipt for what was not taken")
    }

    fn hear_expired(&mut self, id: MessageId, desk: &Desk<'_>) -> Verdict {
        self.tally.expired = self.tally.expired.saturating_add(1);
        let kind = self.open.remove(&id.number()).map(|(kind, ..)| kind);
        desk.rule(kind.is_some_and(Kind::expires), "a message expired that could not, or twice")
    }

    /// A message was taken.
    fn take(&mut self, class: Class, payload: &[u8], desk: &mut Desk<'_>) -> Verdict {
        self.tally.taken = self.tally.taken.saturating_add(1);
        self.left_in_batch = self.left_in_batch.saturating_sub(1);
        if !self.conduct.trusts {
            return Ok(());
        }
        if self.is_stream() {
            return desk.delivered(self.peer, Kind::Stream.channel(), payload);
        }
        let channel = match (payload.first(), class) {
            (Some(channel), _) => *channel,
            (None, Class::Ordered) => Kind::Ordered.channel(),
            (None, Class::Unordered) => Kind::Unordered.channel(),
        };
        let Some(kind) = Kind::ALL.into_iter().find(|kind| kind.channel() == channel) else {
            return desk.rule(false, "a message of no kind");
        };
        desk.rule(kind.is_ordered() == (class == Class::Ordered), "a message of another class")?;
        desk.delivered(self.peer, channel, payload)?;
        if let Some(number) = number(payload).filter(|_| kind.is_ordered()) {
            desk.rule(self.newest.is_none_or(|newest| newest < number), "messages of two kinds out of order")?;
            self.newest = Some(number);
        }
        Ok(())
    }

    const fn is_stream(&self) -> bool {
        self.conduct.reading.buffer > 0
    }

    /// Takes what has arrived, where that is not told by events.
    fn read<M: WindowMachine>(&mut self, now: Instant, machine: &mut M, desk: &mut Desk<'_>) -> Verdict {
        while self.readable && self.ended.is_none() && !self.rests(now) {
            if self.is_stream() {
                let mut buffer = alloc::vec![0; self.conduct.reading.buffer];
                match machine.read(now, &mut buffer) {
                    Poll::Ready(0) | Poll::Pending => self.readable = false,
                    Poll::Ready(len) => {
                        self.tally.taken = self.tally.taken.saturating_add(1);
                        self.left_in_batch = self.left_in_batch.saturating_sub(1);
                        let bytes = buffer.get(..len).unwrap_or_default();
                        if self.conduct.trusts {
                            desk.delivered(self.peer, Kind::Stream.channel(), bytes)?;
                        }
                    }
                }
                continue;
            }
            let taken = if self.tally.taken.is_multiple_of(2) {
                machine.receive(now)
            } else {
                machine.receive_with(now, |class, payload| (class, Bytes::copy_from_slice(payload)))
            };
            match taken {
                Some((class, payload)) => self.take(class, &payload, desk)?,
                None => self.readable = false,
            }
        }
        Ok(())
    }

    /// Ends the session when it is time.
    fn leave<M: WindowMachine>(&mut self, now: Instant, machine: &mut M, desk: &mut Desk<'_>) {
        let farewell = self.conduct.farewell;
        if let Some(cut) = self.conduct.cut.filter(|_| !self.cut_done)
            && self.is_due(now, cut)
        {
            (self.cut_done, self.acted) = (true, true);
            desk.note(|| "its transport fails");
            machine.handle(now, Input::TransportFailed);
        } else if !self.stopped && self.is_due(now, self.conduct.hard_stop) {
            (self.stopped, self.acted) = (true, true);
            self.closing.get_or_insert(now);
            desk.note(|| "closes at last");
            machine.handle(now, Input::Close);
        } else if self.closing.is_none() && self.is_due(now, self.conduct.farewell_at) && self.is_ready() {
            (self.closing, self.acted) = (Some(now), true);
            desk.note(|| format!("leaves: {farewell:?}"));
            match farewell {
                Farewell::Close => machine.handle(now, Input::Close),
                Farewell::Finish => machine.finish(now),
                Farewell::Abort => machine.handle(now, Input::Abort { code: 7, text: "enough" }),
                Farewell::Fail => machine.handle(now, Input::TransportFailed),
            }
        }
    }

    fn is_ready(&self) -> bool {
        let waits = self.open.values().any(|(_, _, receipt)| *receipt);
        !self.conduct.patient || (self.connected && self.letters.is_empty() && self.marks.is_empty() && !waits)
    }

    /// What it waits for, in a few words.
    pub(super) fn describe(&self) -> alloc::string::String {
        let waits: Vec<u64> = self.open.iter().filter(|(_, (_, _, receipt))| *receipt).map(|(id, _)| *id).collect();
        format!(
            "{} to send{}, receipts {waits:?}, flushes {:?}, readable {}, ended {:?}",
            self.letters.len(),
            if self.blocked { " (no room)" } else { "" },
            self.marks,
            self.readable,
            self.ended
        )
    }
}
