//! A connection between two nodes: two links, and what the drivers at both ends hold.

use bytes::BytesMut;
use mconn::peer::switch::ConnectionId;
use mconn::sim::{ByteLink, Cut, CutKind, LinkConfig, Random};
use mconn::time::{Duration, Instant};

/// One end of a wire.
#[derive(Debug)]
pub(crate) struct End {
    pub(crate) node: Option<usize>,
    pub(crate) connection: Option<ConnectionId>,
    /// What was read and not consumed, and what was pulled and not written.
    pub(crate) inbound: BytesMut,
    pub(crate) outbound: BytesMut,
    /// Nothing more can be read.
    pub(crate) ended: bool,
    /// This side has hung up.
    pub(crate) closed: bool,
    /// When it is read next.
    pub(crate) read_at: Option<Instant>,
}

/// A connection between two nodes. Side 0 has dialled.
#[derive(Debug)]
pub(crate) struct Wire {
    pub(crate) ends: [End; 2],
    /// By who writes.
    pub(crate) links: [ByteLink; 2],
}

impl Wire {
    pub(crate) fn new(random: &mut Random, nodes: [Option<usize>; 2], calm: bool) -> Self {
        let latency = Duration::from_millis(random.within(1..=150));
        let chunk = random.choose(&[100, 1500, 65_536], 1500);
        let mut config = LinkConfig::new().latency(latency).chunk(chunk);
        if !calm && random.percent(10) {
            let kind = random.choose(&[CutKind::Failure, CutKind::End, CutKind::Silence], CutKind::End);
            config = config.cut(Cut { after: random.within(0..=20_000), kind });
        }
        let link = |random: &mut Random| ByteLink::new(config.clone(), random.fork());
        let links = [link(random), link(random)];
        Self { ends: nodes.map(End::new), links }
    }

    /// The wire is of no use to anybody.
    pub(crate) fn is_dead(&self) -> bool {
        self.ends.iter().all(|end| end.closed)
    }

    /// One side hangs up: in order, or at once, or it vanishes.
    pub(crate) fn close(&mut self, now: Instant, side: usize, how: Hang) {
        self.ends[side].closed = true;
        self.ends[side].inbound = BytesMut::new();
        self.ends[side].outbound = BytesMut::new();
        match how {
            Hang::Close => self.links[side].close(now),
            Hang::Reset => self.links[side].reset(now),
            Hang::Vanish => return,
        }
        self.links[1 - side].stop_reading();
    }
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Hang {
    Close,
    Reset,
    Vanish,
}

impl End {
    fn new(node: Option<usize>) -> Self {
        Self {
            node,
            connection: None,
            inbound: BytesMut::new(),
            outbound: BytesMut::new(),
            ended: false,
            closed: false,
            read_at: None,
        }
    }
}
