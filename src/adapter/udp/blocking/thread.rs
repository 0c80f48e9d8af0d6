//! The thread of a socket.

use alloc::string::ToString;
use alloc::sync::Arc;
use alloc::task::Wake;
use core::task::{Context, Waker};
use std::io;
use std::thread;

use mio::{Events, Interest, Poll, Token};

use super::transport::UdpTransport;
use crate::adapter::window::{Engine, Next, Shared};

const SOCKET: Token = Token(0);
const WOKEN: Token = Token(1);

struct Alarm(mio::Waker);

impl Wake for Alarm {
    fn wake(self: Arc<Self>) {
        // It fails only when the thread is no more.
        _ = self.0.wake();
    }
}

/// Starts the thread that carries the datagrams of these sessions.
pub(super) fn start(shared: Arc<Shared>, mut transport: UdpTransport, max_datagram: usize) -> io::Result<()> {
    let poll = Poll::new()?;
    poll.registry().register(&mut transport.socket, SOCKET, Interest::READABLE | Interest::WRITABLE)?;
    let waker = Waker::from(Arc::new(Alarm(mio::Waker::new(poll.registry(), WOKEN)?)));
    let engine = Engine::new(shared, transport, max_datagram);
    thread::Builder::new().name("mconn-udp".to_string()).spawn(move || run(engine, poll, &waker))?;
    Ok(())
}

/// Until all sessions have ended and no more can come, or the socket has failed. The sessions are told.
fn run(mut engine: Engine<UdpTransport>, mut poll: Poll, waker: &Waker) {
    let mut events = Events::with_capacity(4);
    loop {
        let timeout = match engine.turn(&mut Context::from_waker(waker)) {
            Next::Done(_) => return,
            // Not even a look at the socket: the loop has done that.
            Next::Again => continue,
            Next::Wait(deadline) => deadline.map(|deadline| deadline - engine.now()),
        };
        match poll.poll(&mut events, timeout) {
            Err(error) if error.kind() != io::ErrorKind::Interrupted => {
                engine.finish(Some(error));
                return;
            }
            _ => {}
        }
    }
}
