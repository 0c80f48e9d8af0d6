//! Messages and streams, complete and in order, over packets that may be lost, doubled, reordered or damaged.

pub(crate) mod number;
pub mod packet;
