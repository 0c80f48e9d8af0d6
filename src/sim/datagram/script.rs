//! Faults by script: what happens to this very datagram.

use core::ops::RangeInclusive;

use crate::time::Duration;

/// What a datagram is, as its protocol sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Label {
    /// Its kind: "syn", "data", "ack".
    pub kind: &'static str,
    /// Its number, by which it is told from others of its kind; 0 where there is none.
    pub number: u64,
}

impl Label {
    /// A label.
    #[must_use]
    pub const fn new(kind: &'static str, number: u64) -> Self {
        Self { kind, number }
    }
}

/// Tells what a datagram is; `None` for what it does not know.
pub type Classifier = fn(&[u8]) -> Option<Label>;

/// What a [`Rule`] does to a datagram.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Act {
    /// It is lost.
    Drop,
    /// It arrives twice, the second time so much later.
    Duplicate(Duration),
    /// It arrives so much later, and others overtake it.
    Delay(Duration),
    /// It is held until the next one is sent, then it goes, and arrives so much later than it otherwise would.
    HoldUntilNext(Duration),
    /// Bits of it are flipped.
    Corrupt,
    /// It is cut to so many bytes, if it is longer.
    Truncate(usize),
}

/// A fault that strikes datagrams of a kind and number, the nth time they pass.
///
/// ```
/// use mconn::sim::{Act, Rule};
/// use mconn::time::Duration;
///
/// // The second transmission of data 5 is lost.
/// let rule = Rule::new(Act::Drop).kind("data").number(5).nth(2);
/// // The first three acks come late.
/// let late = Rule::new(Act::Delay(Duration::from_millis(300))).kind("ack").times(3);
/// # let _ = (rule, late);
/// ```
///
/// The knobs of go-sliding-window's `SimNet` (`simnet.go @ 7d8aad3`) are rules too:
///
/// | `SimNet` | here |
/// | --- | --- |
/// | `DiscardOnce = n` | [`Rule::discard_once`] |
/// | `SimulateReorderNext = 1` | [`Rule::reorder_next`] |
/// | `DuplicateNext = 1` | [`Rule::duplicate_next`] |
/// | `FilterThisEvent[event] = &count` | [`Rule::filter`] |
/// | `AllowBlackHoleSends` | [`WorldConfig::black_holes`](crate::sim::WorldConfig) |
/// | `LossProb`, `Latency` | [`DatagramConfig`](super::DatagramConfig) |
/// | `Summary` | [`World::summary`](crate::sim::World::summary) |
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    act: Act,
    kind: Option<&'static str>,
    numbers: Option<RangeInclusive<u64>>,
    /// Datagrams that match and still pass unharmed.
    spared: u64,
    /// Datagrams that are still struck.
    left: u64,
}

impl Rule {
    /// A rule that strikes every datagram.
    #[must_use]
    pub const fn new(act: Act) -> Self {
        Self { act, kind: None, numbers: None, spared: 0, left: u64::MAX }
    }

    /// Only those of this kind.
    #[must_use]
    pub const fn kind(mut self, kind: &'static str) -> Self {
        self.kind = Some(kind);
        self
    }

    /// Only those with this number.
    #[must_use]
    pub const fn number(self, number: u64) -> Self {
        self.numbers(number..=number)
    }

    /// Only those with a number in this range.
    #[must_use]
    pub const fn numbers(mut self, numbers: RangeInclusive<u64>) -> Self {
        self.numbers = Some(numbers);
        self
    }

    /// Only the nth one that matches, from 1.
    #[must_use]
    pub const fn nth(mut self, nth: u64) -> Self {
        self.spared = nth.saturating_sub(1);
        self.left = 1;
        self
    }

    /// Only the first so many that match (after those that [`Rule::spare`] lets pass).
    #[must_use]
    pub const fn times(mut self, times: u64) -> Self {
        self.left = times;
        self
    }

    /// Lets the first so many that match pass.
    #[must_use]
    pub const fn spare(mut self, spared: u64) -> Self {
        self.spared = spared;
        self
    }

    /// `DiscardOnce`: the first datagram with a number of at most `number` is lost, once.
    #[must_use]
    pub const fn discard_once(number: u64) -> Self {
        Self::new(Act::Drop).numbers(0..=number).times(1)
    }

    /// `SimulateReorderNext`: the next datagram waits until one more is sent, and then arrives 20 ms late.
    #[must_use]
    pub const fn reorder_next() -> Self {
        Self::new(Act::HoldUntilNext(Duration::from_millis(20))).times(1)
    }

    /// `DuplicateNext`: the next datagram arrives twice.
    #[must_use]
    pub const fn duplicate_next() -> Self {
        Self::new(Act::Duplicate(Duration::ZERO)).times(1)
    }

    /// `FilterThisEvent`: the first `count` datagrams of a kind are lost.
    #[must_use]
    pub const fn filter(kind: &'static str, count: u64) -> Self {
        Self::new(Act::Drop).kind(kind).times(count)
    }

    /// Whether it needs to know what a datagram is.
    pub(super) const fn needs_label(&self) -> bool {
        self.kind.is_some() || self.numbers.is_some()
    }

    pub(super) const fn is_spent(&self) -> bool {
        self.left == 0
    }

    fn matches(&self, label: Option<Label>) -> bool {
        let Some(label) = label else { return !self.needs_label() };
        self.kind.is_none_or(|kind| kind == label.kind)
            && self.numbers.as_ref().is_none_or(|numbers| numbers.contains(&label.number))
    }

    /// Shows the rule a datagram; what it does to it, if anything.
    pub(super) fn strike(&mut self, label: Option<Label>) -> Option<Act> {
        if self.left == 0 || !self.matches(label) {
            return None;
        }
        if self.spared > 0 {
            self.spared = self.spared.saturating_sub(1);
            return None;
        }
        self.left = self.left.saturating_sub(1);
        Some(self.act)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn strikes(rule: &Rule, labels: &[Option<Label>]) -> std::vec::Vec<bool> {
        let mut rule = rule.clone();
        labels.iter().map(|label| rule.strike(*label).is_some()).collect()
    }

    #[test]
    fn a_rule_strikes_what_matches_the_nth_time() {
        let data = |number| Some(Label::new("data", number));
        let passing = [data(5), Some(Label::new("ack", 5)), None, data(4), data(5), data(5)];
        let rule = Rule::new(Act::Drop);
        assert_eq!(strikes(&rule, &passing), [true; 6]);
        assert_eq!(strikes(&rule.clone().kind("data"), &passing), [true, false, false, true, true, true]);
        assert_eq!(strikes(&rule.clone().number(5).nth(2), &passing), [false, true, false, false, false, false]);
        assert_eq!(
            strikes(&rule.clone().kind("data").number(5).nth(2), &passing),
            [false, false, false, false, true, false]
        );
        assert_eq!(strikes(&rule.clone().spare(1).times(2), &passing), [false, true, true, false, false, false]);
        assert_eq!(strikes(&rule.numbers(0..=4), &passing), [false, false, false, true, false, false]);
    }

    #[test]
    fn a_rule_that_is_spent_says_so() {
        let mut rule = Rule::filter("syn", 2);
        let syn = Some(Label::new("syn", 0));
        assert_eq!((rule.strike(syn), rule.is_spent()), (Some(Act::Drop), false));
        assert_eq!((rule.strike(syn), rule.is_spent()), (Some(Act::Drop), true));
        assert_eq!(rule.strike(syn), None);
    }
}
