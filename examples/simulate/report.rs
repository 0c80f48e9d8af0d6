//! What is printed.

use std::io::{self, Write};
use std::time::Duration;

use mconn::sim::LinkCounters;
use mconn::sliding_window::{CloseReason, Status};
use mconn::time::Instant;

use crate::arguments::{Arguments, Rate};
use crate::record::Record;

/// Writes the link, and what came of the transfer.
pub(crate) fn write(out: &mut impl Write, arguments: &Arguments, record: &Record) -> io::Result<()> {
    writeln!(out, "link           {}", link(arguments))?;
    writeln!(out, "transfer       {}", transfer(arguments))?;
    writeln!(out, "result         {}", result(arguments, record))?;
    if let Some(goodput) = goodput(record) {
        writeln!(out, "goodput        {}", share(arguments, goodput))?;
    }
    times(out, record)?;
    if let (Some([sender, receiver]), Some([there, back])) = (&record.last, &record.links) {
        packets(out, sender, receiver)?;
        recovery(out, record)?;
        carried(out, "link there", there)?;
        carried(out, "link back", back)?;
    }
    Ok(())
}

/// What the command line has asked for, in a line.
pub(crate) fn link(arguments: &Arguments) -> String {
    let mut text = match arguments.rate {
        Rate(Some(bits)) => format!("{}, queue of {} KiB, ", bits_per_second(bits as f64), arguments.queue() >> 10),
        Rate(None) => "unlimited, ".into(),
    };
    text.push_str(&format!("{} each way", milliseconds(arguments.delay)));
    if !arguments.jitter.is_zero() {
        text.push_str(&format!(" and up to {} more", milliseconds(arguments.jitter)));
    }
    for (parts, what) in [
        (arguments.loss, "lost"),
        (arguments.reorder, "held up"),
        (arguments.duplicate, "doubled"),
        (arguments.corrupt, "damaged"),
    ] {
        if parts > 0 {
            text.push_str(&format!(", {} % {what}", f64::from(parts) / 10_000.0));
        }
    }
    text
}

/// What is sent, in a line.
pub(crate) fn transfer(arguments: &Arguments) -> String {
    let congestion = arguments.session(1).congestion.name();
    format!("{} bytes in messages of {}, {congestion}, seed {}", arguments.bytes, arguments.message, arguments.seed)
}

fn result(arguments: &Arguments, record: &Record) -> String {
    if record.is_complete() {
        return "complete, and what was sent".into();
    }
    let differs = if record.differs { "; NOT WHAT WAS SENT" } else { "" };
    let why = record.reasons.iter().flatten().find(|reason| **reason != CloseReason::Finished);
    let why = why.map_or_else(|| "it stands still".into(), ToString::to_string);
    format!("FAILED, {} of {} bytes arrived: {why}{differs}", record.received, arguments.bytes)
}

/// Bits of the user per second, from the opening of the session until the last byte has arrived.
pub(crate) fn goodput(record: &Record) -> Option<f64> {
    let seconds = record.delivered?.saturating_duration_since(record.connected?).as_secs_f64();
    (seconds > 0.0).then(|| record.received as f64 * 8.0 / seconds)
}

fn share(arguments: &Arguments, goodput: f64) -> String {
    let text = bits_per_second(goodput);
    match arguments.rate {
        Rate(Some(bits)) => format!("{text}, {:.1} % of the link", goodput * 100.0 / bits as f64),
        Rate(None) => text,
    }
}

fn times(out: &mut impl Write, record: &Record) -> io::Result<()> {
    let at = |moment: Option<Instant>| {
        moment.map_or_else(|| "never".into(), |at| milliseconds(at.saturating_duration_since(Instant::ZERO)))
    };
    writeln!(
        out,
        "times          open after {}, all delivered after {}, ended after {}",
        at(record.connected),
        at(record.delivered),
        at(record.ended)
    )
}

fn packets(out: &mut impl Write, sender: &Status, receiver: &Status) -> io::Result<()> {
    let counters = &sender.counters;
    let first = counters.data_sent.saturating_sub(counters.data_resent);
    writeln!(
        out,
        "data packets   {} sent, {} of them again: {:.3} transmissions per packet",
        counters.data_sent,
        counters.data_resent,
        counters.data_sent as f64 / first.max(1) as f64
    )?;
    writeln!(
        out,
        "answers        {} packets of the receiver; {} copies and {} damaged datagrams came to it",
        receiver.counters.datagrams_sent,
        receiver.counters.data_duplicates,
        receiver.counters.wrong_check + receiver.counters.malformed
    )
}

fn recovery(out: &mut impl Write, record: &Record) -> io::Result<()> {
    let Some(recovery) = &record.recovery else { return Ok(()) };
    let (trip, counters) = (recovery.round_trip, recovery.counters);
    writeln!(
        out,
        "losses         {} taken for lost, {} of them wrongly; {} episodes of congestion, {} of them undone; {} probes",
        counters.packets_lost,
        counters.spurious_losses,
        counters.episodes,
        counters.episodes_undone,
        counters.probe_timeouts
    )?;
    writeln!(
        out,
        "round trip     least {}, mean {} at the end, deviation {}",
        milliseconds(trip.minimum),
        milliseconds(trip.smoothed),
        milliseconds(trip.variation)
    )?;
    writeln!(out, "window         {} KiB at the end", recovery.window >> 10)
}

fn carried(out: &mut impl Write, what: &str, link: &LinkCounters) -> io::Result<()> {
    writeln!(
        out,
        "{what:<14} {} datagrams: {} lost ({} as the queue was full), {} held up, {} doubled, {} damaged",
        link.sent,
        link.lost(),
        link.lost_queue,
        link.delayed,
        link.duplicated,
        link.corrupted
    )
}

/// A time as a person reads it.
pub(crate) fn milliseconds(time: Duration) -> String {
    let milliseconds = time.as_secs_f64() * 1e3;
    if milliseconds >= 10_000.0 {
        format!("{:.2} s", milliseconds / 1e3)
    } else {
        let text = format!("{milliseconds:.1}");
        format!("{} ms", text.strip_suffix(".0").unwrap_or(&text))
    }
}

/// A rate as a person reads it.
pub(crate) fn bits_per_second(bits: f64) -> String {
    let (divisor, unit) = match bits {
        0.0..1e6 => (1e3, "kbit/s"),
        1e6..1e9 => (1e6, "Mbit/s"),
        _ => (1e9, "Gbit/s"),
    };
    let text = format!("{:.2}", bits / divisor);
    format!("{} {unit}", text.trim_end_matches('0').trim_end_matches('.'))
}
