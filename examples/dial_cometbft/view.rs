//! The live view: a line per channel on a terminal, and a line for the first message of each kind everywhere.

use std::cell::RefCell;
use std::collections::BTreeMap;

use bytes::Bytes;
use indicatif::{HumanBytes, MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::traffic::{Traffic, kind, label};

/// Shows what comes while it comes, on standard error.
pub(crate) struct View {
    all: MultiProgress,
    lines: RefCell<BTreeMap<u8, ProgressBar>>,
}

impl View {
    pub(crate) fn new() -> Self {
        Self { all: MultiProgress::with_draw_target(ProgressDrawTarget::stderr()), lines: RefCell::default() }
    }

    /// Shows how much has come on a channel. `first` is the message when it is the first of its kind.
    pub(crate) fn show(&self, traffic: &Traffic, channel: u8, first: Option<Bytes>) {
        if let Some(message) = first {
            let text = format!("{:<22} {:<20} first, {} bytes", label(channel), kind(channel, &message), message.len());
            match self.all.is_hidden() {
                true => eprintln!("{text}"),
                false => drop(self.all.println(text)),
            }
        }
        let total = traffic.total(channel);
        let mut lines = self.lines.borrow_mut();
        let line = lines.entry(channel).or_insert_with(|| self.line(channel));
        line.set_message(format!("{:>8} messages {:>12}", total.messages, HumanBytes(total.bytes).to_string()));
        line.tick();
    }

    fn line(&self, channel: u8) -> ProgressBar {
        let line = self.all.add(ProgressBar::new_spinner());
        if let Ok(style) = ProgressStyle::with_template("{spinner} {prefix:<22} {msg}") {
            line.set_style(style);
        }
        line.set_prefix(label(channel));
        line
    }

    /// Makes room for what is printed at the end.
    pub(crate) fn finish(&self) {
        self.lines.borrow().values().for_each(ProgressBar::finish_and_clear);
    }
}
