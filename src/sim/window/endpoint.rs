//! One session in a world, its user, and the oracles of its own.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use bytes::{Bytes, BytesMut};

use super::conduct::Conduct;
use super::machine::WindowMachine;
use super::tally::Tally;
use super::user::User;
use super::watch::Watch;
use crate::machine::Machine;
use crate::sim::{Address, DatagramEndpoint, Desk, Random, Violation};
use crate::sliding_window::packet::seal;
use crate::sliding_window::{CloseReason, Config, Input, SlidingWindow, Status};
use crate::time::{Duration, Instant};

/// How long closing may take beyond what is configured: clocks that are set, drivers that are late.
const SLACK: Duration = Duration::from_secs(60);

/// One session with one peer, the user behind it, and the oracles that watch both.
///
/// ```
/// use mconn::sim::window::{Conduct, WindowEndpoint};
/// use mconn::sim::{Address, DatagramConfig, Habits, World, WorldConfig};
/// use mconn::sliding_window::{CloseReason, Config};
/// use mconn::time::{Duration, Instant};
///
/// let link = DatagramConfig::new().latency(Duration::from_millis(20)).loss(200_000);
/// let mut world = World::new(1, WorldConfig::new(link));
/// let (a, b) = (Address::new(0), Address::new(1));
/// world.add(WindowEndpoint::connect(b, Config::new(1, 1), Conduct::new(vec![]), Instant::ZERO)?, Habits::exact());
/// world.add(WindowEndpoint::listen(a, Config::new(2, 2), Conduct::listener(), Instant::ZERO)?, Habits::exact());
/// world.run()?;
/// assert_eq!(world.endpoint(a).unwrap().endings(), [CloseReason::Finished]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct WindowEndpoint<M = SlidingWindow> {
    machine: M,
    calls: bool,
    config: Config,
    peer: Address,
    user: User,
    watch: Watch,
    now: Instant,
    /// When the next session goes on with the one that was cut.
    resumes_at: Option<Instant>,
    resumed: u32,
    endings: Vec<CloseReason>,
    told: bool,
    /// Bytes that came and went before the peer was known to be real.
    heard: u64,
    said: u64,
    /// The most bytes that were sent for each one that came before the peer was proved, in thousandths.
    amplification: u64,
    /// Chance in a hundred that a datagram is changed, and then made to look right.
    hostile: Option<(u64, Random)>,
    recorded: Option<Vec<Bytes>>,
    transmitted: u64,
}

impl WindowEndpoint {
    /// One that calls `peer`.
    ///
    /// # Errors
    /// Those of [`SlidingWindow::connect`].
    pub fn connect(
        peer: Address,
        config: Config,
        conduct: Conduct,
        now: Instant,
    ) -> Result<Self, crate::sliding_window::ConfigError> {
        let machine = SlidingWindow::connect(config.clone(), now)?;
        Ok(Self::new(machine, true, peer, config, conduct, now))
    }

    /// One that waits for `peer`.
    ///
    /// # Errors
    /// Those of [`SlidingWindow::listen`].
    pub fn listen(
        peer: Address,
        config: Config,
        conduct: Conduct,
        now: Instant,
    ) -> Result<Self, crate::sliding_window::ConfigError> {
        let machine = SlidingWindow::listen(config.clone(), now)?;
        Ok(Self::new(machine, false, peer, config, conduct, now))
    }
}

impl<M: WindowMachine> WindowEndpoint<M> {
    /// One that drives this machine, which was made with `config` at `now` and calls the peer or not.
    pub fn new(machine: M, calls: bool, peer: Address, config: Config, conduct: Conduct, now: Instant) -> Self {
        Self {
            machine,
            calls,
            user: User::new(conduct, config.delivery, peer, now),
            config,
            peer,
            watch: Watch::default(),
            now,
            resumes_at: None,
            resumed: 0,
            endings: Vec::new(),
            told: false,
            heard: 0,
            said: 0,
            amplification: 0,
            hostile: None,
            recorded: None,
            transmitted: 0,
        }
    }

