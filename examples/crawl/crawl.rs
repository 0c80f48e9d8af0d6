//! The crawl: whom to visit next, and what comes of it.

use std::collections::VecDeque;
use std::pin::pin;

use mconn::adapter::tokio::{DialConfig, DialError, dial};
use mconn::peer::pex::is_routable;
use mconn::peer::{Host, PeerAddress};
use mconn::secret::NodeId;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

use crate::arguments::Arguments;
use crate::common::introduction::Introduction;
use crate::failure::Failure;
use crate::map::{Map, State};
use crate::progress::Progress;
use crate::visit::{Visit, ask};

/// Why a crawl has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    Complete,
    OutOfTime,
    Interrupted,
}

type Visits = JoinSet<(PeerAddress, usize, Result<Visit, DialError>)>;

/// A crawl that goes on.
pub(crate) struct Crawl<'a> {
    arguments: &'a Arguments,
    introduction: Introduction,
    config: DialConfig,
    map: Map,
    waiting: VecDeque<(PeerAddress, usize)>,
    visits: Visits,
    dialled: usize,
    own: Option<NodeId>,
}

impl<'a> Crawl<'a> {
    pub(crate) fn new(arguments: &'a Arguments, introduction: Introduction, config: DialConfig) -> Self {
        let own = introduction.local().ok().map(|local| local.id());
        let map = Map::new(&arguments.address);
        Self { arguments, introduction, config, map, waiting: VecDeque::new(), visits: JoinSet::new(), dialled: 0, own }
    }

    /// Visits all nodes that can be found.
    pub(crate) async fn run(mut self) -> Result<(Map, Ended), Failure> {
        let start = Instant::now();
        let mut ctrl_c = pin!(tokio::signal::ctrl_c());
        let limit = self.arguments.limit.map(|limit| start + limit);
        let mut out_of_time = pin!(async move {
            match limit {
                Some(limit) => sleep_until(limit).await,
                None => std::future::pending().await,
            }
        });
        tokio::select! {
            first = self.first() => first?,
            _ = &mut ctrl_c => return Err(Failure::TooEarly),
            () = &mut out_of_time => return Err(Failure::TooEarly),
        }
        let progress = Progress::new();
        let ended = loop {
            self.begin_visits();
            progress.show(&self.map, self.visits.len(), self.waiting.len());
            tokio::select! {
                visit = self.visits.join_next() => match visit {
                    Some(Ok((address, depth, visit))) => self.visited(&address, depth, visit),
                    // A visit that has panicked is none.
                    Some(Err(_)) => {}
                    None => break Ended::Complete,
                },
                _ = &mut ctrl_c => break Ended::Interrupted,
                () = &mut out_of_time => break Ended::OutOfTime,
            }
        };
        drop(progress);
        self.map.finish(ended == Ended::Complete, start.elapsed());
        Ok((self.map, ended))
    }

    /// The first node must be there: from it the network is learnt.
    async fn first(&mut self) -> Result<(), Failure> {
        let address = self.arguments.address.clone();
        let dialled = self.introduction.dial(&address, self.config).await;
        let visit = ask(dialled, self.arguments.timeout).await;
        let visit = visit.map_err(|error| Failure::Dial { address: address.to_string(), error })?;
        // It is ours too, or there would be no visit.
        self.map.network.clone_from(&visit.info.network);
        self.map.add(&address, 0);
        self.dialled = 1;
        self.visited(&address, 0, Ok(visit));
        Ok(())
    }

    fn begin_visits(&mut self) {
        while self.visits.len() < self.arguments.concurrency {
            let Some((address, depth)) = self.waiting.pop_front() else { return };
            if self.dialled >= self.arguments.max_nodes {
                self.map.not_reached(&address.id, State::NotDialled, "enough nodes were dialled (--max-nodes)".into());
                continue;
            }
            let Ok(local) = self.introduction.local() else { return };
            self.dialled += 1;
            let (config, limit) = (self.config, self.arguments.timeout);
            self.visits.spawn(async move {
                let visit = ask(dial(&address, local, config).await, limit).await;
                (address, depth, visit)
            });
        }
    }

    fn visited(&mut self, address: &PeerAddress, depth: usize, visit: Result<Visit, DialError>) {
        let visit = match visit {
            Ok(visit) => visit,
            Err(error) => return self.map.not_reached(&address.id, State::Failed, error.to_string()),
        };
        let mut told = visit.knows;
        if let Ok(addresses) = &mut told {
            // Nodes may have heard of us too.
            addresses.retain(|known| Some(known.id) != self.own);
            addresses.iter().for_each(|known| self.found(known, depth + 1));
        }
        self.map.reached(&address.id, &visit.info, told.as_deref().map_err(Clone::clone));
    }

    /// Somebody knows a node.
    fn found(&mut self, address: &PeerAddress, depth: usize) {
        if !self.map.add(address, depth) {
            return;
        }
        let routable = !matches!(address.at.host, Host::Ip(ip) if !is_routable(ip));
        let why = if depth > self.arguments.depth {
            "too far from the first node (--depth)"
        } else if !routable && !self.arguments.private {
            "its address can not be reached from everywhere (--private)"
        } else {
            return self.waiting.push_back((address.clone(), depth));
        };
        self.map.not_reached(&address.id, State::NotDialled, why.into());
    }
}
