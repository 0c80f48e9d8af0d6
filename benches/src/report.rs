//! The table.

use comfy_table::presets::UTF8_HORIZONTAL_ONLY;
use comfy_table::{CellAlignment, ContentArrangement, Table};

use crate::goal::{Ratio, Verdict};
use crate::measure::Measured;

/// One group's results.
#[derive(Clone, Debug)]
pub struct Report {
    /// The group's name.
    pub name: &'static str,
    /// What is counted, and as what.
    pub about: &'static str,
    /// How the contenders are compared with the first one.
    pub shown: Shown,
    /// The rows, all with the same contenders.
    pub rows: Vec<Measured>,
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
    /// The group as a table: per load the time of the limit, the contenders compared with it, and the goals.
    #[must_use]
    pub fn table(&self) -> String {
        let Some(first) = self.rows.first() else { return String::new() };
        let mut table = Table::new();
        table.load_style(UTF8_HORIZONTAL_ONLY).set_content_arrangement(ContentArrangement::Disabled);
        let mut header = vec!["load".to_owned(), format!("{}, each", first.names[0])];
        header.extend(first.names.iter().skip(1).map(|name| (*name).to_owned()));
        header.push("goals".to_owned());
        table.set_header(header);
        for row in &self.rows {
            let mut cells = vec![row.label.clone(), nanos(row.nanos(0))];
            cells.extend((1..row.names.len()).map(|contender| self.ratio(row, contender).to_string()));
            cells.push(row.verdicts().iter().map(Verdict::to_string).collect::<Vec<_>>().join("\n"));
            table.add_row(cells);
        }
        for column in table.column_iter_mut().skip(1).take(first.names.len()) {
            column.set_cell_alignment(CellAlignment::Right);
        }
        format!("{}: {}\n{table}\n", self.name, self.about)
    }

    fn ratio(&self, row: &Measured, contender: usize) -> Ratio {
        let speed = row.speed(contender, 0);
        Ratio(if self.shown == Shown::Speed { speed } else { 1.0 / speed })
    }
}

/// How many of all goals are met, and each that is not.
#[must_use]
pub fn summary(reports: &[Report]) -> String {
    let verdicts: Vec<(String, Verdict)> = reports
        .iter()
        .flat_map(|report| report.rows.iter().map(move |row| (report.name, row)))
        .flat_map(|(group, row)| {
            row.verdicts().into_iter().map(move |verdict| (format!("{group}, {}", row.label), verdict))
        })
        .collect();
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
