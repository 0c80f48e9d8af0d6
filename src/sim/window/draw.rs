//! Draws a scenario of sessions from a seed.

use alloc::vec::Vec;

use bytes::Bytes;

use super::attack::Forgery;
use super::conduct::{Conduct, Farewell, Kind, Letter, Lifetime};
use super::draw_config::{Temper, session};
use super::scenario::{Attack, End, Fault, Restart, WindowScenario};
use crate::sim::datagram::{Bursts, DatagramConfig, Partition};
use crate::sim::{ClockJump, Habits, Random};
use crate::time::{Duration, Instant};

/// Separates what is drawn here from what the world draws from the same seed.
const DRAW: u64 = 0x7769_6e64_6f77_7321;

/// The longest time until which a user sends.
const SPAN: Duration = Duration::from_secs(4);

/// What goes wrong, and what must hold all the same.
#[derive(Clone, Debug)]
pub(super) struct Outline {
    pub(super) temper: Temper,
    pub(super) faults: Vec<Fault>,
    pub(super) stream: bool,
    pub(super) largest: usize,
}

impl Outline {
    pub(super) fn has(&self, fault: Fault) -> bool {
        self.faults.contains(&fault)
    }

    fn draw(random: &mut Random) -> Self {
        // Some meet nothing but the usual, some all at once.
        let chance = random.choose(&[5, 20, 20, 40, 70], 20);
        let mut faults: Vec<Fault> = Fault::ALL.into_iter().filter(|_| random.percent(chance)).collect();
        let restart = random.percent(10);
        faults.retain(|fault| *fault != Fault::Restart || restart);
        let temper = if random.percent(60) { Temper::Harmless } else { Temper::Rough };
        let stream = random.percent(15);
        let largest = match random.below(20) {
            0 => random.size(3_000..=40_000),
            1..=4 => random.size(300..=3_000),
            _ => random.size(1..=300),
        };
        Self { temper, faults, stream, largest }
    }
}

pub(super) fn scenario(seed: u64) -> WindowScenario {
    let mut random = Random::new(seed ^ DRAW);
    let mut outline = Outline::draw(&mut random.fork());
    let restart = restart(&mut random.fork(), &mut outline);
    let hostile = hostile(&mut random.fork(), &mut outline);
    let links = links(&mut random.fork(), &outline);
    let alone = restart.is_some() || hostile.is_some();
    let clients = if !alone && random.percent(12) { random.size(1..=4) } else { 0 };
    let check = outline.has(Fault::Corrupt) || hostile.is_some() || random.percent(60);
    let mut ends = Vec::new();
    for index in 0..clients.max(1).saturating_add(1) {
        ends.push(end(&mut random.fork(), &outline, check, index));
    }
    // Both at once, sometimes.
    let crossing = clients == 0 && restart.is_none() && random.percent(10);
    if let Some(first) = ends.first_mut() {
        first.calls = crossing;
    }
    let attacks = attacks(&mut random.fork(), &outline, clients > 0);
    let mut heirs = Vec::new();
    if restart == Some(Restart::Both) {
        for index in [100, 101] {
            heirs.push(end(&mut random.fork(), &outline, check, index));
        }
    }
    let restart_at = Instant::ZERO + random.duration(SPAN);
    prepare(&mut random.fork(), &outline, restart, &mut ends);
    // A call of the old one that comes late keeps a lone listener busy, but not for ever.
    if let Some(heir) = heirs.first_mut() {
        heir.config.handshake.attempts = heir.config.handshake.attempts.min(10);
    }
    if hostile.is_some() {
        ends.iter_mut().for_each(|end| end.conduct.trusts = false);
    }
    let cookies = random.percent(50);
    WindowScenario {
        seed,
        harmless: outline.temper == Temper::Harmless,
        faults: outline.faults,
        ends,
        links,
        hub: clients > 0,
        cookies,
        attacks,
        restart: restart.filter(|restart| *restart != Restart::Resumed),
        restart_at,
        heirs,
        hostile,
    }
}

/// Which kind of restart there is; a session that is not gone on with comes to no good end.
fn restart(random: &mut Random, outline: &mut Outline) -> Option<Restart> {
    if !outline.has(Fault::Restart) {
        return None;
    }
    let restart = random.choose(&[Restart::Resumed, Restart::Resumed, Restart::One, Restart::Both], Restart::Both);
    if restart != Restart::Both {
        outline.temper = Temper::Rough;
    }
    Some(restart)
}

fn hostile(random: &mut Random, outline: &mut Outline) -> Option<(usize, u64)> {
    if !outline.has(Fault::Hostile) || outline.has(Fault::Restart) || random.percent(60) {
        return None;
    }
    outline.temper = Temper::Rough;
    Some((random.size(0..=1), random.within(1..=60)))
}

