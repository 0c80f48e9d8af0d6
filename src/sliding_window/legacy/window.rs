//! The original's test whether a sequence number is in a window.

/// Whether `sequence` is at least `min` and at most `max`. With `min` above `max` nothing is.
///
/// ```
/// use mconn::sliding_window::legacy::in_window;
/// assert!(in_window(2, 0, 2));
/// assert!(!in_window(5, 6, 4));
/// ```
///
/// Source: `InWindow` in `swp.go`.
#[must_use]
pub const fn in_window(sequence: i64, min: i64, max: i64) -> bool {
    min <= sequence && sequence <= max
}
