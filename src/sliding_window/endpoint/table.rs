//! The sessions of an endpoint, and the ways to find one.

use alloc::collections::{BTreeMap, BTreeSet, VecDeque};
use alloc::vec::Vec;

use crate::machine::Machine;
use crate::sliding_window::{SlidingWindow, Timer};
use crate::time::{Duration, Instant};

/// Which session of an endpoint. A key is never used again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SessionKey {
    slot: usize,
    generation: u64,
}

/// One session and what the endpoint knows of it.
#[derive(Debug)]
pub(super) struct Entry<A> {
    pub(super) key: SessionKey,
    pub(super) session: SlidingWindow,
    pub(super) address: A,
    /// The tag under which the other side opened it; 0 when we did.
    pub(super) caller: u64,
    /// Whether somebody began to open it and it is not open yet.
    pub(super) half_open: bool,
    deadline: Option<(Instant, Timer)>,
}

/// A place for a session, and whether it stands in the queues of turns; it may still stand there when the session is gone.
#[derive(Debug)]
struct Slot<A> {
    entry: Option<Entry<A>>,
    in_output: bool,
    in_events: bool,
}

/// All sessions: by key, by tag, by who opened them, and by deadline.
#[derive(Debug)]
pub(super) struct Table<A> {
    slots: Vec<Slot<A>>,
    free: Vec<usize>,
    generations: u64,
    tags: BTreeMap<u64, usize>,
    callers: BTreeMap<(A, u64), usize>,
    deadlines: BTreeSet<(Instant, usize)>,
    /// Sessions that may have output, in the order of their turns.
    output: VecDeque<usize>,
    /// Sessions that may have events, in the order of their turns.
    events: VecDeque<usize>,
    half_open: usize,
}

impl<A: Clone + Ord> Table<A> {
    pub(super) const fn new() -> Self {
        Self {
            slots: Vec::new(),
            free: Vec::new(),
            generations: 0,
            tags: BTreeMap::new(),
            callers: BTreeMap::new(),
            deadlines: BTreeSet::new(),
            output: VecDeque::new(),
            events: VecDeque::new(),
            half_open: 0,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.tags.len()
    }

    pub(super) const fn half_open(&self) -> usize {
        self.half_open
    }

    pub(super) fn has_tag(&self, tag: u64) -> bool {
        self.tags.contains_key(&tag)
    }

    pub(super) fn insert(&mut self, session: SlidingWindow, address: A, caller: u64, half_open: bool) -> SessionKey {
        let slot = self.free.pop().unwrap_or(self.slots.len());
        self.generations = self.generations.wrapping_add(1);
        let key = SessionKey { slot, generation: self.generations };
        self.tags.insert(session.tag(), slot);
        self.callers.insert((address.clone(), caller), slot);
        self.half_open = self.half_open.saturating_add(usize::from(half_open));
        let entry = Entry { key, session, address, caller, half_open, deadline: None };
        match self.slots.get_mut(slot) {
            Some(place) => place.entry = Some(entry),
            None => self.slots.push(Slot { entry: Some(entry), in_output: false, in_events: false }),
        }
        key
    }

    pub(super) fn remove(&mut self, slot: usize) -> Option<Entry<A>> {
        let entry = self.slots.get_mut(slot)?.entry.take()?;
        self.free.push(slot);
        self.tags.remove(&entry.session.tag());
        let caller = (entry.address.clone(), entry.caller);
        if self.callers.get(&caller) == Some(&slot) {
            self.callers.remove(&caller);
        }
        if let Some((deadline, _)) = entry.deadline {
            self.deadlines.remove(&(deadline, slot));
        }
        self.half_open = self.half_open.saturating_sub(usize::from(entry.half_open));
        Some(entry)
    }

    pub(super) fn slot_of(&self, key: SessionKey) -> Option<usize> {
        self.get(key.slot).filter(|entry| entry.key == key).map(|_| key.slot)
    }

    pub(super) fn slot_of_tag(&self, tag: u64) -> Option<usize> {
        self.tags.get(&tag).copied()
    }

    /// The session that somebody at `address` opened with tag `caller`.
    pub(super) fn slot_of_caller(&self, address: &A, caller: u64) -> Option<usize> {
        self.callers.get(&(address.clone(), caller)).copied()
    }

    pub(super) fn get(&self, slot: usize) -> Option<&Entry<A>> {
        self.slots.get(slot)?.entry.as_ref()
    }

    pub(super) fn get_mut(&mut self, slot: usize) -> Option<&mut Entry<A>> {
        self.slots.get_mut(slot)?.entry.as_mut()
    }

    pub(super) fn slots(&self) -> impl Iterator<Item = usize> + use<A> {
        0..self.slots.len()
    }

    pub(super) fn keys(&self) -> impl Iterator<Item = SessionKey> + '_ {
        self.slots.iter().filter_map(|slot| slot.entry.as_ref()).map(|entry| entry.key)
    }

