//! The original's table of states, cell for cell, and the same table with its defect mended.
//!
//! Both are pure functions. `same / -` is every cell that is not named here:
//!
//! | state | event: new state / action |
//! | --- | --- |
//! | `Fresh` | `StartListen`: `Listen` / -; `StartConnect`: `SynSent` / `SendSyn` |
//! | `Closed` | any event: same / `SendFinAck`; mended: `Fin` alone |
//! | `Listen` | `Syn`: `SynReceived` / `SendSynAck`; `Fin`: `CloseResponderGotFin` / `DoAppClose` |
//! | `SynReceived` | `EstabAck`, and `KeepAlive` of a peer that is `Established`: `Established` / -; `Fin`: `CloseResponderGotFin` / `DoAppClose` |
//! | `SynSent` | `SynAck`: `Established` / `SendEstabAck`; `Syn`: `SynReceived` / `SendEstabAck`; `Fin`: `CloseResponderGotFin` / `DoAppClose` |
//! | `Established` | `KeepAlive`: same / `SendDataAck`; `StartClose`: `CloseInitiatorHasSentFin` / `SendFin`; `Fin`: `CloseResponderGotFin` / `DoAppClose` |
//! | `CloseInitiatorHasSentFin` | `FinAck`, `Fin`: `Closed` / - |
//! | `CloseResponderGotFin` | `ApplicationClosed`: `Closed` / - |
//!
//! Source: `tcp.go`.

