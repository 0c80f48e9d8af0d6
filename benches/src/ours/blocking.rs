//! Two connections of `adapter::blocking` over TCP.

use std::collections::VecDeque;
use std::net::TcpStream;
use std::sync::Barrier;
use std::thread;

use mconn::adapter::blocking::{Connection, Messages, connect_tcp};

use super::machine::{batch, config};
use crate::clock::Clock;
use crate::contender::{Contender, Cost};
use crate::load::Load;
use crate::peers::async_peer::tcp_pair;

/// The name of the contender that sends in batches.
pub const NAME: &str = "mconn";
/// The name of the contender that sends each message by itself.
pub const SINGLY: &str = "mconn, singly";

/// A connection at either end; one thread sends on all channels in turn, another one receives.
#[derive(Debug)]
pub struct Blocking {
    size: usize,
    streams: usize,
    singly: bool,
}

impl Blocking {
    /// Messages of `size` bytes on `streams` channels, many handed over at once.
    #[must_use]
    pub fn in_batches(size: usize, streams: usize) -> Box<dyn Contender> {
        Box::new(Self { size, streams, singly: false })
    }

    /// Messages of `size` bytes on `streams` channels, each handed over by a call of its own.
    #[must_use]
    pub fn singly(size: usize, streams: usize) -> Box<dyn Contender> {
        Box::new(Self { size, streams, singly: true })
    }

    fn send(&self, connection: &Connection, load: Load) {
        let message = load.message();
        let mut messages = VecDeque::new();
        let batch = batch(load);
        let mut left = load.per_stream;
        while left > 0 {
            let count = left.min(batch);
            for channel in 0..load.streams {
                let channel = channel as u8;
                if self.singly {
                    for _ in 0..count {
                        connection.send(channel, message.clone()).expect("the connection is open");
                    }
                } else {
                    messages.extend((0..count).map(|_| message.clone()));
                    connection.send_many(channel, &mut messages).expect("the connection is open");
                }
            }
            left -= count;
        }
    }
}

impl Contender for Blocking {
    fn name(&self) -> &'static str {
        if self.singly { SINGLY } else { NAME }
    }

    fn run(&mut self, operations: u64) -> Cost {
        let load = Load::new(self.size, self.streams, operations);
        let (near, far) = tcp_pair().expect("loopback TCP");
        let (sender, _) = connect(near, load);
        let (receiver, messages) = connect(far, load);
        let barrier = Barrier::new(2);
        let (time, bytes) = thread::scope(|scope| {
            let received = scope.spawn(|| {
                barrier.wait();
                let bytes = receive(messages, load);
                receiver.close();
                bytes
            });
            barrier.wait();
            Clock::Process.time(|| {
                self.send(&sender, load);
                let bytes = received.join().expect("the receiving thread");
                // The threads of the connections count too.
                let _ends = (sender.join(), receiver.join());
                bytes
            })
        });
        assert_eq!(bytes, load.bytes(), "mconn lost bytes");
        Cost { operations: load.messages(), time }
    }
}

fn connect(stream: TcpStream, load: Load) -> (Connection, Messages) {
    connect_tcp(stream, config(load.streams, load.streams)).expect("a connection")
}

fn receive(messages: Messages, load: Load) -> u64 {
    let mut bytes = 0;
    for (_channel, message) in messages {
        bytes += message.len() as u64;
        if bytes >= load.bytes() {
            break;
        }
    }
    bytes
}
