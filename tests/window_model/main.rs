//! Every way in which a network may treat a short conversation: handshake, messages both ways, the end.
//! The ends are the real machines; the checker chooses what is delivered, in which order, what is lost, what comes twice, whose
//! timer fires and how early, when a user goes on, who aborts and who crashes.
//!
//! States that differ only in what was counted are one state here; the number of those that are told is of the others.

mod conversation;
#[path = "../support/digest.rs"]
mod digest;
mod scenario;

use mconn::sliding_window::{CloseReason, Input};
use stateright::{Checker, Model, Property};

use conversation::Conversation;
use scenario::{BOTH, BOTH_SHORT, CALL, COOKIE, HALF, SHORT, Scenario};

/// How often each has happened, or may happen in one run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Spent {
    losses: u8,
    copies: u8,
    /// Timers that fire although something is on its way, or before an earlier one of the other side. When nothing is on its
    /// way only time can help, and the next timer is not counted.
    timers: u8,
    aborts: u8,
    /// A side ends without a word.
    crashes: u8,
}

/// A conversation, and what may happen to it.
#[derive(Clone, Copy, Debug)]
struct Bounds {
    scenario: Scenario,
    most: Spent,
}

/// What happens; the number of a side, and of a datagram that it has sent.
#[derive(Clone, Debug, PartialEq)]
enum Action {
    Deliver(usize, usize),
    Lose(usize, usize),
    Copy(usize, usize),
    Fire(usize),
    Step(usize),
    Abort(usize),
    Crash(usize),
}

impl Bounds {
    fn on_network(&self, state: &Conversation, side: usize, actions: &mut Vec<Action>) {
        let datagrams = &state.on_way[side];
        for (number, datagram) in datagrams.iter().enumerate() {
            // Which one of equal ones does not matter.
            if number > 0 && datagrams[number - 1] == datagram {
                continue;
            }
            actions.push(Action::Deliver(side, number));
            if state.spent.losses < self.most.losses {
                actions.push(Action::Lose(side, number));
            }
            if state.spent.copies < self.most.copies {
                actions.push(Action::Copy(side, number));
            }
        }
    }
}

impl Model for Bounds {
    type State = Conversation;
    type Action = Action;

    fn init_states(&self) -> Vec<Conversation> {
        vec![Conversation::new(self.scenario)]
    }

    fn actions(&self, state: &Conversation, actions: &mut Vec<Action>) {
        for side in 0..2 {
            self.on_network(state, side, actions);
            if let Some(deadline) = state.ends[side].deadline()
                && (state.is_next(deadline) || state.spent.timers < self.most.timers)
            {
                actions.push(Action::Fire(side));
            }
            if self.scenario.at_leisure && state.next_step(side).is_some() {
                actions.push(Action::Step(side));
            }
            if state.ends[side].closed.is_none() && !state.is_stuck() {
                if state.spent.aborts < self.most.aborts {
                    actions.push(Action::Abort(side));
                }
                if state.spent.crashes < self.most.crashes {
                    actions.push(Action::Crash(side));
                }
            }
        }
    }

    fn next_state(&self, last: &Conversation, action: Action) -> Option<Conversation> {
        let mut state = last.clone();
        match action {
            Action::Deliver(side, number) => state.deliver(side, number, false),
            Action::Lose(side, number) => {
                state.on_way[side].remove(number);
                state.spent.losses += 1;
            }
            Action::Copy(side, number) => {
                state.deliver(side, number, true);
                state.spent.copies += 1;
            }
            Action::Fire(side) => {
                let deadline = state.ends[side].deadline()?;
                state.spent.timers += u8::from(!state.is_next(deadline));
                state.fire(side, deadline);
            }
            Action::Step(side) => state.step(side),
            Action::Abort(side) => {
                state.end(side, Input::Abort { code: 7, text: "enough" });
                state.spent.aborts += 1;
            }
            Action::Crash(side) => {
                state.end(side, Input::TransportFailed);
                state.spent.crashes += 1;
            }
        }
        Some(state.complete())
    }

