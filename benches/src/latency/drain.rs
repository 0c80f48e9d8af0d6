//! The limit: how long full buffers take to drain.

use std::io::{ErrorKind, Write};
use std::net::TcpStream;
use std::thread;
use std::time::Duration;

use rustix::io::ioctl_fionread;

use super::Setting;
use super::throttled::{self, ReaderClock};

/// What full buffers hold, and how long the peer takes to read it.
#[derive(Clone, Copy, Debug)]
pub struct Drained {
    /// The send buffer alone.
    pub send_buffer: Duration,
    /// The send buffer and the peer's receive buffer.
    pub both: Duration,
}

/// Fills the buffers while nobody reads, then lets the peer read and takes the time.
///
/// # Panics
/// When loopback TCP is not to be had.
#[must_use]
pub fn drain(setting: &Setting) -> Drained {
    let (near, far) = setting.tcp_pair().expect("loopback TCP");
    let total = fill(near);
    let received = ioctl_fionread(&far).expect("the bytes in the receive buffer");
    let clock = ReaderClock::default();
    let mut left = total;
    throttled::read(far, setting.rate, &clock, |bytes| {
        left = left.saturating_sub(bytes.len() as u64);
        left > 0
    });
    let both = clock.now();
    Drained { send_buffer: both.mul_f64(1.0 - received as f64 / total as f64), both }
}

/// Writes until nothing more is taken. Says how much that was.
fn fill(mut stream: TcpStream) -> u64 {
    stream.set_nonblocking(true).expect("a socket");
    let mut total = 0;
    let mut refused = 0;
    while refused < 3 {
        match stream.write(&[0x5a; 1024]) {
            Ok(count) => {
                total += count as u64;
                refused = 0;
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                // The peer's side may still take some of it over.
                refused += 1;
                thread::sleep(Duration::from_millis(5));
            }
            Err(error) => panic!("write: {error}"),
        }
    }
    total
}
