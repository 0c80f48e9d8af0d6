//! The connection as its users see it.

#[path = "../support/machine.rs"]
mod support;

mod different_from_go;
mod rules;
mod scheduler_model;
