//! The thread that reads.

use std::io::{self, ErrorKind, Read};

use super::read_buffer::ReadBuffer;
use super::shared::Shared;
use super::thread_end::ThreadEnd;
use crate::wire::Codec;

/// Reads and feeds the machine until the connection has ended.
pub(super) fn run<C: Codec>(shared: &Shared<C>, reader: impl Read) {
    let _end = ThreadEnd::reader(shared);
    let mut reader = reader; // dropped before `_end`
    let mut buffer = ReadBuffer::new();
    // An empty read tells how much the machine takes.
    let mut budget = feed(shared, &mut buffer, false);
    while let Some(max) = budget {
        match buffer.read_from(&mut reader, max) {
            Ok(bytes) => budget = feed(shared, &mut buffer, bytes == 0),
            Err(error) if is_pause(&error) => {
                look_around(shared);
                budget = feed(shared, &mut buffer, false);
            }
            Err(error) => {
                let mut core = shared.lock();
                core.read_failed(shared.clock.now(), error);
                return shared.unlock(core);
            }
        }
    }
    read_to_the_end(shared, &mut reader);
}

/// Whether the transport only gives the driver time to look around.
pub(super) fn is_pause(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::Interrupted | ErrorKind::WouldBlock | ErrorKind::TimedOut)
}

/// The writer keeps the deadlines, unless the transport holds it up.
fn look_around<C: Codec>(shared: &Shared<C>) {
    let mut core = shared.lock();
    core.keep_deadlines(shared.clock.now());
    shared.unlock(core);
}

/// Feeds what was read, and waits until the machine takes more. Returns how much to read; `None` when the connection has ended.
fn feed<C: Codec>(shared: &Shared<C>, buffer: &mut ReadBuffer, end: bool) -> Option<usize> {
    let mut core = shared.lock();
    loop {
        let now = shared.clock.now();
        let consumed = core.machine.receive_from(now, buffer.unread(), end);
        buffer.consume(consumed);
        if core.has_ended() {
            shared.unlock(core);
            return None;
        }
        if core.machine.wants_read() && consumed > 0 && !buffer.unread().is_empty() {
            // There may be more than one call consumes. In between, others get the lock.
            shared.unlock(core);
            core = shared.lock();
            continue;
        }
        let room = core.machine.recv_budget(now).saturating_sub(buffer.unread().len());
        if room > 0 && !end {
            shared.unlock(core);
            return Some(room);
        }
        shared.settle(&mut core);
        if !core.has_ended() && !core.machine.wants_read() {
            core = shared.sleep_for_budget(core, now);
            core.keep_deadlines(shared.clock.now());
        }
    }
}

/// After a flush: reads on until the peer's side ends too, since closing a socket with unread bytes can destroy what the peer
/// has not read yet. The writer sets the limit of time.
fn read_to_the_end<C: Codec>(shared: &Shared<C>, reader: &mut impl Read) {
    let mut scratch = [0; 4096];
    while shared.lock().is_flushed() {
        match reader.read(&mut scratch) {
            Ok(0) => return,
            Ok(_) => {}
            Err(error) if is_pause(&error) => {}
            Err(_) => return,
        }
    }
}
