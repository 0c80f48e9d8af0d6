//! Messages and files, in order and complete, over packets that may be lost, doubled, reordered or damaged.

pub mod legacy;
