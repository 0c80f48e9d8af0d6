//! The limit of everything over TCP: the bytes of the messages, and nothing else, on two plain threads.

use std::io::{Read, Write};
use std::sync::Barrier;
use std::thread;

use crate::clock::Clock;
use crate::contender::{Contender, Cost};
use crate::load::{KIB, Load};
use crate::peers::async_peer::tcp_pair;

/// The name in the table.
pub const NAME: &str = "raw TCP";

const WRITE: usize = 64 * KIB;
const READ: usize = 256 * KIB;

/// Writes of 64 KiB, reads of up to 256 KiB.
#[derive(Debug)]
pub struct RawTcp {
    size: usize,
    written: Vec<u8>,
    read: Vec<u8>,
}

impl RawTcp {
    /// As many bytes as messages of `size` bytes have.
    #[must_use]
    pub fn boxed(size: usize) -> Box<dyn Contender> {
        Box::new(Self { size, written: vec![0x5a; WRITE], read: vec![0; READ] })
    }
}

impl Contender for RawTcp {
    fn name(&self) -> &'static str {
        NAME
    }

    fn run(&mut self, operations: u64) -> Cost {
        let load = Load::new(self.size, 1, operations);
        let (mut near, mut far) = tcp_pair().expect("loopback TCP");
        let (written, read) = (&self.written, &mut self.read);
        let barrier = Barrier::new(2);
        let time = thread::scope(|scope| {
            let receiver = scope.spawn(|| {
                barrier.wait();
                let mut left = load.bytes();
                while left > 0 {
                    match far.read(read).expect("read") {
                        0 => panic!("the stream ended {left} bytes early"),
                        count => left -= count as u64,
                    }
                }
            });
            barrier.wait();
            let (time, ()) = Clock::Process.time(|| {
                let mut left = load.bytes();
                while left > 0 {
                    let count = left.min(WRITE as u64);
                    near.write_all(&written[..count as usize]).expect("write");
                    left -= count;
                }
                receiver.join().expect("the receiving thread");
            });
            time
        });
        Cost { operations: load.messages(), time }
    }
}
