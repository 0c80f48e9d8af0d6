//! The progress, on a terminal only.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::map::{Map, State};

/// Shows how far the crawl is, on standard error.
pub(crate) struct Progress(ProgressBar);

impl Progress {
    pub(crate) fn new() -> Self {
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
        if let Ok(style) = ProgressStyle::with_template("{spinner} {elapsed} {msg}") {
            bar.set_style(style);
        }
        bar.enable_steady_tick(Duration::from_millis(200));
        Self(bar)
    }

    pub(crate) fn show(&self, map: &Map, in_flight: usize, waiting: usize) {
        if self.0.is_hidden() {
            return;
        }
        let (reached, failed) = (map.count(State::Reached), map.count(State::Failed));
        self.0.set_message(format!("{reached} reached, {failed} failed, {in_flight} in flight, {waiting} waiting"));
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}
