//! What a user sends.

use super::{User, Verdict};
use crate::sim::Desk;
use crate::sim::window::conduct::{Kind, Letter, Lifetime};
use crate::sim::window::machine::WindowMachine;
use crate::sliding_window::{Expires, SendOptions, SendRefusal};
use crate::time::Instant;

impl User {
    /// Sends the letters whose time has come, as far as there is room.
    pub(super) fn send<M: WindowMachine>(&mut self, now: Instant, machine: &mut M, desk: &mut Desk<'_>) -> Verdict {
        while let Some(letter) = self.letters.front()
            && !self.blocked
            && self.is_due(now, letter.at)
        {
            let Some(letter) = self.letters.pop_front() else { break };
            let (flush, refusal) = (letter.flush, self.post(now, letter, machine, desk));
            match refusal {
                None => {
                    if flush {
                        let mark = machine.flush(now);
                        if self.marks.back() != Some(&mark) {
                            self.marks.push_back(mark);
                        }
                    }
                }
                Some(SendRefusal::Full { .. }) => {
                    self.tally.refused = self.tally.refused.saturating_add(1);
                    self.blocked = true;
                }
                // Some will come.
                Some(SendRefusal::TooManyReceipts { .. }) => return Ok(()),
                Some(SendRefusal::Finished | SendRefusal::Closed) => self.letters.clear(),
                Some(_) => {}
            }
        }
        Ok(())
    }

    /// Sends a message; when it is refused, it or what is left of it waits again.
    fn post<M: WindowMachine>(
        &mut self,
        now: Instant,
        letter: Letter,
        machine: &mut M,
        desk: &mut Desk<'_>,
    ) -> Option<SendRefusal> {
        if letter.kind == Kind::Stream {
            return self.write(now, letter, machine, desk);
        }
        let expires = match letter.lifetime {
            _ if !letter.kind.expires() => Expires::Never,
            Lifetime::For(span) => Expires::At(now + span),
            Lifetime::Transmissions(count) => Expires::Transmissions(count),
        };
        let base = if letter.kind.is_ordered() { SendOptions::ORDERED } else { SendOptions::UNORDERED };
        let options = SendOptions { receipt: letter.receipt, ..base.expires(expires) };
        match machine.try_send(now, letter.payload.clone(), &options) {
            Ok(id) => {
                self.tally.accepted = self.tally.accepted.saturating_add(1);
                if letter.receipt || letter.kind.expires() {
                    self.open.insert(id.number(), (letter.kind, letter.payload.clone(), letter.receipt));
                }
                desk.accepted(self.peer, letter.kind.channel(), letter.payload);
                None
            }
            Err(error) => {
                if matches!(error.refusal, SendRefusal::Full { .. } | SendRefusal::TooManyReceipts { .. }) {
                    self.letters.push_front(letter);
                }
                Some(error.refusal)
            }
        }
    }

    /// Writes to the stream; what there is no room for waits again.
    fn write<M: WindowMachine>(
        &mut self,
        now: Instant,
        mut letter: Letter,
        machine: &mut M,
        desk: &mut Desk<'_>,
    ) -> Option<SendRefusal> {
        while !letter.payload.is_empty() {
            match machine.write(now, &letter.payload) {
                Ok(len) => {
                    let written = letter.payload.split_to(len.min(letter.payload.len()));
                    self.tally.accepted = self.tally.accepted.saturating_add(1);
                    desk.accepted(self.peer, Kind::Stream.channel(), written);
                }
                Err(refusal) => {
                    self.letters.push_front(letter);
                    return Some(refusal);
                }
            }
        }
        None
    }
}
