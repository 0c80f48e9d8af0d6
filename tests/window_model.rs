//! Every way in which a network may treat a short conversation: handshake, two messages one way and one back, orderly end.
//! The ends are the real machines; the checker chooses what is delivered, in which order, what is lost, what comes twice, and
//! whose timer fires.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Arc, Mutex, MutexGuard};

use bytes::Bytes;
use mconn::machine::Machine;
use mconn::sliding_window::congestion::Algorithm;
use mconn::sliding_window::{CloseReason, Config, Event, Input, PacketFormat, SendOptions, SlidingWindow};
use mconn::time::Instant;
use stateright::{Checker, Model, Property};

/// What each side sends.
const MESSAGES: [&[&str]; 2] = [&["one", "two"], &["back"]];

/// How often each may happen in one run.
#[derive(Clone, Copy, Debug)]
struct Bounds {
    losses: u8,
    copies: u8,
    timers: u8,
    /// Both sides call each other.
    both_call: bool,
}

/// A conversation at some moment. The checker shares states between threads, which a session does not allow by itself.
#[derive(Clone, Debug)]
struct State {
    inner: Arc<Mutex<Conversation>>,
    /// Stands for all of it.
    key: (u64, u64),
}

#[derive(Clone, Debug)]
struct Conversation {
    ends: [SlidingWindow; 2],
    received: [Vec<Bytes>; 2],
    closed: [Option<CloseReason>; 2],
    /// What each side has sent and has neither arrived nor been lost.
    on_way: [Vec<Bytes>; 2],
    now: Instant,
    losses: u8,
    copies: u8,
    timers: u8,
}

impl PartialEq for State {
    fn eq(&self, other: &Self) -> bool {
        self.key == other.key
    }
}

impl Hash for State {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.key.hash(state);
    }
}

/// What the network and the clock do; the number of a side, and of a datagram that it has sent.
#[derive(Clone, Debug, PartialEq)]
enum Action {
    Deliver(usize, usize),
    Lose(usize, usize),
    Copy(usize, usize),
    Fire(usize),
}

impl State {
    fn of(mut inner: Conversation) -> Self {
        inner.settle();
        let key = inner.key();
        Self { inner: Arc::new(Mutex::new(inner)), key }
    }

    fn look(&self) -> MutexGuard<'_, Conversation> {
        self.inner.lock().expect("nothing panics while it looks")
    }
}

impl Conversation {
    fn new(bounds: Bounds) -> Self {
        let config = |tag| {
            let mut config = Config::new(tag, tag);
            config.format = PacketFormat::Native { check: false };
            config.congestion = Algorithm::NewReno;
            config.keepalive = None;
            config
        };
        let second = if bounds.both_call { SlidingWindow::connect } else { SlidingWindow::listen };
        let ends = [SlidingWindow::connect(config(0xa), Instant::ZERO), second(config(0xb), Instant::ZERO)];
        let mut state = Self {
            ends: ends.map(|end| end.expect("a configuration that works")),
            received: Default::default(),
            closed: Default::default(),
            on_way: Default::default(),
            now: Instant::ZERO,
            losses: 0,
            copies: 0,
            timers: 0,
        };
        for (side, messages) in MESSAGES.iter().enumerate() {
            for message in *messages {
                let message = Bytes::from_static(message.as_bytes());
                state.ends[side].try_send(Instant::ZERO, message, &SendOptions::ORDERED).expect("room");
            }
            // Who listens finishes when it has seen the other side finish; before anybody calls, closing it would end it.
            if side == 0 || bounds.both_call {
                state.ends[side].handle(Instant::ZERO, Input::Close);
            }
        }
        state
    }

    /// Takes what both sides give.
    fn settle(&mut self) {
        for side in 0..2 {
            loop {
                while let Some(event) = self.ends[side].poll_event() {
                    match event {
                        Event::Message { payload, .. } => self.received[side].push(payload),
                        Event::Closed(reason) => self.closed[side] = Some(reason),
                        _ => {}
                    }
                }
                let Some(datagram) = self.ends[side].poll_transmit(self.now) else { break };
                self.on_way[side].push(datagram);
            }
            // Order on the way means nothing: the checker delivers in any.
            self.on_way[side].sort();
        }
    }

