//! What the examples that talk to real nodes have in common.

pub(crate) mod failure;
pub(crate) mod introduction;