/// The links to the one that is called, and back.
fn links(random: &mut Random, outline: &Outline) -> [DatagramConfig; 2] {
    let draw = |random: &mut Random| link(random, outline);
    let there = draw(random);
    let back = if outline.has(Fault::Asymmetric) { draw(random) } else { there.clone() };
    [there, back]
}

fn link(random: &mut Random, outline: &Outline) -> DatagramConfig {
    let milliseconds = Duration::from_millis;
    let mut link = DatagramConfig::new().latency(random.duration(milliseconds(30)));
    if outline.has(Fault::Delay) {
        link.latency = random.duration(milliseconds(400));
        link.jitter = random.duration(milliseconds(100));
        link.jitter_reorders = outline.has(Fault::Reorder);
        if random.percent(30) {
            link = link.bandwidth(random.within(20_000..=2_000_000), random.size(8_192..=131_072));
        }
    }
    if outline.has(Fault::Loss) {
        link.loss = random.below(250_000) as u32;
        if random.percent(30) {
            let bursts = Bursts::new(random.within(2..=20) as u32, random.below(150_000) as u32);
            link.bursts = Some(bursts.longest(random.duration(milliseconds(2_000))));
        }
    }
    if outline.has(Fault::Reorder) {
        link = link.reorder(random.below(300_000) as u32, random.duration(milliseconds(200)));
    }
    if outline.has(Fault::Duplicate) {
        link = link.duplicate(random.below(200_000) as u32, random.duration(milliseconds(2_000)));
    }
    if outline.has(Fault::Corrupt) {
        link = link.corrupt(random.below(100_000) as u32).truncate(random.below(50_000) as u32);
    }
    if outline.has(Fault::Partition) {
        for _ in 0..random.within(1..=2) {
            let from = Instant::ZERO + random.duration(SPAN);
            link.partitions.push(Partition::new(from, from + random.duration(milliseconds(5_000))));
        }
        if outline.temper == Temper::Rough && random.percent(20) {
            link.partitions.push(Partition::for_ever(Instant::ZERO + random.duration(SPAN)));
        }
    }
    link
}

fn end(random: &mut Random, outline: &Outline, check: bool, index: usize) -> End {
    let config = session(&mut random.fork(), outline, check, index);
    let habits = habits(&mut random.fork(), outline);
    let conduct = conduct(&mut random.fork(), outline, index);
    End { config, conduct, habits, calls: index > 0 && index != 100 }
}

fn habits(random: &mut Random, outline: &Outline) -> Habits {
    let milliseconds = Duration::from_millis;
    let mut habits = Habits::exact();
    if random.percent(15) {
        habits.ticks = Some(random.duration(milliseconds(2_000)).max(milliseconds(100)));
    }
    if random.percent(20) {
        habits.lateness = random.duration(milliseconds(50));
    }
    if random.percent(30) {
        habits.clock_ahead = random.duration(Duration::from_secs(1_000_000));
    }
    if outline.has(Fault::ClockJump) {
        if random.percent(50) {
            habits.clock_error = random.duration(milliseconds(20));
        }
        let at = Instant::ZERO + random.duration(SPAN);
        habits.jump = Some(ClockJump { at, by: random.duration(milliseconds(3_000)), back: random.percent(50) });
        if random.percent(40) {
            let from = Instant::ZERO + random.duration(SPAN);
            habits.pauses.push(Partition::new(from, from + random.duration(milliseconds(2_000))));
        }
    }
    habits
}

fn conduct(random: &mut Random, outline: &Outline, index: usize) -> Conduct {
    let mut conduct = Conduct::new(letters(random, outline, index));
    if outline.has(Fault::StalledReader) {
        conduct.reading.batch = random.within(1..=4) as u32;
        conduct.reading.rest = random.duration(Duration::from_millis(200));
        if random.percent(50) {
            let from = random.duration(SPAN);
            conduct.reading.sleeps.push((from, from.saturating_add(random.duration(Duration::from_secs(8)))));
        }
    }
    if outline.stream {
        conduct.reading.buffer = random.size(1..=2_000).max(outline.largest / 8);
    }
    conduct.farewell_at = random.duration(SPAN);
    match outline.temper {
        Temper::Harmless => {
            conduct.farewell = random.choose(&[Farewell::Close, Farewell::Close, Farewell::Finish], Farewell::Close);
            conduct.hard_stop = Duration::from_secs(40_000);
        }
        Temper::Rough => {
            let all = [Farewell::Close, Farewell::Close, Farewell::Finish, Farewell::Abort, Farewell::Fail];
            conduct.farewell = random.choose(&all, Farewell::Close);
            conduct.patient = random.percent(50);
            conduct.hard_stop = Duration::from_secs(random.within(30..=300));
        }
    }
    conduct
}

