//! A peer that reads no faster than it is told.

use std::io::{ErrorKind, Read};
use std::net::TcpStream;
use std::thread;
use std::time::{Duration, Instant};

/// How often it reads.
const TICK: Duration = Duration::from_micros(500);
/// Time after which what was not read in time is forgotten: to catch up with more would be to read too fast.
const MEMORY: Duration = Duration::from_millis(4);

/// Reads `rate` bytes in a second until the stream ends or `take`, which gets what was read, returns `false`.
pub(super) fn read(mut stream: TcpStream, rate: u64, mut take: impl FnMut(&[u8]) -> bool) {
    let bytes_in = |time: Duration| time.as_secs_f64() * rate as f64;
    let mut buffer = vec![0; 256 * 1024];
    let mut last = Instant::now();
    let mut budget = 0.0_f64;
    loop {
        thread::sleep(TICK);
        let now = Instant::now();
        budget = (budget + bytes_in(now - last)).min(bytes_in(MEMORY));
        last = now;
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
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            // The other end was closed while bytes were under way.
            Err(error) if error.kind() == ErrorKind::ConnectionReset => return,
            Err(error) => panic!("read: {error}"),
        }
    }
}
