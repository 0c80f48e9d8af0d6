//! What came, by channel and kind.

use std::collections::BTreeMap;

use crate::channels::Channel;

/// Messages and their bytes.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Count {
    pub(crate) messages: u64,
    pub(crate) bytes: u64,
}

impl Count {
    fn add(&mut self, bytes: usize) {
        self.messages += 1;
        self.bytes += bytes as u64;
    }
}

/// What came, by channel and kind.
#[derive(Debug, Default)]
pub(crate) struct Traffic {
    pub(crate) channels: BTreeMap<u8, BTreeMap<String, Count>>,
}

impl Traffic {
    /// Counts a message. Whether it is the first of its kind.
    pub(crate) fn count(&mut self, channel: u8, message: &[u8]) -> bool {
        let kind = kind(channel, message);
        let count = self.channels.entry(channel).or_default().entry(kind).or_default();
        count.add(message.len());
        count.messages == 1
    }

    /// All of a channel.
    pub(crate) fn total(&self, channel: u8) -> Count {
        let kinds = self.channels.get(&channel).into_iter().flat_map(BTreeMap::values);
        kinds.fold(Count::default(), |sum, count| Count {
            messages: sum.messages + count.messages,
            bytes: sum.bytes + count.bytes,
        })
    }
}

/// What a message is.
pub(crate) fn kind(channel: u8, message: &[u8]) -> String {
    Channel::of(channel).map_or_else(|| "?".into(), |channel| channel.kind(message))
}

/// The id and the name of a channel.
pub(crate) fn label(channel: u8) -> String {
    format!("{channel:#04x} {}", Channel::of(channel).map_or("", |channel| channel.name))
}
