//! The table.

use comfy_table::presets::UTF8_HORIZONTAL_ONLY;
use comfy_table::{CellAlignment, ContentArrangement, Table};

use crate::goal::{Ratio, Verdict};
use crate::measure::Measured;
use crate::transfer;

/// One group's results.
#[derive(Clone, Debug)]
pub struct Report {
    /// The group's name.
    pub name: &'static str,
    /// What is counted, and as what.
    pub about: &'static str,
    /// The rows, all with the same contenders.
    pub rows: Rows,
}

/// What a table shows.
#[derive(Clone, Debug)]
pub enum Rows {
    /// Contenders compared with the first one.
    Ratios(Shown, Vec<Measured>),
    /// Transfers, each with its figures.
    Transfers(Vec<transfer::Measured>),
}

/// How the table compares the contenders with the first one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shown {
    /// How many times as fast they are: more is better.
    Speed,
    /// How many times as long they take: less is better.
    Time,
}

impl Report {
    /// The group as a table.
    #[must_use]
    pub fn table(&self) -> String {
        let table = match &self.rows {
            Rows::Ratios(shown, rows) => ratios(*shown, rows),
            Rows::Transfers(lanes) => transfers(lanes),
        };
        table.map(|table| format!("{}: {}\n{table}\n", self.name, self.about)).unwrap_or_default()
    }

    fn verdicts(&self) -> Vec<(String, Verdict)> {
        let Rows::Ratios(_, rows) = &self.rows else { return vec![] };
        let of = |row: &Measured| {
            let place = format!("{}, {}", self.name, row.label);
            row.verdicts().into_iter().map(move |verdict| (place.clone(), verdict))
        };
        rows.iter().flat_map(of).collect()
    }
}

fn empty_table(header: Vec<String>) -> Table {
    let mut table = Table::new();
    table.load_style(UTF8_HORIZONTAL_ONLY).set_content_arrangement(ContentArrangement::Disabled);
    table.set_header(header);
    table
}

/// Per load the time of the limit, the contenders compared with it, and the goals.
fn ratios(shown: Shown, rows: &[Measured]) -> Option<Table> {
    let first = rows.first()?;
    let mut header = vec!["load".to_owned(), format!("{}, each", first.names[0])];
    header.extend(first.names.iter().skip(1).map(|name| (*name).to_owned()));
    header.push("goals".to_owned());
    let mut table = empty_table(header);
    for row in rows {
        let ratio = |contender| {
            let speed = row.speed(contender, 0);
            Ratio(if shown == Shown::Speed { speed } else { 1.0 / speed }).to_string()
        };
        let mut cells = vec![row.label.clone(), nanos(row.nanos(0))];
        cells.extend((1..row.names.len()).map(ratio));
        cells.push(row.verdicts().iter().map(Verdict::to_string).collect::<Vec<_>>().join("\n"));
        table.add_row(cells);
    }
    for column in table.column_iter_mut().skip(1).take(first.names.len()) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    Some(table)
}

/// Per load and carrier what arrived, what it cost, and both as multiples of the first carrier's.
fn transfers(lanes: &[transfer::Measured]) -> Option<Table> {
    let first = lanes.first()?.names.first()?;
    let header = ["load", "", "MB/s", "messages/s", "CPU us, each", "arrived"].map(str::to_owned).into_iter();
    let multiples = [format!("MB/s, of {first}"), format!("CPU, of {first}")];
    let mut table = empty_table(header.chain(multiples).collect());
    for lane in lanes {
        for (index, name) in lane.names.iter().enumerate() {
            let figures = lane.figures(index);
            table.add_row([
                lane.label.clone(),
                (*name).to_owned(),
                Ratio(figures.megabytes).to_string(),
                format!("{:.0}", figures.messages),
                Ratio(figures.micros).to_string(),
                format!("{:.0} %", figures.share * 100.0),
                Ratio(lane.ratio(index, |figures| figures.megabytes)).to_string(),
                Ratio(lane.ratio(index, |figures| figures.micros)).to_string(),
            ]);
        }
        for known in &lane.known {
            table.add_row([
                lane.label.clone(),
                known.name.to_owned(),
                Ratio(known.megabytes).to_string(),
                format!("{:.0}", known.megabytes * 1e6 / lane.size as f64),
                known.micros.map(|micros| Ratio(micros).to_string()).unwrap_or_default(),
            ]);
        }
    }
    for column in table.column_iter_mut().skip(2) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    Some(table)
}

/// How many of all goals are met, and each that is not.
#[must_use]
pub fn summary(reports: &[Report]) -> String {
    let verdicts: Vec<(String, Verdict)> = reports.iter().flat_map(Report::verdicts).collect();
    let met = verdicts.iter().filter(|(_, verdict)| verdict.met).count();
    let mut text = format!("{met} of {} goals met\n", verdicts.len());
    for (place, verdict) in verdicts.iter().filter(|(_, verdict)| !verdict.met) {
        text.push_str(&format!("  {place}: {verdict}\n"));
    }
    text
}

/// Nanoseconds as people read them.
fn nanos(nanos: f64) -> String {
    match nanos {
        nanos if nanos >= 1e6 => format!("{:.2} ms", nanos / 1e6),
        nanos if nanos >= 1e4 => format!("{:.1} us", nanos / 1e3),
        nanos => format!("{nanos:.1} ns"),
    }
}
