//! Two ends of a connection, no I/O: the smallest program that uses the machine.

use bytes::{Bytes, BytesMut};
use mconn::connection::{ChannelConfig, Event, Input, MConnConfig, MConnState};
use mconn::machine::{Action, Machine};
use mconn::time::Instant;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    // Two ends of a connection with two channels: urgent votes, and blocks.
    let config = MConnConfig::default().channels([ChannelConfig::new(0x22, 7), ChannelConfig::new(0x40, 1)]);
    let now = Instant::ZERO; // time is a number that you choose
    let mut alice = MConnState::new(config.clone(), now)?;
    let mut bob = MConnState::new(config, now)?;

    alice.try_send(0x40, Bytes::from(vec![b'b'; 3000]))?;
    alice.try_send(0x22, Bytes::from("vote"))?;

    // Output is made when you can carry it; the packet of the vote overtakes those of the block.
    let mut wire = BytesMut::new();
    alice.transmit_into(now, &mut wire, 65_536);

    // Events in, actions out.
    for action in bob.step(now, Input::Received { buf: &mut wire, end: true }) {
        match action {
            Action::Event(Event::Message { channel, payload }) => {
                println!("bob got {} bytes on channel {channel:#04x}", payload.len());
            }
            Action::Event(Event::Closed(reason)) => println!("bob's end: {reason}"),
            other => println!("{other:?}"),
        }
    }
    Ok(())
}
