//! A driver future.