    fn key(&self) -> (u64, u64) {
        let text = format!("{:?} {:?} {:?}", self.ends, self.received, self.closed);
        let rest = (&text, &self.on_way, self.now, (self.losses, self.copies, self.timers));
        let digest = |salt: u64| {
            let mut hasher = DefaultHasher::new();
            (salt, &rest).hash(&mut hasher);
            hasher.finish()
        };
        (digest(1), digest(2))
    }

    fn is_over(&self) -> bool {
        self.closed.iter().all(Option::is_some)
    }

    fn is_stuck(&self) -> bool {
        let nothing_comes = self.on_way.iter().all(Vec::is_empty);
        !self.is_over() && nothing_comes && self.ends.iter().all(|end| end.poll_timeout().is_none())
    }

    /// What arrived is the beginning of what was sent, and all of it where the end was orderly.
    fn is_true(&self) -> bool {
        (0..2).all(|side| {
            let (sent, received) = (MESSAGES[1 - side], &self.received[side]);
            let so_far = received.len() <= sent.len() && received.iter().zip(sent).all(|(one, other)| one == other);
            so_far && (self.closed[side] != Some(CloseReason::Finished) || received.len() == sent.len())
        })
    }
}

impl Model for Bounds {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        vec![State::of(Conversation::new(*self))]
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        let state = state.look();
        for side in 0..2 {
            for number in 0..state.on_way[side].len() {
                actions.push(Action::Deliver(side, number));
                if state.losses < self.losses {
                    actions.push(Action::Lose(side, number));
                }
                if state.copies < self.copies {
                    actions.push(Action::Copy(side, number));
                }
            }
            // Once nothing is on its way only time can help, so the last timers are not counted.
            let idle = state.on_way.iter().all(Vec::is_empty);
            if (idle || state.timers < self.timers) && state.ends[side].poll_timeout().is_some() {
                actions.push(Action::Fire(side));
            }
        }
    }

    fn next_state(&self, last: &State, action: Action) -> Option<State> {
        let mut state = last.look().clone();
        match action {
            Action::Deliver(side, number) => {
                let datagram = state.on_way[side].remove(number);
                state.ends[1 - side].handle(state.now, Input::Datagram(&datagram));
            }
            Action::Lose(side, number) => {
                state.on_way[side].remove(number);
                state.losses += 1;
            }
            Action::Copy(side, number) => {
                let datagram = state.on_way[side][number].clone();
                state.ends[1 - side].handle(state.now, Input::Datagram(&datagram));
                state.copies += 1;
            }
            Action::Fire(side) => {
                let (deadline, _) = state.ends[side].poll_timeout()?;
                state.now = state.now.max(deadline);
                state.ends[side].handle_timeout(state.now);
                state.timers = state.timers.saturating_add(1).min(self.timers);
            }
        }
        Some(State::of(state))
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![
            Property::always("nothing is lost, doubled, reordered or invented", |_, state: &State| {
                state.look().is_true()
            }),
            Property::always("nobody waits for what never comes", |_, state: &State| !state.look().is_stuck()),
            Property::sometimes("both end in good order", |_, state: &State| {
                state.look().closed.iter().all(|closed| *closed == Some(CloseReason::Finished))
            }),
        ]
    }
}

/// Explores all that the bounds allow, and says how much that was.
fn explore(bounds: Bounds) -> usize {
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let checker = bounds.checker().threads(threads).spawn_bfs().join();
    checker.assert_properties();
    println!("{bounds:?}: {} states, {} of them distinct", checker.state_count(), checker.unique_state_count());
    checker.unique_state_count()
}

#[test]
fn a_short_conversation_survives_a_loss_a_copy_and_an_early_timer_anywhere() {
    for both_call in [false, true] {
        let none = Bounds { losses: 0, copies: 0, timers: 0, both_call };
        explore(none);
        explore(Bounds { losses: 1, ..none });
        explore(Bounds { copies: 1, ..none });
        if !both_call {
            explore(Bounds { timers: 1, ..none });
            explore(Bounds { losses: 1, copies: 1, ..none });
        }
    }
}

#[test]
#[ignore = "explores for minutes: cargo test --release --test window_model -- --ignored --nocapture"]
fn a_short_conversation_survives_several_of_everything() {
    for both_call in [false, true] {
        let one = Bounds { losses: 1, copies: 1, timers: 1, both_call };
        explore(one);
        explore(Bounds { losses: 2, ..one });
        explore(Bounds { losses: 3, copies: 0, ..one });
    }
}
