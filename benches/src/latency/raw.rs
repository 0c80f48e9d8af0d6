//! The control: what a bare socket and this machine make of it, with no protocol in between.

use std::io::Write;
use std::net::TcpStream;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use super::Setting;
use super::contenders::{WARM_UP, gaps};
use super::throttled::{self, ReaderClock};
use crate::load::KIB;

/// Bytes that are written at once: a packet.
const RECORD: usize = KIB;

/// A thread writes records of 1 KiB without an end, and puts the urgent message into the next one. The times that the
/// urgent messages took.
///
/// # Panics
/// When loopback TCP is not to be had.
#[must_use]
pub fn over_raw(setting: &Setting, time: Duration) -> Vec<Duration> {
    let (near, far) = setting.tcp_pair().expect("loopback TCP");
    let start = Instant::now();
    let clock = &ReaderClock::default();
    let (stop, urgent) = (AtomicBool::new(false), Mutex::new(Vec::new()));
    thread::scope(|scope| {
        let received = scope.spawn(move || receive(far, setting.rate, clock));
        scope.spawn(|| send(near, &stop, &urgent));
        for gap in gaps() {
            thread::sleep(gap);
            if start.elapsed() > time {
                break;
            }
            urgent.lock().expect("nobody panics").push(clock.now());
        }
        stop.store(true, Ordering::Relaxed);
        received.join().expect("the receiving thread")
    })
}

fn send(mut stream: TcpStream, stop: &AtomicBool, urgent: &Mutex<Vec<Duration>>) {
    while !stop.load(Ordering::Relaxed) {
        let stamp = urgent.lock().expect("nobody panics").pop().unwrap_or_default();
        let mut record = [0x5a; RECORD];
        record[..8].copy_from_slice(&(stamp.as_nanos() as u64).to_le_bytes());
        stream.write_all(&record).expect("write");
    }
}

fn receive(stream: TcpStream, rate: u64, clock: &ReaderClock) -> Vec<Duration> {
    let mut unread = Vec::new();
    let mut times = Vec::new();
    throttled::read(stream, rate, clock, |bytes| {
        unread.extend_from_slice(bytes);
        let whole = unread.len() / RECORD * RECORD;
        for record in unread.drain(..whole).as_slice().chunks(RECORD) {
            let (stamp, _) = record.split_first_chunk().expect("a stamp");
            let sent = Duration::from_nanos(u64::from_le_bytes(*stamp));
            if sent > WARM_UP {
                times.push(clock.now().saturating_sub(sent));
            }
        }
        true
    });
    times
}
