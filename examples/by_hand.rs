//! The machine on a runtime that this crate knows nothing of: one thread and mio. The peer sends every byte back.

use std::io::{self, Read, Write};

use bytes::{Buf, Bytes, BytesMut};
use mconn::connection::{ChannelConfig, CloseReason, Event, Input, MConnConfig, MConnState};
use mconn::machine::Machine;
use mconn::time::Instant;
use mio::{Events, Interest, Poll, Token, net::TcpStream};

/// Sends `messages`. Gives what came back, and why the connection has closed.
pub fn run(messages: Vec<Bytes>) -> Result<(Vec<Bytes>, CloseReason), Box<dyn std::error::Error>> {
    let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
    let mut stream = TcpStream::connect(listener.local_addr()?)?;
    std::thread::spawn(move || listener.accept().and_then(|(peer, _)| io::copy(&mut &peer, &mut &peer)));
    let (mut poll, mut ready) = (Poll::new()?, Events::with_capacity(8));
    poll.registry().register(&mut stream, Token(0), Interest::READABLE | Interest::WRITABLE)?;

    #[allow(clippy::disallowed_methods, reason = "the driver has the clock; the machine is told the time")]
    let epoch = std::time::Instant::now();
    let config = MConnConfig::default().channel(ChannelConfig::new(0x20, 1).send_queue_capacity(messages.len()));
    let mut machine = MConnState::new(config, Instant::ZERO)?;
    let (mut inbound, mut outbound, mut end, mut space) = (BytesMut::new(), BytesMut::new(), false, [0; 16_384]);
    let (expected, mut received) = (messages.len(), Vec::new());
    messages.into_iter().try_for_each(|message| machine.try_send(0x20, message))?;
    loop {
        // Rule 1: feed what was read and take all events. They make room: what is left is fed again before any waiting.
        let (now, before) = (Instant::ZERO + epoch.elapsed(), inbound.len());
        machine.handle_timeout(now);
        machine.handle(now, Input::Received { buf: &mut inbound, end });
        let mut progress = inbound.len() < before;
        if received.len() == expected {
            machine.handle(now, Input::CloseAfterFlush { deadline: None });
        }
        while let Some(event) = machine.poll_event() {
            if let Event::Message { payload, .. } = event {
                received.push(payload);
            } else if let Event::Closed(reason) = event {
                return Ok((received, reason));
            }
        }
        // Rule 2: make output when the socket has taken the last: only then the machine decides what goes first.
        if outbound.is_empty() {
            // This may end the machine: then its last event is to be taken before any waiting.
            progress |= machine.transmit_into(now, &mut outbound, 65_536) > 0;
        }
        if let Some(written) = unless_it_would_block(stream.write(&outbound))? {
            outbound.advance(written);
            progress |= written > 0;
        }
        // Read no more than the machine wants: that holds back a peer that sends too fast.
        let budget = machine.recv_budget(now).saturating_sub(inbound.len()).min(space.len());
        if let Some(read) = unless_it_would_block(stream.read(&mut space[..budget]))? {
            inbound.extend_from_slice(&space[..read]);
            end |= read == 0 && budget > 0;
            progress |= budget > 0;
        }
        // Rule 3: when nothing moves, sleep until the socket can do something or until the deadline, whichever comes first.
        if !progress {
            poll.poll(&mut ready, machine.poll_timeout().map(|(deadline, _why)| deadline - now))?;
        }
    }
}

fn unless_it_would_block(result: io::Result<usize>) -> io::Result<Option<usize>> {
    result.map(Some).or_else(|error| if error.kind() == io::ErrorKind::WouldBlock { Ok(None) } else { Err(error) })
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let (received, reason) = run((0..1_000_usize).map(|size| Bytes::from(vec![b'x'; size * 10])).collect())?;
    println!("{} messages came back; {reason}", received.len());
    Ok(())
}
