//! The connection as its users see it.

#[path = "../support/machine.rs"]
mod support;

mod closing;
mod different_from_go;
mod flush;
mod keepalive;
mod limits;
mod rules;
mod scheduler_model;
