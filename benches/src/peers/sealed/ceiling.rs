//! The ceiling of everything sealed: frames sealed with ring in one buffer, TCP, and the frames opened in place.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Barrier;
use std::thread;

use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, Nonce, UnboundKey};

use crate::clock::Clock;
use crate::contender::{Contender, Cost};
use crate::load::{KIB, Load};
use crate::peers::async_peer::tcp_pair;

/// The name in the table.
pub const NAME: &str = "ring + TCP";

const DATA: usize = 1024;
const PLAIN: usize = 4 + DATA;
const FRAME: usize = PLAIN + 16;
/// Frames in one write, as in 64 KiB.
const BATCH: usize = 64 * KIB / FRAME;
const READ: usize = 256 * KIB;

/// As many bytes as messages of `size` bytes have, in full frames.
#[derive(Debug)]
pub struct Ceiling {
    size: usize,
}

impl Ceiling {
    /// Messages of `size` bytes.
    #[must_use]
    pub fn boxed(size: usize) -> Box<dyn Contender> {
        Box::new(Self { size })
    }
}

fn key() -> LessSafeKey {
    LessSafeKey::new(UnboundKey::new(&CHACHA20_POLY1305, &[7; 32]).expect("a key of 32 bytes"))
}

fn nonce(counter: u64) -> Nonce {
    let mut bytes = [0; 12];
    bytes[4..].copy_from_slice(&counter.to_le_bytes());
    Nonce::assume_unique_for_key(bytes)
}

fn send(mut stream: TcpStream, frames: u64) {
    let key = key();
    let message = [0x5a; DATA];
    let mut wire = vec![0; BATCH * FRAME];
    let mut counter = 0;
    while counter < frames {
        let batch = (frames - counter).min(BATCH as u64) as usize;
        for frame in wire.chunks_exact_mut(FRAME).take(batch) {
            let (plain, tag) = frame.split_at_mut(PLAIN);
            plain[..4].copy_from_slice(&(DATA as u32).to_le_bytes());
            plain[4..].copy_from_slice(&message);
            let sealed = key.seal_in_place_separate_tag(nonce(counter), Aad::empty(), plain).expect("sealing");
            tag.copy_from_slice(sealed.as_ref());
            counter += 1;
        }
        stream.write_all(&wire[..batch * FRAME]).expect("write");
    }
}

fn receive(mut stream: TcpStream, frames: u64) {
    let key = key();
    let mut read = vec![0; READ];
    let (mut waiting, mut counter) = (0, 0);
    while counter < frames {
        match stream.read(&mut read[waiting..]).expect("read") {
            0 => panic!("the stream ended early"),
            count => waiting += count,
        }
        let mut opened = 0;
        for frame in read[..waiting].chunks_exact_mut(FRAME) {
            let plain = key.open_in_place(nonce(counter), Aad::empty(), frame).expect("an authentic frame");
            assert_eq!(plain[..4], (DATA as u32).to_le_bytes());
            opened += FRAME;
            counter += 1;
        }
        read.copy_within(opened..waiting, 0);
        waiting -= opened;
    }
}

impl Contender for Ceiling {
    fn name(&self) -> &'static str {
        NAME
    }

    fn run(&mut self, operations: u64) -> Cost {
        let load = Load::new(self.size, 1, operations);
        let frames = load.bytes().div_ceil(DATA as u64);
        let (near, far) = tcp_pair().expect("loopback TCP");
        let barrier = Barrier::new(2);
        let time = thread::scope(|scope| {
            let receiver = scope.spawn(|| {
                barrier.wait();
                receive(far, frames);
            });
            barrier.wait();
            let (time, ()) = Clock::Process.time(|| {
                send(near, frames);
                receiver.join().expect("the receiving thread");
            });
            time
        });
        Cost { operations: load.messages(), time }
    }
}
