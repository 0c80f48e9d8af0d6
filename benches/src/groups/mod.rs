//! What is compared with what, group by group.

pub mod codec;
pub mod go;
pub mod latency;
pub mod machine;
pub mod nats;
pub mod sealed;
pub mod tcp;
pub mod udp;
pub mod window;

use std::time::Duration;

use crate::measure::{Effort, Measured, Row};
use crate::report::{Report, Rows, Shown};
use crate::transfer::Lane;

/// A group of rows with the same contenders.
#[derive(Debug)]
pub struct Group {
    /// The name that the command line knows.
    pub name: &'static str,
    /// What is counted, and as what.
    pub about: &'static str,
    /// How it is measured.
    pub kind: Kind,
}

/// How a group is measured.
#[derive(Clone, Copy, Debug)]
pub enum Kind {
    /// The CPU time of operations in memory.
    Memory(fn() -> Vec<Row>),
    /// The CPU time of operations over TCP, where a slice must be longer to be stable.
    Tcp(fn() -> Vec<Row>),
    /// The time that urgent messages take.
    Latency,
    /// What arrives in a second, and what it costs.
    Transfer(fn() -> Vec<Lane>),
}

/// All groups in the order of the table.
pub const ALL: &[Group] = &[
    Group {
        name: "codec/encode",
        about: "thread CPU time per packet; shares of the speed of memcpy",
        kind: Kind::Memory(codec::encode),
    },
    Group {
        name: "codec/decode",
        about: "thread CPU time per packet; shares of the speed of memcpy",
        kind: Kind::Memory(codec::decode),
    },
    Group {
        name: "machine/roundtrip",
        about: "thread CPU time per message from end to end, peers over an in-memory duplex; shares of the speed of memcpy",
        kind: Kind::Memory(machine::roundtrip),
    },
    Group {
        name: "machine/channels",
        about: "thread CPU time per message from end to end; shares of the speed of mconn with one channel",
        kind: Kind::Memory(machine::channels),
    },
    Group {
        name: "tcp_std",
        about: "process CPU time per message over loopback TCP, both ends; shares of the speed of raw TCP",
        kind: Kind::Tcp(tcp::std),
    },
    Group {
        name: "tcp_tokio",
        about: "process CPU time per message over loopback TCP, both ends; shares of the speed of raw TCP",
        kind: Kind::Tcp(tcp::tokio),
    },
    Group {
        name: "tcp_sealed",
        about: "process CPU time per message over loopback TCP in sealed frames, both ends; shares of the speed of raw TCP",
        kind: Kind::Tcp(sealed::std),
    },
    Group {
        name: "window/roundtrip",
        about: "thread CPU time per message from end to end over datagrams of at most 1200 bytes in memory, both ends; shares of \
                the speed of memcpy",
        kind: Kind::Memory(window::roundtrip),
    },
    Group {
        name: "go/mconnection",
        about: "process CPU time per message over loopback TCP, both ends; multiples of the speed of CometBFT's MConnection in the \
                clear (CometBFT v0.38.25)",
        kind: Kind::Tcp(go::mconnection),
    },
    Group {
        name: "go/window",
        about: "CPU time per message in memory, both ends; multiples of the speed of go-sliding-window over its simulated network",
        kind: Kind::Tcp(go::window),
    },
    Group {
        name: "latency",
        about: "time that a 100-byte message of high priority takes behind a saturated channel, to a peer that reads slowly; \
                multiples of the time in which the full send buffer of the socket drains; raw is a bare socket",
        kind: Kind::Latency,
    },
    Group {
        name: "udp/loopback",
        about: "messages over loopback UDP in datagrams of so many bytes, both ends in one process; of raw UDP the bytes that arrive",
        kind: Kind::Transfer(udp::lanes),
    },
    Group {
        name: "nats/server",
        about: "messages over a real nats-server, whose own CPU time is not counted, both ends in one process",
        kind: Kind::Transfer(nats::lanes),
    },
];

/// What to measure, and how thoroughly.
#[derive(Clone, Debug, Default)]
pub struct Thoroughness {
    /// Only rows whose load contains this.
    pub load: String,
    /// Only carriers whose name contains this.
    pub only: String,
    /// A smaller number of shorter rounds.
    pub quick: bool,
    /// Another number of rounds than the usual one.
    pub rounds: Option<usize>,
}

impl Thoroughness {
    fn wants(&self, label: &str) -> bool {
        label.contains(&self.load)
    }

    fn effort(&self, rounds: [usize; 2], slice: [u64; 2]) -> Effort {
        let index = usize::from(self.quick);
        Effort { rounds: self.rounds.unwrap_or(rounds[index]), slice: Duration::from_millis(slice[index]) }
    }
}

impl Group {
    /// The rows of a group that measures CPU time; none of any other.
    #[must_use]
    pub fn rows(&self) -> Vec<Row> {
        match self.kind {
            Kind::Memory(rows) | Kind::Tcp(rows) => rows(),
            Kind::Latency | Kind::Transfer(_) => vec![],
        }
    }

    /// Measures all rows.
    #[must_use]
    pub fn measure(&self, thoroughness: &Thoroughness) -> Report {
        let wanted = |label: &str| {
            let wanted = thoroughness.wants(label);
            if wanted {
                eprintln!("{} {label}", self.name);
            }
            wanted
        };
        let speed = |rows| Rows::Ratios(Shown::Speed, rows);
        let rows = match self.kind {
            Kind::Memory(rows) => speed(take_turns(rows(), wanted, thoroughness.effort([25, 7], [12, 5]))),
            Kind::Tcp(rows) => speed(take_turns(rows(), wanted, thoroughness.effort([9, 3], [60, 15]))),
            Kind::Latency => {
                let Effort { rounds, slice } = thoroughness.effort([3, 1], [2000, 800]);
                Rows::Ratios(Shown::Time, latency::measure(wanted, rounds, slice))
            }
            Kind::Transfer(lanes) => {
                let effort = thoroughness.effort([7, 3], [300, 100]);
                let lanes = lanes().into_iter().filter(|lane| wanted(&lane.label));
                Rows::Transfers(lanes.map(|lane| lane.only(&thoroughness.only).measure(effort)).collect())
            }
        };
        Report { name: self.name, about: self.about, rows }
    }
}

fn take_turns(rows: Vec<Row>, wanted: impl Fn(&str) -> bool, effort: Effort) -> Vec<Measured> {
    rows.into_iter().filter(|row| wanted(&row.label)).map(|row| row.measure(effort)).collect()
}
