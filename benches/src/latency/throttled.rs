//! A peer that reads no faster than it is told.

use std::io::{ErrorKind, Read};
use std::net::TcpStream;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// How often it reads.
const TICK: Duration = Duration::from_micros(500);
/// Time after which what was not read in time is forgotten: to catch up with more would be to read too fast.
const MEMORY: Duration = Duration::from_millis(4);

/// The time in which the reader could read: wall time without the moments at which the system let it wait for a processor.
///
/// All latencies are taken by this clock, as all other groups go by CPU time: on a busy machine wall time says who else was
/// there.
#[derive(Debug, Default)]
pub(super) struct ReaderClock(AtomicU64);

impl ReaderClock {
    pub(super) fn now(&self) -> Duration {
        Duration::from_nanos(self.0.load(Ordering::Relaxed))
    }

    fn advance(&self, time: Duration) {
        self.0.fetch_add(time.as_nanos() as u64, Ordering::Relaxed);
    }
}

/// Reads `rate` bytes in a second until the stream ends or `take`, which gets what was read, returns `false`.
pub(super) fn read(mut stream: TcpStream, rate: u64, clock: &ReaderClock, mut take: impl FnMut(&[u8]) -> bool) {
    // When there is nothing to read, time goes on.
    stream.set_read_timeout(Some(MEMORY / 2)).expect("a socket");
    let bytes_in = |time: Duration| time.as_secs_f64() * rate as f64;
    let mut buffer = vec![0; 256 * 1024];
    let mut last = Instant::now();
    let mut budget = 0.0_f64;
    loop {
        thread::sleep(TICK);
        let now = Instant::now();
        let passed = (now - last).min(MEMORY);
        last = now;
        clock.advance(passed);
        budget = (budget + bytes_in(passed)).min(bytes_in(MEMORY));
        let room = (budget as usize).min(buffer.len());
        if room == 0 {
            continue;
        }
        match stream.read(&mut buffer[..room]) {
            Ok(0) => return,
            Ok(count) => {
                budget -= count as f64;
                if !take(&buffer[..count]) {
                    return;
                }
            }
            Err(error) if matches!(error.kind(), ErrorKind::Interrupted | ErrorKind::WouldBlock) => {}
            // The other end was closed while bytes were under way.
            Err(error) if error.kind() == ErrorKind::ConnectionReset => return,
            Err(error) => panic!("read: {error}"),
        }
    }
}
