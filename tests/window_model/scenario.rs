//! What the two users do.

use bytes::Bytes;

/// When a user may do something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum When {
    /// From the beginning.
    Always,
    /// Once the session is open.
    Connected,
    /// Once the peer has finished.
    PeerFinished,
}

/// What a user does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// A message of so many bytes that begins so.
    Send(&'static str, usize),
    /// Half of the end: the peer may go on.
    Finish,
    Close,
}

impl Step {
    pub(crate) fn message(self) -> Option<Bytes> {
        match self {
            Self::Send(text, len) => Some(text.bytes().cycle().take(len).collect()),
            Self::Finish | Self::Close => None,
        }
    }
}

/// A conversation as its users want it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scenario {
    pub(crate) name: &'static str,
    /// Both sides call each other; otherwise the second one listens.
    pub(crate) both_call: bool,
    /// Who calls without a cookie is asked to come again with one, and nothing is kept of the call.
    pub(crate) cookie: bool,
    /// What each user does, in order.
    pub(crate) steps: [&'static [(When, Step)]; 2],
    /// Users take their time: anything may happen between two of their steps. Otherwise each step is done as soon as it may be.
    pub(crate) at_leisure: bool,
}

impl Scenario {
    /// What a side sends, in order.
    pub(crate) fn messages(&self, side: usize) -> impl Iterator<Item = Bytes> {
        self.steps[side].iter().filter_map(|(_, step)| step.message())
    }

    pub(crate) const fn at_leisure(self) -> Self {
        Self { at_leisure: true, ..self }
    }
}

use Step::{Close, Finish, Send};
use When::{Always, Connected, PeerFinished};

/// Two messages one way, of one packet and of two, and one back, and the end. Who listens finishes when it has seen the other side finish.
pub(crate) const CALL: Scenario = Scenario {
    name: "a call",
    both_call: false,
    cookie: false,
    steps: [&[(Always, Send("one", 150)), (Always, Send("two", 300)), (Always, Close)], &[(Always, Send("back", 150))]],
    at_leisure: false,
};

/// One small message each way: all of it goes in one packet, so that more can happen to it.
pub(crate) const SHORT: Scenario = Scenario {
    name: "a short call",
    steps: [&[(Always, Send("one", 10)), (Always, Close)], &[(Always, Send("back", 10))]],
    ..CALL
};

/// The same as a call, and the listener asks for a cookie.
pub(crate) const COOKIE: Scenario = Scenario { name: "a call with a cookie", cookie: true, ..CALL };

/// Both call each other, with one small message each, and both close.
pub(crate) const BOTH_SHORT: Scenario = Scenario {
    name: "both call, shortly",
    both_call: true,
    steps: [&[(Always, Send("one", 10)), (Always, Close)], &[(Always, Send("back", 10)), (Always, Close)]],
    ..CALL
};

/// Both call each other, and both close.
pub(crate) const BOTH: Scenario = Scenario {
    name: "both call",
    both_call: true,
    steps: [
        &[(Always, Send("one", 150)), (Always, Send("two", 300)), (Always, Close)],
        &[(Always, Send("back", 150)), (Always, Close)],
    ],
    ..CALL
};

/// One side finishes, and the other one answers after that.
pub(crate) const HALF: Scenario = Scenario {
    name: "half-close",
    steps: [
        &[(Always, Send("one", 150)), (Always, Finish)],
        &[(Connected, Send("early", 150)), (PeerFinished, Send("late", 150)), (PeerFinished, Close)],
    ],
    ..CALL
};
