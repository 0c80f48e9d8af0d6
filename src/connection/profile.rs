//! Profiles: codec, timers, limits, rates and liveness rule of a kind of node, at once.

use alloc::boxed::Box;
use core::time::Duration;

use super::config::{Liveness, MConnConfig, PingPolicy};
use crate::rate::Flowrate;
use crate::wire::{Amino, AnyCodec, GoWire, Proto3};

impl MConnConfig<AnyCodec> {
    /// As a CometBFT node (and Tendermint since v0.34) behaves: Protocol Buffers, 5,120,000 bytes per second both ways, a
    /// ping each 60 s, and nothing but a pong within 45 s counts.
    ///
    /// One thing is not taken over: output leaves at once, where nodes hold it back for up to 100 ms (10 ms since v1.0).
    /// [`FlushPolicy::Throttled`](super::FlushPolicy::Throttled) with 65,536 bytes does that too.
    /// Source: `config/config.go`, `p2p/conn/connection.go @ v0.38`.
    #[must_use]
    pub fn cometbft() -> Self {
        Self::go_node(Proto3::new().into(), 5_120_000)
    }

    /// As a Tendermint v0.33 node behaves (v0.22 to v0.33): Amino, otherwise as today.
    ///
    /// Source: `p2p/conn/connection.go @ v0.33`.
    #[must_use]
    pub fn tendermint_v0_33() -> Self {
        Self::go_node(Amino::new().into(), 5_120_000)
    }

    /// As a Tendermint v0.10 node behaves: go-wire, 512,000 bytes per second both ways, a ping 40 s after the last packet
    /// received, and no timeout for the pong.
    ///
    /// Source: `p2p/connection.go @ v0.10`.
    #[must_use]
    pub fn tendermint_v0_10() -> Self {
        Self {
            ping: PingPolicy::AfterSilence(Duration::from_secs(40)),
            pong_timeout: None,
            pong_while_paused: false,
            ..Self::go_node(GoWire::new().into(), 512_000)
        }
    }

    fn go_node(codec: AnyCodec, rate: u64) -> Self {
        Self {
            liveness: Liveness::PongOnly,
            send_limiter: Box::new(Flowrate::new(rate)),
            recv_limiter: Box::new(Flowrate::new(rate)),
            ..Self::with_codec(codec)
        }
    }
}
