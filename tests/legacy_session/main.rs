//! Sessions that speak the packets of go-sliding-window: with each other, with what a session of the original was recorded to
//! send, and with what it is known to do.

mod closing;
mod defects;
mod limits;
mod rules;
mod support;
mod traces;
mod worlds;
