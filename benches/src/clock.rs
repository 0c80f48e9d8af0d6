//! CPU time: on a shared machine it says what the work costs, where wall time says who else was there.

use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

/// Whose CPU time is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Clock {
    /// The calling thread's, user and system.
    Thread,
    /// The whole process's, all threads, user and system.
    Process,
}

impl Clock {
    /// The CPU time used so far.
    #[must_use]
    pub fn now(self) -> Duration {
        let id = match self {
            Self::Thread => ClockId::ThreadCPUTime,
            Self::Process => ClockId::ProcessCPUTime,
        };
        Duration::try_from(clock_gettime(id)).expect("CPU time is not negative")
    }

    /// The CPU time that `work` takes.
    pub fn time<T>(self, work: impl FnOnce() -> T) -> (Duration, T) {
        let start = self.now();
        let result = work();
        (self.now().saturating_sub(start), result)
    }
}