/// The messages of one user. No two of a session are alike, if they are long enough.
fn letters(random: &mut Random, outline: &Outline, index: usize) -> Vec<Letter> {
    let count = match random.below(10) {
        0 => 0,
        1 => random.within(20..=60),
        _ => random.within(1..=14),
    };
    let in_order = random.percent(40);
    let bunch = random.percent(50);
    let mut at = random.duration(Duration::from_millis(500));
    let mut letters = Vec::new();
    for number in 0..count {
        let kind = match random.below(6) {
            _ if outline.stream => Kind::Stream,
            _ if in_order => Kind::Ordered,
            0..=2 => Kind::Ordered,
            3 => Kind::Unordered,
            4 => Kind::Expiring,
            _ => Kind::ExpiringUnordered,
        };
        if !bunch || random.percent(10) {
            at = at.saturating_add(random.duration(Duration::from_millis(300)));
        }
        // One without bytes can not say that it may expire.
        let least = usize::from(kind.expires());
        let most = if random.percent(25) { outline.largest } else { outline.largest.min(300) };
        let len = if random.percent(15) { random.size(least..=8) } else { random.size(least..=most.max(1)) };
        let len = len.min(outline.largest.max(1));
        let lifetime = if random.percent(50) {
            Lifetime::For(random.duration(Duration::from_millis(1_500)))
        } else {
            Lifetime::Transmissions(random.within(1..=3) as u32)
        };
        let payload = payload(random, kind, number as u32 | ((index as u32) << 16), len);
        let (receipt, flush) = (kind != Kind::Stream && random.percent(20), random.percent(10));
        letters.push(Letter { at, kind, lifetime, receipt, flush, payload });
    }
    letters
}

fn payload(random: &mut Random, kind: Kind, number: u32, len: usize) -> Bytes {
    let mut bytes = alloc::vec![0; len];
    random.fill(&mut bytes);
    if kind != Kind::Stream {
        if let Some(first) = bytes.first_mut() {
            *first = kind.channel();
        }
        if let Some(place) = bytes.get_mut(1..5) {
            place.copy_from_slice(&number.to_le_bytes());
        }
    }
    bytes.into()
}

/// What blind attackers send to the two ends, or to the one that many call.
fn attacks(random: &mut Random, outline: &Outline, hub: bool) -> Vec<Attack> {
    let mut attacks = Vec::new();
    if !outline.has(Fault::Attacker) {
        return attacks;
    }
    // A lone listener takes the first that calls; who calls it before its peer does keeps it busy.
    let early = hub || outline.temper == Temper::Rough;
    for _ in 0..random.within(1..=30) {
        let forgery = random.choose(&Forgery::ALL, Forgery::Noise);
        let to = random.size(0..=1);
        let forgery = if to == 0 && !early && forgery == Forgery::Syn { Forgery::Frames } else { forgery };
        let at = Instant::ZERO + random.duration(SPAN);
        attacks.push(Attack { at, to, forgery, random: random.fork() });
    }
    attacks.sort_by_key(|attack| attack.at);
    attacks
}

/// Prepares the users for a restart, or for going on after a cut.
fn prepare(random: &mut Random, outline: &Outline, restart: Option<Restart>, ends: &mut [End]) {
    match restart {
        None => {}
        Some(Restart::One | Restart::Both) => ends.iter_mut().for_each(|end| end.conduct.misses = false),
        Some(Restart::Resumed) => {
            let who = random.size(0..=1);
            for (index, end) in ends.iter_mut().enumerate() {
                end.conduct.resumes = 3;
                end.conduct.resumes_after = random.duration(Duration::from_millis(800));
                end.config.handshake.attempts = 200;
                end.config.handshake.max_timeout = Duration::from_secs(4);
                end.config.keepalive = Some(Duration::from_millis(random.within(500..=2_000)));
                end.config.idle_timeout = Some(Duration::from_millis(random.within(3_000..=20_000)));
                end.conduct.hard_stop = Duration::from_secs(600);
                let fails = index == who || random.percent(20);
                end.conduct.cut = fails.then(|| random.duration(SPAN));
                if random.percent(70) {
                    end.conduct.patient = true;
                    end.conduct.farewell = Farewell::Close;
                }
            }
            // The size of a datagram may not shrink.
            let size = ends.iter().map(|end| end.config.max_datagram).max().unwrap_or(1200);
            ends.iter_mut().for_each(|end| end.config.max_datagram = size);
            let _ = outline;
        }
    }
}