    /// Makes it hostile: so many datagrams in a hundred are changed and then sealed, so that they look right.
    pub fn set_hostile(&mut self, percent: u64, random: Random) {
        self.hostile = Some((percent, random));
    }

    /// Keeps a copy of each datagram that it sends.
    pub fn record(&mut self) {
        self.recorded = Some(Vec::new());
    }

    /// What was recorded so far.
    #[must_use]
    pub fn recorded(&self) -> &[Bytes] {
        self.recorded.as_deref().unwrap_or_default()
    }

    /// The machine.
    #[must_use]
    pub const fn machine(&self) -> &M {
        &self.machine
    }

    /// How its sessions have ended, the first first.
    #[must_use]
    pub fn endings(&self) -> &[CloseReason] {
        &self.endings
    }

    /// What its user has counted.
    #[must_use]
    pub const fn tally(&self) -> Tally {
        self.user.tally
    }

    /// Sessions that went on with one that was cut.
    #[must_use]
    pub const fn resumed(&self) -> u32 {
        self.resumed
    }

    /// Datagrams that it has sent.
    #[must_use]
    pub const fn transmitted(&self) -> u64 {
        self.transmitted
    }

    /// The most bytes that were sent for each byte that came before the peer was proved, in thousandths.
    #[must_use]
    pub const fn amplification(&self) -> u64 {
        self.amplification
    }

    /// How the session is doing.
    #[must_use]
    pub fn status(&self) -> Status {
        self.machine.status(self.now)
    }

    /// What its user does.
    #[must_use]
    pub const fn conduct(&self) -> &Conduct {
        self.user.conduct()
    }

    fn note_end(&mut self) {
        let Some(reason) = self.user.ended.clone().filter(|_| self.resumes_at.is_none()) else { return };
        if self.endings.len() > self.resumed as usize {
            return;
        }
        let conduct = self.user.conduct();
        let cut = matches!(
            reason,
            CloseReason::TransportFailed
                | CloseReason::IdleTimeout { .. }
                | CloseReason::ProbesExhausted { .. }
                | CloseReason::UnackedLimit { .. }
        );
        if cut && conduct.resumes > 0 {
            self.resumes_at = Some(self.now + conduct.resumes_after);
        }
        self.endings.push(reason);
    }

    /// Forgets what the other end has promised: it was replaced, and what it had sent is still on its way.
    pub fn distrust(&mut self) {
        self.user.distrust();
    }

    /// Goes on with another session where the last one was cut.
    fn resume(&mut self, desk: &mut Desk<'_>) -> Result<(), Violation<Address>> {
        if self.resumes_at.is_none_or(|at| at > self.now) {
            return Ok(());
        }
        self.resumes_at = None;
        let refused = |_| Violation::Rule { at: desk.now(), side: desk.here(), what: "it can not be resumed".into() };
        self.config.tag = self.config.tag.wrapping_mul(3).wrapping_add(1).max(1);
        let empty = SlidingWindow::listen(self.config.clone(), self.now).map_err(refused)?;
        let old = core::mem::replace(self.machine.session_mut(), empty);
        let Some(resumable) = old.into_resumable() else {
            // Nothing to go on with: the end stays the end.
            let session = self.machine.session_mut();
            Machine::handle(session, self.now, Input::TransportFailed);
            while Machine::poll_event(session).is_some() {}
            return Ok(());
        };
        let (config, now) = (self.config.clone(), self.now);
        let next = if self.calls {
            SlidingWindow::connect_resumed(config, resumable, now)
        } else {
            SlidingWindow::listen_resumed(config, resumable, now)
        };
        *self.machine.session_mut() = next.map_err(refused)?;
        self.user.resumed();
        self.watch.forget();
        self.resumed = self.resumed.saturating_add(1);
        (self.heard, self.said) = (0, 0);
        desk.note(|| "goes on where it was cut");
        Ok(())
    }

