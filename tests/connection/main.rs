//! The connection as its users see it.

#[path = "../support/machine.rs"]
mod support;

mod calls;
mod closing;
mod config;
mod different_from_go;
mod errors;
mod fairness;
mod flush;
mod keepalive;
mod limits;
mod pauses;
mod rates;
mod rules;
mod scheduler_model;
mod sending;
mod splits;
