//! The check of a packet: CRC32C over the whole datagram, with the four bytes of the check itself taken as zero.
//!
//! It finds accidents, not attackers: whoever sees a packet can make another one that passes.

#[cfg(not(feature = "std"))]
mod state {
    use crc::{CRC_32_ISCSI, Crc, Digest, Table};

    static CRC32C: Crc<u32, Table<16>> = Crc::<u32, Table<16>>::new(&CRC_32_ISCSI);

    /// A check that is being computed.
    pub(super) struct State(Digest<'static, u32, Table<16>>);

    impl State {
        pub(super) fn new() -> Self {
            Self(CRC32C.digest())
        }

        pub(super) fn update(&mut self, bytes: &[u8]) {
            self.0.update(bytes);
        }

        pub(super) fn finish(self) -> u32 {
            self.0.finalize()
        }
    }
}

#[cfg(feature = "std")]
mod state {
    use crc_fast::{CrcAlgorithm, Digest};

    /// A check that is being computed, with the instructions that the processor has for it.
    pub(super) struct State(Digest);

    impl State {
        pub(super) fn new() -> Self {
            Self(Digest::new(CrcAlgorithm::Crc32Iscsi))
        }

        pub(super) fn update(&mut self, bytes: &[u8]) {
            self.0.update(bytes);
        }

        pub(super) fn finish(self) -> u32 {
            // A check of 32 bits, whatever it is handed in.
            self.0.finalize() as u32
        }
    }
}

/// The check of a datagram whose check field begins at `at`; `None` when it has no room for one.
///
/// `at` is one of two small constants.
pub(super) fn of(datagram: &[u8], at: usize) -> Option<u32> {
    let (before, rest) = datagram.split_at_checked(at)?;
    let (_, after) = rest.split_first_chunk::<4>()?;
    // Two updates are dearer than one: what stands before the check is short, and goes in together with the zeros.
    let mut start = [0; MAX_OFFSET + 4];
    start.get_mut(..at)?.copy_from_slice(before);
    let mut state = state::State::new();
    state.update(start.get(..at.saturating_add(4))?);
    state.update(after);
    Some(state.finish())
}

/// The furthest place of a check: after the number of a packet.
pub(super) const MAX_OFFSET: usize = 13;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The catalogue's example: the CRC32C of "123456789" is 0xe3069283.
    #[test]
    fn it_is_crc32c() {
        let mut state = state::State::new();
        state.update(b"12345");
        state.update(b"6789");
        assert_eq!(state.finish(), 0xe306_9283);
    }

    proptest! {
        /// The table without a standard library and the instructions with one say the same.
        #[test]
        fn every_way_to_compute_it_agrees(mut datagram: std::vec::Vec<u8>, late: bool) {
            let at = if late { MAX_OFFSET } else { 9 };
            let check = of(&datagram, at);
            if datagram.len() < at + 4 {
                prop_assert_eq!(check, None);
            } else {
                datagram[at..at + 4].fill(0);
                prop_assert_eq!(check, Some(crc::Crc::<u32>::new(&crc::CRC_32_ISCSI).checksum(&datagram)));
            }
        }
    }
}