    fn properties(&self) -> Vec<Property<Self>> {
        let mut properties = vec![
            Property::always("nothing is lost, doubled, reordered or invented", |_: &Self, state: &Conversation| {
                state.is_true()
            }),
            Property::always("nobody waits for what never comes", |_, state: &Conversation| !state.is_stuck()),
            Property::always("who has ended stays so", |_, state: &Conversation| state.after_end.is_none()),
            Property::always("no honest peer is blamed", |_, state: &Conversation| !state.blames()),
            Property::always(
                "what is neither aborted nor broken nor slept through nor left alone ends in order",
                |bounds, state: &Conversation| {
                    let Spent { timers, aborts, crashes, .. } = state.spent;
                    let disturbed = bounds.scenario.at_leisure || timers + aborts + crashes > 0;
                    disturbed || !state.is_over() || both(state, &CloseReason::Finished)
                },
            ),
            Property::sometimes("both end in good order", |_, state| both(state, &CloseReason::Finished)),
        ];
        if self.most.aborts > 0 {
            properties.push(Property::sometimes("the peer hears of an abort", |_, state: &Conversation| {
                state.ends.iter().any(|end| matches!(end.closed, Some(CloseReason::PeerAborted { code: 7, .. })))
            }));
        }
        if self.most.crashes > 0 {
            properties.push(Property::sometimes("the peer is missed", |_, state: &Conversation| {
                state.is_over() && state.ends.iter().any(|end| end.closed != Some(CloseReason::TransportFailed))
            }));
        }
        properties
    }
}

fn both(state: &Conversation, reason: &CloseReason) -> bool {
    state.ends.iter().all(|end| end.closed.as_ref() == Some(reason))
}

/// Explores all that the bounds allow, and says how much that was.
fn explore(scenario: Scenario, most: Spent) -> usize {
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    // Depth first keeps few states at a time; breadth first would find the shortest way to a fault.
    let checker = Bounds { scenario, most }.checker().threads(threads).spawn_dfs().join();
    checker.assert_properties();
    let (all, distinct, depth) = (checker.state_count(), checker.unique_state_count(), checker.max_depth());
    let leisure = if scenario.at_leisure { ", at leisure" } else { "" };
    println!("{}{leisure}, {most:?}: {all} states, {distinct} of them distinct, depth {depth}", scenario.name);
    distinct
}

const NONE: Spent = Spent { losses: 0, copies: 0, timers: 0, aborts: 0, crashes: 0 };

const LOSS: Spent = Spent { losses: 1, ..NONE };
const COPY: Spent = Spent { copies: 1, ..NONE };
const TIMER: Spent = Spent { timers: 1, ..NONE };
const ABORT: Spent = Spent { aborts: 1, ..NONE };
const CRASH: Spent = Spent { crashes: 1, ..NONE };

/// What is explored in a moment.
const FEW: [(Scenario, Spent); 13] = [
    (SHORT, LOSS),
    (SHORT, Spent { copies: 1, ..LOSS }),
    (SHORT.at_leisure(), NONE),
    (BOTH_SHORT, LOSS),
    (CALL, LOSS),
    (CALL, ABORT),
    (CALL, CRASH),
    (COOKIE, LOSS),
    (COOKIE, ABORT),
    (BOTH, NONE),
    (HALF, LOSS),
    (HALF, ABORT),
    (HALF, CRASH),
];

/// What takes minutes, the least first.
const MANY: [(Scenario, Spent); 20] = [
    (SHORT, TIMER),
    (SHORT, Spent { losses: 2, copies: 1, ..NONE }),
    (SHORT.at_leisure(), Spent { aborts: 1, crashes: 1, ..LOSS }),
    (BOTH_SHORT, Spent { copies: 1, ..LOSS }),
    (CALL, Spent { losses: 3, ..NONE }),
    (BOTH, LOSS),
    (BOTH, ABORT),
    (BOTH, CRASH),
    (HALF.at_leisure(), NONE),
    (CALL, Spent { copies: 1, ..LOSS }),
    (COOKIE, Spent { copies: 1, ..LOSS }),
    (HALF.at_leisure(), LOSS),
    (HALF.at_leisure(), ABORT),
    (HALF.at_leisure(), CRASH),
    (HALF.at_leisure(), Spent { losses: 2, ..NONE }),
    (BOTH, COPY),
    (CALL.at_leisure(), NONE),
    (SHORT, Spent { timers: 1, copies: 1, ..LOSS }),
    (BOTH_SHORT, TIMER),
    (HALF.at_leisure(), COPY),
];

#[test]
fn a_short_conversation_survives_whatever_happens_once() {
    for (scenario, most) in FEW {
        explore(scenario, most);
    }
}

#[test]
#[ignore = "explores for ten minutes: cargo test --release --test window_model -- --ignored --nocapture"]
fn a_short_conversation_survives_several_of_everything() {
    let states: usize = MANY.map(|(scenario, most)| explore(scenario, most)).iter().sum();
    println!("{states} distinct states in all");
    assert!(states >= 5_000_000);
}
