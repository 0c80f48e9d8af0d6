//! The picture: three panels one below the other, which share the time.

mod canvas;
mod thin;

use std::error::Error;
use std::path::Path;

use mconn::time::{Duration, Instant};
use plotters::prelude::*;

use crate::arguments::Arguments;
use crate::record::{Happening, Record};
use crate::report;
use canvas::{Entry, Mark, Panel};

const SIZE: (u32, u32) = (1200, 1180);
const HEADER: u32 = 76;
const FIRST_PANEL: u32 = 520;
const SECOND_PANEL: u32 = 280;

// The colours of Okabe and Ito, which the colour-blind can tell apart.
const BLUE: RGBColor = RGBColor(0, 114, 178);
const GREEN: RGBColor = RGBColor(0, 158, 115);
const ORANGE: RGBColor = RGBColor(230, 159, 0);
const VERMILION: RGBColor = RGBColor(213, 94, 0);
const PURPLE: RGBColor = RGBColor(140, 50, 120);
const GREY: RGBColor = RGBColor(120, 120, 120);

type Drawn<T = ()> = Result<T, Box<dyn Error>>;

/// What happened to the packets, in the order in which it is drawn, with its name and how it looks.
const HAPPENINGS: [(Happening, &str, Mark); 5] = [
    (Happening::Sent, "sent", Mark::Dot(BLUE, 2)),
    (Happening::Acknowledged, "acknowledged", Mark::Dot(GREEN, 2)),
    (Happening::Resent, "sent again", Mark::Dot(ORANGE, 3)),
    (Happening::Lost, "lost or damaged by chance", Mark::Cross(VERMILION)),
    (Happening::Overflowed, "lost, queue full", Mark::Cross(PURPLE)),
];

/// Draws the transfer into an SVG file.
pub(crate) fn draw(path: &Path, arguments: &Arguments, record: &Record) -> Drawn {
    // The library tells no more than that something failed; the system tells what.
    std::fs::File::create(path)?;
    let root = SVGBackend::new(path, SIZE).into_drawing_area();
    root.fill(&WHITE)?;
    let (header, rest) = root.split_vertically(HEADER);
    let (first, rest) = rest.split_vertically(FIRST_PANEL);
    let (second, third) = rest.split_vertically(SECOND_PANEL);
    canvas::header(&header, &heading(record), &[report::transfer(arguments), report::link(arguments)])?;
    let time = TimeAxis::new(record);
    segments(&first, &time, record)?;
    window(&second, &time, record)?;
    round_trip(&third, &time, record, arguments.round_trip())?;
    root.present()?;
    Ok(())
}

fn heading(record: &Record) -> String {
    let end = record.delivered.or(record.ended).unwrap_or(Instant::ZERO);
    let time = report::milliseconds(end.saturating_duration_since(Instant::ZERO));
    match report::goodput(record) {
        Some(goodput) => format!("Delivered after {time}, {} for the user", report::bits_per_second(goodput)),
        None => format!("{} bytes delivered; the session has failed", record.received),
    }
}

/// The horizontal axis: milliseconds when there are few of them, else seconds.
struct TimeAxis {
    end: f64,
    per_second: f64,
    label: &'static str,
}

impl TimeAxis {
    fn new(record: &Record) -> Self {
        // Closing and what lies behind it is left out.
        let points = record.points.iter().map(|point| point.at).max();
        let end = points.max(record.delivered).unwrap_or(Instant::ZERO);
        let seconds = end.saturating_duration_since(Instant::ZERO).as_secs_f64().max(1e-6);
        let (per_second, label) = if seconds < 2.0 { (1e3, "time in milliseconds") } else { (1.0, "time in seconds") };
        Self { end: seconds * per_second * 1.01, per_second, label }
    }

    fn at(&self, moment: Instant) -> f64 {
        moment.saturating_duration_since(Instant::ZERO).as_secs_f64() * self.per_second
    }
}

