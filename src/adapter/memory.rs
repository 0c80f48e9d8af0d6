//! Two ends joined in a process: for tests, and to see how a driver works.
