//! The versions of the Go code, and how to speak to each.

use mconn::connection::{ChannelConfig, MConnConfig};
use mconn::wire::{Amino, AnyCodec, Proto3};

use crate::go_peer::{GoChannel, GoConfig, GoPeer};
use crate::machine_support::quiet;

/// A version of the Go code.
#[derive(Clone, Debug)]
pub(crate) struct Version {
    /// The directory of its module.
    pub(crate) directory: &'static str,
    pub(crate) codec: AnyCodec,
    /// The golden data of its wire.
    pub(crate) decode_cases: &'static str,
    /// Whether all goes through a SecretConnection.
    pub(crate) sealed: bool,
}

pub(crate) fn cometbft_v0_38_25() -> Version {
    proto3("cometbft-v0.38.25")
}

pub(crate) fn cometbft_v1_0_1() -> Version {
    proto3("cometbft-v1.0.1")
}

pub(crate) fn tendermint_v0_34_35() -> Version {
    proto3("tendermint-v0.34.35")
}

pub(crate) fn tendermint_v0_33_9() -> Version {
    Version {
        directory: "tendermint-v0.33.9",
        codec: Amino::new().into(),
        decode_cases: "amino_decode_cases",
        sealed: false,
    }
}

pub(crate) fn cometbft_v0_38_25_sealed() -> Version {
    Version { sealed: true, ..cometbft_v0_38_25() }
}

pub(crate) fn cometbft_v1_0_1_sealed() -> Version {
    Version { sealed: true, ..cometbft_v1_0_1() }
}

pub(crate) fn tendermint_v0_34_35_sealed() -> Version {
    Version { sealed: true, ..tendermint_v0_34_35() }
}

fn proto3(directory: &'static str) -> Version {
    Version { directory, codec: Proto3::new().into(), decode_cases: "proto_decode_cases", sealed: false }
}

impl Version {
    pub(crate) fn run(&self) -> GoPeer {
        GoPeer::run(self.directory, self.sealed)
    }

    /// Its number alone.
    pub(crate) fn number(&self) -> &'static str {
        self.directory.split_once("-v").unwrap().1
    }

    pub(crate) fn is_proto3(&self) -> bool {
        matches!(self.codec, AnyCodec::Proto3(_))
    }

    /// Our end: no pings, no limits.
    pub(crate) fn ours(&self, channels: &[(u8, u32)]) -> MConnConfig {
        let channel = |&(id, priority): &(u8, u32)| ChannelConfig::new(id, priority);
        quiet(channels.iter().map(channel)).codec(self.codec.clone())
    }
}

/// A Go connection with these channels and priorities: no limits, output after at most 5 ms.
pub(crate) fn go(channels: &[(u8, u32)]) -> GoConfig {
    let channel = |&(id, priority): &(u8, u32)| GoChannel { id, priority, ..GoChannel::default() };
    GoConfig { channels: channels.iter().map(channel).collect(), flush_ms: 5, ..GoConfig::default() }
}