fn segments(area: &canvas::Area<'_>, time: &TimeAxis, record: &Record) -> Drawn {
    let of = |what: Happening| record.points.iter().filter(move |point| point.what == what);
    let legend = HAPPENINGS.map(|(what, name, mark)| Entry { text: format!("{name} ({})", of(what).count()), mark });
    let top = record.points.iter().map(|point| point.segment).max().unwrap_or(0);
    let panel = Panel {
        title: "Packets",
        vertical: "number of the segment in the packet",
        horizontal: None,
        end: time.end,
        bottom: 0.0,
        top: top as f64 + 1.0,
        legend: &legend,
    };
    let mut chart = panel.chart(area)?;
    for (what, _, mark) in HAPPENINGS {
        let points = of(what).map(|point| (time.at(point.at), point.segment as f64));
        chart.points(thin::points(points, &panel, chart.size()), mark)?;
    }
    Ok(())
}

fn window(area: &canvas::Area<'_>, time: &TimeAxis, record: &Record) -> Drawn {
    const KIB: f64 = 1024.0;
    let samples = record.samples.iter().filter(|sample| time.at(sample.at) <= time.end);
    let window: Vec<_> = samples.clone().map(|sample| (time.at(sample.at), sample.window as f64 / KIB)).collect();
    let flight: Vec<_> = samples.map(|sample| (time.at(sample.at), sample.in_flight as f64 / KIB)).collect();
    let legend = [
        Entry { text: "may be in flight".into(), mark: Mark::Line(BLUE) },
        Entry { text: "in flight".into(), mark: Mark::Line(ORANGE) },
    ];
    let panel = Panel {
        title: "Window",
        vertical: "KiB",
        horizontal: None,
        end: time.end,
        bottom: 0.0,
        top: highest([&window, &flight]),
        legend: &legend,
    };
    let mut chart = panel.chart(area)?;
    chart.line(thin::steps(&flight, &panel, chart.size()), ORANGE)?;
    chart.line(thin::steps(&window, &panel, chart.size()), BLUE)
}

fn round_trip(area: &canvas::Area<'_>, time: &TimeAxis, record: &Record, least: Duration) -> Drawn {
    let milliseconds = |time: Duration| time.as_secs_f64() * 1e3;
    let known = record.samples.iter().filter(|sample| time.at(sample.at) <= time.end);
    let known = known.filter_map(|sample| sample.round_trip.map(|trip| (time.at(sample.at), trip)));
    let latest: Vec<_> = known.clone().map(|(at, (latest, _))| (at, milliseconds(latest))).collect();
    let smoothed: Vec<_> = known.map(|(at, (_, smoothed))| (at, milliseconds(smoothed))).collect();
    let least = [(0.0, milliseconds(least)), (time.end, milliseconds(least))];
    let legend = [
        Entry { text: "measured".into(), mark: Mark::Dot(BLUE, 2) },
        Entry { text: "weighted mean".into(), mark: Mark::Line(VERMILION) },
        Entry { text: "both ways on an empty link".into(), mark: Mark::Line(GREY) },
    ];
    let top = highest([&latest, &smoothed]).max(least[0].1 * 1.1);
    // When all is far above zero, zero is left out.
    let bottom = if least[0].1 * 2.0 > top { least[0].1 * 0.95 } else { 0.0 };
    let panel = Panel {
        title: "Round-trip time",
        vertical: "milliseconds",
        horizontal: Some(time.label),
        end: time.end,
        bottom,
        top,
        legend: &legend,
    };
    let mut chart = panel.chart(area)?;
    chart.line(least.to_vec(), GREY)?;
    chart.points(thin::points(latest.into_iter(), &panel, chart.size()), Mark::Dot(BLUE, 2))?;
    chart.line(thin::steps(&smoothed, &panel, chart.size()), VERMILION)
}

/// The top of an axis on which all of these have room.
fn highest(lines: [&Vec<(f64, f64)>; 2]) -> f64 {
    lines.into_iter().flatten().map(|(_, value)| *value).fold(0.0, f64::max).max(1e-3) * 1.08
}
