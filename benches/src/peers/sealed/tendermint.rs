//! The SecretConnection of tendermint-rs. It has no messages and no channels: one write per message.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Barrier;
use std::thread;

use ed25519_consensus::SigningKey;
use tendermint_p2p::secret_connection::{SecretConnection, Version};

use crate::clock::Clock;
use crate::contender::{Contender, Cost};
use crate::load::{KIB, Load};
use crate::peers::async_peer::tcp_pair;

/// The name in the table.
pub const NAME: &str = "tendermint-p2p";

/// As many bytes as messages of `size` bytes have.
#[derive(Debug)]
pub struct Tendermint {
    size: usize,
}

impl Tendermint {
    /// Messages of `size` bytes.
    #[must_use]
    pub fn boxed(size: usize) -> Box<dyn Contender> {
        Box::new(Self { size })
    }
}

fn connect(stream: TcpStream, seed: u8) -> SecretConnection<TcpStream> {
    SecretConnection::new(stream, SigningKey::from([seed; 32]), Version::V0_34).expect("a handshake")
}

impl Contender for Tendermint {
    fn name(&self) -> &'static str {
        NAME
    }

    fn run(&mut self, operations: u64) -> Cost {
        let load = Load::new(self.size, 1, operations);
        let (near, far) = tcp_pair().expect("loopback TCP");
        let barrier = Barrier::new(2);
        let message = load.message();
        let time = thread::scope(|scope| {
            let receiver = scope.spawn(|| {
                let mut connection = connect(far, 2);
                let mut read = vec![0; 64 * KIB];
                barrier.wait();
                let mut left = load.bytes();
                while left > 0 {
                    left -= connection.read(&mut read).expect("read") as u64;
                }
            });
            let mut connection = connect(near, 1);
            barrier.wait();
            let (time, ()) = Clock::Process.time(|| {
                for _ in 0..load.messages() {
                    connection.write_all(&message).expect("write");
                }
                receiver.join().expect("the receiving thread");
            });
            time
        });
        Cost { operations: load.messages(), time }
    }
}
