use super::*;
use crate::sliding_window::congestion::tests::{ack, loss};
