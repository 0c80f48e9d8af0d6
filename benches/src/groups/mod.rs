//! What is compared with what, group by group.

pub mod codec;
pub mod machine;
pub mod tcp;

use std::time::Duration;

use crate::measure::{Effort, Row};
use crate::report::Report;

/// A group of rows with the same contenders.
#[derive(Debug)]
pub struct Group {
    /// The name that the command line knows.
    pub name: &'static str,
    /// What is counted, and as what.
    pub about: &'static str,
    /// Whether it goes over TCP, where a slice must be longer to be stable.
    pub tcp: bool,
    /// Makes the rows.
    pub rows: fn() -> Vec<Row>,
}

/// All groups in the order of the table.
pub const ALL: &[Group] = &[
    Group {
        name: "codec/encode",
        about: "thread CPU time per packet; shares of the speed of memcpy",
        tcp: false,
        rows: codec::encode,
    },
    Group {
        name: "codec/decode",
        about: "thread CPU time per packet; shares of the speed of memcpy",
        tcp: false,
        rows: codec::decode,
    },
    Group {
        name: "machine/roundtrip",
        about: "thread CPU time per message from end to end, peers over an in-memory duplex; shares of the speed of memcpy",
        tcp: false,
        rows: machine::roundtrip,
    },
    Group {
        name: "machine/channels",
        about: "thread CPU time per message from end to end; shares of the speed of mconn with one channel",
        tcp: false,
        rows: machine::channels,
    },
    Group {
        name: "tcp_std",
        about: "process CPU time per message over loopback TCP, both ends; shares of the speed of raw TCP",
        tcp: true,
        rows: tcp::std,
    },
    Group {
        name: "tcp_tokio",
        about: "process CPU time per message over loopback TCP, both ends; shares of the speed of raw TCP",
        tcp: true,
        rows: tcp::tokio,
    },
];

/// What to measure, and how thoroughly.
#[derive(Clone, Debug, Default)]
pub struct Thoroughness {
    /// Only rows whose load contains this.
    pub load: String,
    /// A smaller number of shorter rounds.
    pub quick: bool,
    /// Another number of rounds than the usual one.
    pub rounds: Option<usize>,
}

impl Group {
    /// How long to measure each row.
    #[must_use]
    pub fn effort(&self, thoroughness: &Thoroughness) -> Effort {
        let (rounds, slice) = match (self.tcp, thoroughness.quick) {
            (false, false) => (25, 12),
            (false, true) => (7, 5),
            (true, false) => (9, 60),
            (true, true) => (3, 20),
        };
        Effort { rounds: thoroughness.rounds.unwrap_or(rounds), slice: Duration::from_millis(slice) }
    }

    /// Measures all rows.
    #[must_use]
    pub fn measure(&self, thoroughness: &Thoroughness) -> Report {
        let effort = self.effort(thoroughness);
        let rows = (self.rows)()
            .into_iter()
            .filter(|row| row.label.contains(&thoroughness.load))
            .map(|row| {
                eprintln!("{} {}", self.name, row.label);
                row.measure(effort)
            })
            .collect();
        Report { name: self.name, about: self.about, rows }
    }
}
