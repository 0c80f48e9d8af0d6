//! The progress bar, on a terminal only.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// Shows how far something is; nothing when standard error is no terminal.
#[derive(Clone, Debug)]
pub(crate) struct Progress(ProgressBar);

const TEMPLATE: &str =
    "{msg} {percent:>3} % [{bar:28}] {binary_bytes}/{binary_total_bytes}, {binary_bytes_per_sec}, {eta} left";

impl Progress {
    /// Of something that has `size` bytes and stands at `start`.
    pub(crate) fn new(what: &'static str, start: u64, size: u64) -> Self {
        let bar = ProgressBar::with_draw_target(Some(size), ProgressDrawTarget::stderr());
        if let Ok(style) = ProgressStyle::with_template(TEMPLATE) {
            bar.set_style(style.progress_chars("=> "));
        }
        bar.set_message(what);
        bar.set_position(start);
        // What was there before was not done at this rate.
        bar.reset_eta();
        Self(bar)
    }

    /// It stands here now.
    pub(crate) fn at(&self, position: u64) {
        self.0.set_position(position);
    }

    pub(crate) fn advance(&self, bytes: u64) {
        self.0.inc(bytes);
    }

    /// It is over: the line goes.
    pub(crate) fn finish(&self) {
        self.0.finish_and_clear();
    }
}
