//! Benchmarks of `mconn` against its limits (a copy in memory, a bare TCP socket) and its peers.
//!
//! The limit, the peers and `mconn` take turns within one run, so that what disturbs the machine disturbs all of them, and
//! what is printed are medians of ratios. Groups in memory count the CPU time of one thread, groups over TCP that of the
//! whole process: both ends, user and system. Groups of transfers count by the clock on the wall as well.

#![forbid(unsafe_code)]

pub mod clock;
pub mod contender;
pub mod goal;
pub mod goodput;
pub mod groups;
pub mod latency;
pub mod load;
pub mod measure;
pub mod ours;
pub mod peers;
pub mod report;
pub mod transfer;
