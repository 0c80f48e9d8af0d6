//! The orderly end: both sides finish, each in its own time, and the last acknowledgement is answered for a while.
//!
//! ```text
//!              finish               acked                 peer finished
//!   Open ─────────────► Finishing ─────────► Finished ─────────────────────┐
//!    │ peer finished        │ peer finished                                ▼
//!    ▼          finish      ▼                        acked             Lingering ──► Ended
//!   PeerFinished ────► BothFinishing ─────────────────────────────────►
//! ```
//!
//! Who lingers has got everything and says so (*done*), again each time the peer asks. Who hears it and lacks nothing but that
//! ends at once: the one who says it needs nothing any more. Without such a word `Lingering` ends after a while: until then the
//! peer may ask again. An acknowledgement alone would not do: the peer may have forgotten the packet that it is for.

/// How far the end has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    /// Neither side has finished.
    Open,
    /// We have; the peer has not acknowledged it.
    Finishing,
    /// We have, and the peer knows it.
    Finished,
    /// The peer has, and we have all it sent.
    PeerFinished,
    /// Both have; the peer has not acknowledged ours.
    BothFinishing,
    /// Both have and both know it, but the peer may not know that we know.
    Lingering,
    /// Nothing more can come.
    Ended,
}

/// What happens to the end of a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Progress {
    /// We want to finish our side.
    Finish,
    /// The peer has acknowledged everything of ours, the end too.
    Acknowledged,
    /// Everything of the peer has arrived, its end too.
    PeerFinished,
    /// The peer says that it has got everything of ours and knows that we have everything of its.
    PeerDone,
    /// We waited long enough.
    LingerOver,
}

/// What is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Todo {
    Nothing,
    /// Put the end into the queue, behind what was accepted.
    QueueFinish,
    /// Answer for a while.
    Linger,
    /// End the session.
    End,
}

/// Every stage and every progress.
pub(crate) const fn next(stage: Stage, progress: Progress) -> (Stage, Todo) {
    match (stage, progress) {
        (Stage::Open, Progress::Finish) => (Stage::Finishing, Todo::QueueFinish),
        (Stage::Open, Progress::PeerFinished) => (Stage::PeerFinished, Todo::Nothing),
        (Stage::Finishing, Progress::Acknowledged) => (Stage::Finished, Todo::Nothing),
        (Stage::Finishing, Progress::PeerFinished) => (Stage::BothFinishing, Todo::Nothing),
        (Stage::Finished, Progress::PeerFinished) | (Stage::BothFinishing, Progress::Acknowledged) => {
            (Stage::Lingering, Todo::Linger)
        }
        (Stage::PeerFinished, Progress::Finish) => (Stage::BothFinishing, Todo::QueueFinish),
        // Whoever is done has acknowledged our end, even when the acknowledgement itself was lost.
        (Stage::BothFinishing | Stage::Lingering, Progress::PeerDone) | (Stage::Lingering, Progress::LingerOver) => {
            (Stage::Ended, Todo::End)
        }
        (Stage::Open, Progress::Acknowledged | Progress::PeerDone | Progress::LingerOver)
        | (Stage::Finishing, Progress::Finish | Progress::PeerDone | Progress::LingerOver)
        | (Stage::Finished, Progress::Finish | Progress::Acknowledged | Progress::PeerDone | Progress::LingerOver)
        | (
            Stage::PeerFinished,
            Progress::Acknowledged | Progress::PeerFinished | Progress::PeerDone | Progress::LingerOver,
        )
        | (Stage::BothFinishing, Progress::Finish | Progress::PeerFinished | Progress::LingerOver)
        | (Stage::Lingering, Progress::Finish | Progress::Acknowledged | Progress::PeerFinished)
        | (
            Stage::Ended,
            Progress::Finish
            | Progress::Acknowledged
            | Progress::PeerFinished
            | Progress::PeerDone
            | Progress::LingerOver,
        ) => (stage, Todo::Nothing),
    }
}