    /// Moves a session to another address.
    pub(super) fn move_to(&mut self, slot: usize, address: A) {
        let Some(entry) = self.get_mut(slot) else { return };
        let caller = entry.caller;
        let before = core::mem::replace(&mut entry.address, address.clone());
        if self.callers.get(&(before.clone(), caller)) == Some(&slot) {
            self.callers.remove(&(before, caller));
        }
        self.callers.insert((address, caller), slot);
    }

    /// Notes that a session is no longer half open, if it was.
    pub(super) fn opened(&mut self, slot: usize) {
        if let Some(entry) = self.get_mut(slot)
            && core::mem::take(&mut entry.half_open)
        {
            self.half_open = self.half_open.saturating_sub(1);
        }
    }

    /// Notes what may have changed after anything was done to a session.
    pub(super) fn refresh(&mut self, now: Instant, slot: usize) {
        if self.get(slot).is_some_and(|entry| entry.session.is_connected()) {
            self.opened(slot);
        }
        let Some(place) = self.slots.get_mut(slot) else { return };
        let Some(entry) = &mut place.entry else { return };
        // A session that is woken has moved its deadline on; should it not, it is not woken twice at the same moment.
        let wake = now.saturating_add(Duration::from_nanos(1));
        let deadline = entry.session.poll_timeout().map(|(deadline, timer)| (deadline.max(wake), timer));
        if deadline != entry.deadline {
            if let Some((before, _)) = entry.deadline {
                self.deadlines.remove(&(before, slot));
            }
            if let Some((deadline, _)) = deadline {
                self.deadlines.insert((deadline, slot));
            }
            entry.deadline = deadline;
        }
        if !core::mem::replace(&mut place.in_output, true) {
            self.output.push_back(slot);
        }
        if !core::mem::replace(&mut place.in_events, true) {
            self.events.push_back(slot);
        }
    }

    /// Notes that a session was asked for output, and whether it gave some; who did gets another turn.
    pub(super) fn after_output(&mut self, now: Instant, slot: usize, gave: bool) {
        self.refresh(now, slot);
        if !gave
            && let Some(place) = self.slots.get_mut(slot)
            && self.output.back() == Some(&slot)
        {
            place.in_output = false;
            self.output.pop_back();
        }
    }

    /// The session whose deadline is next.
    pub(super) fn next_deadline(&self) -> Option<(Instant, SessionKey, Timer)> {
        let (deadline, slot) = *self.deadlines.first()?;
        let entry = self.get(slot)?;
        Some((deadline, entry.key, entry.deadline?.1))
    }

    /// The session whose deadline has come, if any.
    pub(super) fn expired(&self, now: Instant) -> Option<usize> {
        self.deadlines.first().filter(|(deadline, _)| *deadline <= now).map(|(_, slot)| *slot)
    }

    /// Whose turn it is to give output.
    pub(super) fn output_turn(&mut self) -> Option<usize> {
        while let Some(slot) = self.output.pop_front() {
            if let Some(place) = self.slots.get_mut(slot) {
                place.in_output = false;
                if place.entry.is_some() {
                    return Some(slot);
                }
            }
        }
        None
    }

    /// Whose turn it is to give an event.
    pub(super) fn event_turn(&mut self) -> Option<usize> {
        while let Some(slot) = self.events.pop_front() {
            if let Some(place) = self.slots.get_mut(slot) {
                place.in_events = false;
                if place.entry.is_some() {
                    return Some(slot);
                }
            }
        }
        None
    }

    /// Whether any session may have output.
    pub(super) fn has_output_turns(&self) -> bool {
        !self.output.is_empty()
    }
}