/// Declares one of the original's enumerations: names for the numbers that it knows, `Unknown` for all others.
macro_rules! numbered {
    ($(#[$about:meta])* $name:ident { $($(#[$doc:meta])* $variant:ident = $value:literal,)+ }) => {
        $(#[$about])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum $name {
            $($(#[$doc])* $variant,)+
            /// A number without a name. Only a conversion makes it, so that every number has one form.
            #[non_exhaustive]
            Unknown {
                /// The number.
                value: i64,
            },
        }

        impl $name {
            /// All that have a name, in the order of their numbers, which begin at 0.
            pub const NAMED: &'static [Self] = &[$(Self::$variant),+];

            /// The original's number.
            #[must_use]
            pub const fn value(self) -> i64 {
                match self {
                    $(Self::$variant => $value,)+
                    Self::Unknown { value } => value,
                }
            }
        }

        impl From<i64> for $name {
            fn from(value: i64) -> Self {
                match value {
                    $($value => Self::$variant,)+
                    value => Self::Unknown { value },
                }
            }
        }
    };
}

numbered! {
    /// Where a session of the original stands. Every session of it begins in [`TcpState::Listen`].
    TcpState {
        /// Nothing has happened.
        #[default]
        Fresh = 0,
        /// The end.
        Closed = 1,
        /// Waits for a SYN.
        Listen = 2,
        /// Got a SYN and waits for what completes the handshake.
        SynReceived = 3,
        /// Sent a SYN and waits for the answer.
        SynSent = 4,
        /// Both ends know each other. From here on the original asks for the right nonce in every packet.
        Established = 5,
        /// Sent a FIN.
        CloseInitiatorHasSentFin = 6,
        /// Got a FIN and waits for the application to close.
        CloseResponderGotFin = 7,
    }
}

numbered! {
    /// What happened to a session of the original, and what a packet of it is.
    TcpEvent {
        /// Nothing.
        #[default]
        Nil = 0,
        /// The application wants to be called. Never raised by the original.
        StartListen = 1,
        /// The application wants to call. Never raised by the original.
        StartConnect = 2,
        /// A packet: opens a session.
        Syn = 3,
        /// A packet: answers a SYN.
        SynAck = 4,
        /// A packet: answers a SYNACK.
        EstabAck = 5,
        /// The application wants to close. Never raised by the original.
        StartClose = 6,
        /// The application has closed.
        ApplicationClosed = 7,
        /// A packet: ends the session, at once and in any state.
        Fin = 8,
        /// A packet: answers a FIN.
        FinAck = 9,
        /// A packet: acknowledges data, or answers a keepalive.
        DataAck = 10,
        /// A packet: data.
        Data = 11,
        /// A packet: says that the sender is alive.
        KeepAlive = 12,
    }
}

numbered! {
    /// What a session of the original has to do after an event.
    TcpAction {
        /// Nothing.
        #[default]
        None = 0,
        /// Send a SYN.
        SendSyn = 1,
        /// Send a SYNACK.
        SendSynAck = 2,
        /// Send an ESTABACK.
        SendEstabAck = 3,
        /// Send a FIN.
        SendFin = 4,
        /// Send a FINACK.
        SendFinAck = 5,
        /// Tell the application that the peer has closed; then send a FINACK.
        DoAppClose = 6,
        /// Send a DATAACK.
        SendDataAck = 7,
    }
}

/// What `event` makes of `state`, cell for cell as in the original, and what there is to do.
///
/// `from_state` is the state of the peer, as far as its packet tells. It matters in one cell: a keepalive of an established peer
/// completes the handshake. The packets of the original do not carry it, so that cell is out of reach over a real network.
///
/// ```
/// use mconn::sliding_window::legacy::state_table::{TcpAction, TcpEvent, TcpState, update};
///
/// let (state, action) = update(TcpState::Listen, TcpEvent::Syn, TcpState::Fresh);
/// assert_eq!((state, action), (TcpState::SynReceived, TcpAction::SendSynAck));
/// ```
#[must_use]
pub const fn update(state: TcpState, event: TcpEvent, from_state: TcpState) -> (TcpState, TcpAction) {
    use TcpEvent as On;
    use TcpState as At;
    match (state, event) {
        (At::Closed, _) => (At::Closed, TcpAction::SendFinAck),

        (At::Fresh, On::StartListen) => (At::Listen, TcpAction::None),
        (At::Fresh, On::StartConnect) => (At::SynSent, TcpAction::SendSyn),

        (At::Listen, On::Syn) => (At::SynReceived, TcpAction::SendSynAck),
        (At::SynReceived, On::EstabAck) => (At::Established, TcpAction::None),
        (At::SynReceived, On::KeepAlive) if matches!(from_state, At::Established) => (At::Established, TcpAction::None),
        (At::SynSent, On::SynAck) => (At::Established, TcpAction::SendEstabAck),
        // Both ends called at once.
        (At::SynSent, On::Syn) => (At::SynReceived, TcpAction::SendEstabAck),

        (At::Established, On::KeepAlive) => (At::Established, TcpAction::SendDataAck),
        (At::Established, On::StartClose) => (At::CloseInitiatorHasSentFin, TcpAction::SendFin),
        (At::Listen | At::SynReceived | At::SynSent | At::Established, On::Fin) => {
            (At::CloseResponderGotFin, TcpAction::DoAppClose)
        }

        (At::CloseInitiatorHasSentFin, On::FinAck | On::Fin) => (At::Closed, TcpAction::None),
        (At::CloseResponderGotFin, On::ApplicationClosed) => (At::Closed, TcpAction::None),
        (state, _) => (state, TcpAction::None),
    }
}

/// [`update`] without its defect: a closed end answers a FIN, and nothing else.
///
/// In the original a closed end answers every packet with a FINACK, a FINACK included: two closed ends would answer each other
/// for ever, and a stray packet from anybody gets an answer. How often a FIN is answered is for the session to limit.
///
/// ```
/// use mconn::sliding_window::legacy::state_table::{TcpAction, TcpEvent, TcpState, update_mended};
///
/// let answer = |event| update_mended(TcpState::Closed, event, TcpState::Fresh);
/// assert_eq!(answer(TcpEvent::Fin), (TcpState::Closed, TcpAction::SendFinAck));
/// assert_eq!(answer(TcpEvent::FinAck), (TcpState::Closed, TcpAction::None));
/// ```
#[must_use]
pub const fn update_mended(state: TcpState, event: TcpEvent, from_state: TcpState) -> (TcpState, TcpAction) {
    match (state, event) {
        (TcpState::Closed, TcpEvent::Fin) => (TcpState::Closed, TcpAction::SendFinAck),
        (TcpState::Closed, _) => (TcpState::Closed, TcpAction::None),
        _ => update(state, event, from_state),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_names_agree() {
        for (number, &state) in (0..).zip(TcpState::NAMED) {
            assert_eq!((state.value(), TcpState::from(number)), (number, state));
        }
        for (number, &event) in (0..).zip(TcpEvent::NAMED) {
            assert_eq!((event.value(), TcpEvent::from(number)), (number, event));
        }
        for (number, &action) in (0..).zip(TcpAction::NAMED) {
            assert_eq!((action.value(), TcpAction::from(number)), (number, action));
        }
        assert_eq!((TcpState::NAMED.len(), TcpEvent::NAMED.len(), TcpAction::NAMED.len()), (8, 13, 8));
    }

    #[test]
    fn numbers_without_a_name_are_kept() {
        for number in [-1, 13, i64::MIN, i64::MAX] {
            assert_eq!(TcpState::from(number).value(), number);
            assert_eq!(TcpEvent::from(number).value(), number);
            assert_eq!(TcpAction::from(number).value(), number);
            assert!(matches!(TcpEvent::from(number), TcpEvent::Unknown { .. }));
        }
    }

    #[test]
    fn nothing_is_the_default() {
        assert_eq!(TcpState::default().value(), 0);
        assert_eq!(TcpEvent::default().value(), 0);
        assert_eq!(TcpAction::default().value(), 0);
    }
}