/// The end of one session.
#[derive(Clone, Debug)]
pub(crate) struct Close {
    stage: Stage,
}

impl Close {
    pub(crate) const fn new() -> Self {
        Self { stage: Stage::Open }
    }

    pub(crate) const fn stage(&self) -> Stage {
        self.stage
    }

    /// Whether we have asked to finish our side.
    pub(crate) const fn is_finishing(&self) -> bool {
        !matches!(self.stage, Stage::Open | Stage::PeerFinished)
    }

    /// Whether the peer has finished and everything of it has arrived.
    pub(crate) const fn peer_has_finished(&self) -> bool {
        matches!(self.stage, Stage::PeerFinished | Stage::BothFinishing | Stage::Lingering | Stage::Ended)
    }

    pub(crate) fn on(&mut self, progress: Progress) -> Todo {
        let (stage, todo) = next(self.stage, progress);
        self.stage = stage;
        todo
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STAGES: [Stage; 7] = [
        Stage::Open,
        Stage::Finishing,
        Stage::Finished,
        Stage::PeerFinished,
        Stage::BothFinishing,
        Stage::Lingering,
        Stage::Ended,
    ];
    const ALL: [Progress; 4] = [Progress::Finish, Progress::Acknowledged, Progress::PeerFinished, Progress::LingerOver];

    #[test]
    fn the_table_cell_by_cell() {
        use Stage::*;
        let stages = |progress| STAGES.map(|stage| next(stage, progress).0);
        assert_eq!(
            stages(Progress::Finish),
            [Finishing, Finishing, Finished, BothFinishing, BothFinishing, Lingering, Ended]
        );
        assert_eq!(
            stages(Progress::Acknowledged),
            [Open, Finished, Finished, PeerFinished, Lingering, Lingering, Ended]
        );
        assert_eq!(
            stages(Progress::PeerFinished),
            [PeerFinished, BothFinishing, Lingering, PeerFinished, BothFinishing, Lingering, Ended]
        );
        assert_eq!(stages(Progress::PeerDone), [Open, Finishing, Finished, PeerFinished, Ended, Ended, Ended]);
        assert_eq!(
            stages(Progress::LingerOver),
            [Open, Finishing, Finished, PeerFinished, BothFinishing, Ended, Ended]
        );
    }

    #[test]
    fn something_is_to_be_done_exactly_when_the_stage_changes_so() {
        for stage in STAGES {
            for progress in ALL {
                let (after, todo) = next(stage, progress);
                let expected = match (stage, after) {
                    (Stage::Open, Stage::Finishing) | (Stage::PeerFinished, Stage::BothFinishing) => Todo::QueueFinish,
                    (Stage::Finished | Stage::BothFinishing, Stage::Lingering) => Todo::Linger,
                    (Stage::BothFinishing | Stage::Lingering, Stage::Ended) => Todo::End,
                    _ => Todo::Nothing,
                };
                assert_eq!(todo, expected, "{stage:?} {progress:?}");
            }
        }
    }

    #[test]
    fn both_linger_until_they_hear_that_the_other_is_done() {
        let mut first = Close::new();
        assert_eq!(first.on(Progress::Finish), Todo::QueueFinish);
        assert_eq!(first.on(Progress::Acknowledged), Todo::Nothing);
        assert!(first.is_finishing() && !first.peer_has_finished());
        assert_eq!(first.on(Progress::PeerFinished), Todo::Linger);
        assert_eq!(first.on(Progress::PeerDone), Todo::End);
        assert_eq!(first.on(Progress::PeerDone), Todo::Nothing, "once");

        let mut last = Close::new();
        assert_eq!(last.on(Progress::PeerFinished), Todo::Nothing);
        assert!(!last.is_finishing() && last.peer_has_finished());
        assert_eq!(last.on(Progress::Finish), Todo::QueueFinish);
        assert_eq!(last.on(Progress::PeerDone), Todo::End, "even when its acknowledgement was lost");
        assert_eq!(last.stage(), Stage::Ended);
    }
}
