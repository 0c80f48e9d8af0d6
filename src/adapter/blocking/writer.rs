//! The thread that writes and keeps the deadlines.

use core::time::Duration;
use std::io::{ErrorKind, Write};
use std::net::Shutdown;

use bytes::BytesMut;

use super::super::LINGER;
use super::reader::is_pause;
use super::shared::Shared;
use super::thread_end::ThreadEnd;
use super::write_size::WriteSize;
use crate::time::Instant;
use crate::wire::Codec;

/// Makes output and writes it until the connection has ended.
///
/// A packet has at most `largest_packet` bytes.
pub(super) fn run<C: Codec>(shared: &Shared<C>, writer: impl Write, largest_packet: usize) {
    let _end = ThreadEnd::writer(shared);
    let mut writer = writer; // dropped before `_end`
    let mut batch = BytesMut::new();
    let mut size = WriteSize::new(largest_packet);
    while let Some(begun) = fill(shared, &mut batch, size.get()) {
        if !write_out(shared, &mut writer, &batch) {
            return;
        }
        size.wrote(batch.len(), shared.clock.now() - begun);
        batch.clear();
    }
    linger(shared);
}

/// Waits for output and makes up to `max` bytes of it. Returns when it began to; `None` when the connection has ended and
/// there is none.
fn fill<C: Codec>(shared: &Shared<C>, batch: &mut BytesMut, max: usize) -> Option<Instant> {
    let mut core = shared.lock();
    loop {
        let now = shared.clock.now();
        core.keep_deadlines(now);
        if core.machine.transmit_into(now, batch, max) > 0 {
            shared.wake_senders(&mut core, now);
            shared.unlock(core);
            return Some(now);
        }
        if core.has_ended() {
            shared.unlock(core);
            return None;
        }
        shared.settle(&mut core);
        core = shared.sleep_for_output(core, now);
    }
}

/// Writes a batch. Returns whether it was written: if not, the connection has ended.
fn write_out<C: Codec>(shared: &Shared<C>, writer: &mut impl Write, batch: &[u8]) -> bool {
    let mut rest = batch;
    let mut stalled_since = None;
    loop {
        let result = if rest.is_empty() { writer.flush().map(|()| 0) } else { writer.write(rest) };
        let error = match result {
            Ok(_) if rest.is_empty() => return true,
            Ok(0) => ErrorKind::WriteZero.into(),
            Ok(bytes) => {
                rest = rest.get(bytes..).unwrap_or_default();
                stalled_since = None;
                continue;
            }
            Err(error) if is_pause(&error) => {
                if keep_deadlines(shared, &mut stalled_since) {
                    continue;
                }
                ErrorKind::TimedOut.into()
            }
            Err(error) => error,
        };
        let mut core = shared.lock();
        core.write_failed(shared.clock.now(), error);
        shared.unlock(core);
        return false;
    }
}

/// While the transport takes nothing: keeps the deadlines. Returns whether to go on.
fn keep_deadlines<C: Codec>(shared: &Shared<C>, stalled_since: &mut Option<Instant>) -> bool {
    let mut core = shared.lock();
    let now = shared.clock.now();
    core.keep_deadlines(now);
    let go_on = if core.has_ended() {
        // The machine's deadlines are over; the last bytes of a flush have their own.
        let stalled = now - *stalled_since.get_or_insert(now);
        let late = match core.flush_deadline {
            Some(deadline) => deadline <= now,
            None => core.patience.is_some_and(|patience| patience <= stalled),
        };
        core.is_flushed() && !late
    } else {
        true
    };
    shared.unlock(core);
    go_on
}

/// After a flush: ends the sending side, and waits a while until the peer ends its side too.
fn linger<C: Codec>(shared: &Shared<C>) {
    let mut core = shared.lock();
    if !core.is_flushed() {
        return;
    }
    drop(core);
    shared.shut_down(Shutdown::Write);
    core = shared.lock();
    let linger = shared.clock.now() + LINGER;
    let until = core.flush_deadline.map_or(linger, |deadline| deadline.min(linger));
    while core.is_flushed() && !core.other_thread_has_ended() {
        let left = until - shared.clock.now();
        if left == Duration::ZERO {
            break;
        }
        core = shared.sleep_for_end(core, left);
    }
    core.abort(shared.clock.now());
    shared.unlock(core);
}
