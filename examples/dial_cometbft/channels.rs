//! The channels of a CometBFT node, and what is said on them.

/// A channel of a node.
pub(crate) struct Channel {
    pub(crate) id: u8,
    pub(crate) priority: u32,
    /// The largest message in bytes.
    pub(crate) largest: usize,
    pub(crate) name: &'static str,
    /// The kinds of messages: the fields of the `oneof` in their protobuf message, from 1.
    kinds: &'static [&'static str],
}

const MEBIBYTE: usize = 1 << 20;

/// Of `proto/tendermint/consensus/types.proto @ v0.38`; the last one came with v1.
const CONSENSUS: &[&str] = &[
    "NewRoundStep",
    "NewValidBlock",
    "Proposal",
    "ProposalPOL",
    "BlockPart",
    "Vote",
    "HasVote",
    "VoteSetMaj23",
    "VoteSetBits",
    "HasProposalBlockPart",
];
const STATE_SYNC: &[&str] = &["SnapshotsRequest", "SnapshotsResponse", "ChunkRequest", "ChunkResponse"];
const BLOCK_SYNC: &[&str] = &["BlockRequest", "NoBlockResponse", "BlockResponse", "StatusRequest", "StatusResponse"];

const fn channel(id: u8, priority: u32, largest: usize, name: &'static str, kinds: &'static [&'static str]) -> Channel {
    Channel { id, priority, largest, name, kinds }
}

/// All channels, with the priorities and limits that the reactors of a node give them (`GetChannels` @ v0.38).
pub(crate) const CHANNELS: [Channel; 10] = [
    channel(0x00, 1, 64_000, "peer exchange", &["PexRequest", "PexAddrs"]),
    channel(0x20, 6, MEBIBYTE, "consensus state", CONSENSUS),
    channel(0x21, 10, MEBIBYTE, "consensus data", CONSENSUS),
    channel(0x22, 7, MEBIBYTE, "consensus votes", CONSENSUS),
    channel(0x23, 1, MEBIBYTE, "consensus bits", CONSENSUS),
    channel(0x30, 5, 2 * MEBIBYTE, "mempool", &["Txs"]),
    channel(0x38, 6, MEBIBYTE, "evidence", &["Evidence"]),
    channel(0x40, 5, 104_857_605, "block sync", BLOCK_SYNC),
    channel(0x60, 5, 4_000_000, "snapshots", STATE_SYNC),
    channel(0x61, 3, 16_000_000, "snapshot chunks", STATE_SYNC),
];

impl Channel {
    pub(crate) fn of(id: u8) -> Option<&'static Self> {
        CHANNELS.iter().find(|channel| channel.id == id)
    }

    /// What a message is: the name of its first field.
    pub(crate) fn kind(&self, message: &[u8]) -> String {
        let Some(number) = first_field(message) else { return "(empty)".into() };
        let name = number.checked_sub(1).and_then(|place| self.kinds.get(usize::try_from(place).ok()?));
        name.map_or_else(|| format!("(field {number})"), |name| (*name).into())
    }
}

/// The number of the first field of a protobuf message; `None` when it has none.
fn first_field(message: &[u8]) -> Option<u64> {
    let mut tag = 0_u64;
    for (place, byte) in message.iter().take(5).enumerate() {
        tag |= u64::from(byte & 0x7f) << (7 * place);
        if byte & 0x80 == 0 {
            return Some(tag >> 3);
        }
    }
    None
}
