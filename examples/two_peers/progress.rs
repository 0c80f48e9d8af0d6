//! The progress bar, on a terminal only.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// Shows how far the file is; nothing when standard error is no terminal.
pub(crate) struct Progress {
    bar: ProgressBar,
}

const TEMPLATE: &str = "{percent:>3} % [{bar:24}] {binary_bytes_per_sec}{msg}";

impl Progress {
    pub(crate) fn new() -> Self {
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
        if let Ok(style) = ProgressStyle::with_template(TEMPLATE) {
            bar.set_style(style.progress_chars("=> "));
        }
        Self { bar }
    }

    /// Shows nothing: somebody else does.
    pub(crate) fn hidden() -> Self {
        Self { bar: ProgressBar::hidden() }
    }

    pub(crate) fn begin(&self, what: &str, name: &str, size: u64) {
        self.bar.println(format!("{what} {name}"));
        self.bar.set_length(size);
    }

    /// So many bytes more.
    pub(crate) fn advance(&self, bytes: usize) {
        self.bar.inc(bytes as u64);
    }

    /// Says something beside the bar.
    pub(crate) fn say(&self, text: impl FnOnce() -> String) {
        if !self.bar.is_hidden() {
            self.bar.set_message(text());
        }
    }

    /// The file is complete.
    pub(crate) fn finish(&self) {
        self.bar.finish_and_clear();
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        // What was reached stays on the screen when something went wrong.
        if !self.bar.is_finished() {
            self.bar.abandon();
        }
    }
}
