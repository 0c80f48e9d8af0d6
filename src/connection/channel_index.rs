//! From channel id to channel in one look-up.

/// For each id the position of its channel, as far as it has one.
///
/// An id without a channel points to position 0, so whoever looks compares the id that it finds there: 256 bytes instead of
/// 512, and no branch for a missing entry.
#[derive(Clone, Debug)]
pub(crate) struct ChannelIndex([u8; 256]);

impl ChannelIndex {
    pub(crate) fn new(ids: impl Iterator<Item = u8>) -> Self {
        let mut positions = [0; 256];
        for (position, id) in (0..=u8::MAX).zip(ids) {
            if let Some(entry) = positions.get_mut(usize::from(id)) {
                *entry = position;
            }
        }
        Self(positions)
    }

    /// The only position at which the channel `id` can be.
    #[inline]
    pub(crate) fn position(&self, id: u8) -> usize {
        self.0.get(usize::from(id)).map_or(0, |position| usize::from(*position))
    }
}
