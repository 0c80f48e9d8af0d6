//! `mconn` itself, as contenders.

pub mod by_hand;
pub mod codec;
pub mod machine;