    /// Oracles that need no other endpoint.
    fn look(&mut self, desk: &Desk<'_>) -> Result<(), Violation<Address>> {
        if self.user.ended.is_some() {
            return desk.rule(self.machine.poll_timeout().is_none(), "a deadline after the end");
        }
        let status = self.machine.status(self.now);
        self.watch.look(&status, &self.config, desk)?;
        // Who is called answers with at most three times what came, until it knows that somebody is there (RFC 9000, 8.1).
        if !self.calls && !status.connected {
            desk.limit("thousandths of what came, sent", self.amplification as usize, 3000)?;
        }
        // Who lingers waits for what is in flight too, until the peer is taken for gone.
        let silence = self.config.idle_timeout.unwrap_or(Duration::from_secs(3_600));
        let limit =
            [self.config.linger, silence, SLACK].into_iter().fold(self.config.close_timeout, Duration::saturating_add);
        let late = self.user.closing_since().is_some_and(|since| since + limit < self.now);
        let bound = matches!(self.conduct().farewell, super::Farewell::Finish);
        desk.rule(!late || bound || self.user.asleep(self.now).is_some() || self.is_slow(), "closing takes too long")
    }

    /// Whether its user takes so long that the end waits for that.
    fn is_slow(&self) -> bool {
        !self.conduct().reading.rest.is_zero() || self.machine.poll_timeout().is_none()
    }

    fn disguise(&mut self, datagram: &mut BytesMut) {
        let Some((percent, random)) = &mut self.hostile else { return };
        if !random.percent(*percent) || datagram.len() <= 10 {
            return;
        }
        if random.percent(20) {
            datagram.truncate(random.size(9..=datagram.len().saturating_sub(1)));
        }
        for _ in 0..random.within(1..=4) {
            // Behind the tag, and mostly where the frames begin.
            let most = datagram.len().saturating_sub(1);
            let place = if random.percent(70) { random.size(9..=most.min(40)) } else { random.size(9..=most) };
            let value = random.next_u64() as u8;
            if let Some(byte) = datagram.get_mut(place) {
                *byte = value;
            }
        }
        seal(datagram);
    }
}

impl<M: WindowMachine> DatagramEndpoint for WindowEndpoint<M> {
    fn handle_datagram(&mut self, now: Instant, _from: Address, datagram: &mut BytesMut) {
        self.now = now;
        self.heard = self.heard.saturating_add(datagram.len() as u64);
        self.machine.handle(now, Input::Datagram(datagram));
    }

    fn handle_timeout(&mut self, now: Instant) {
        self.now = now;
        self.machine.handle_timeout(now);
    }

    fn poll_transmit(&mut self, now: Instant, into: &mut BytesMut) -> Option<Address> {
        self.now = now;
        let connected = self.machine.session().is_connected();
        if !self.machine.transmit(now, into) {
            into.clear();
            return None;
        }
        self.transmitted = self.transmitted.saturating_add(1);
        if !connected && !self.calls && self.user.ended.is_none() {
            self.said = self.said.saturating_add(into.len() as u64);
            let ratio = self.said.saturating_mul(1000).checked_div(self.heard).unwrap_or(u64::MAX);
            self.amplification = self.amplification.max(ratio);
        }
        if let Some(recorded) = &mut self.recorded {
            recorded.push(Bytes::copy_from_slice(into));
        }
        self.disguise(into);
        Some(self.peer)
    }

    fn poll_timeout(&self) -> Option<Instant> {
        let machine = self.machine.poll_timeout().map(|(deadline, _)| deadline);
        [machine, self.user.next_wake(self.now), self.resumes_at].into_iter().flatten().min()
    }

    fn act(&mut self, now: Instant, desk: &mut Desk<'_>) -> Result<(), Violation<Address>> {
        self.now = now;
        if !self.told {
            self.told = true;
            self.user.promise(desk);
        }
        self.resume(desk)?;
        self.user.act(now, &mut self.machine, desk)?;
        self.note_end();
        self.look(desk)
    }

    fn is_over(&self) -> bool {
        self.user.ended.is_some() && self.resumes_at.is_none()
    }

    fn describe(&self) -> String {
        let status = self.machine.status(self.now);
        format!("{}; {:?} {:?}", self.user.describe(), status.send, status.receive)
    }
}
