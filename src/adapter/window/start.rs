//! The beginning: a machine, a transport, and the driver between them.

use alloc::boxed::Box;
use alloc::sync::Arc;

#[cfg(feature = "memory")]
use super::Driver;
#[cfg(feature = "memory")]
use super::Transport;
use super::machines::{Machines, One};
use super::shared::Shared;
use super::{Hub, PeerAddress, Session};
use crate::adapter::clock::Clock;
use crate::sliding_window::endpoint::{Endpoint, EndpointConfig};
use crate::sliding_window::{Config, ConfigError, Delivery, SlidingWindow};
use crate::time::Instant;

/// Makes a session of a configuration: [`SlidingWindow::connect`], [`SlidingWindow::listen`], or a function that resumes one.
pub trait Make: FnOnce(Config, Instant) -> Result<SlidingWindow, ConfigError> {}

impl<F: FnOnce(Config, Instant) -> Result<SlidingWindow, ConfigError>> Make for F {}

/// One session, before it has a driver.
pub(crate) fn prepare_session(
    mut config: Config,
    make: impl Make,
    peer: Option<PeerAddress>,
) -> Result<(Session, Arc<Shared>), ConfigError> {
    config.delivery = Delivery::Pull;
    let clock = Clock::start();
    let machine = make(config, clock.now())?;
    let shared = Shared::new(clock, Machines::One(Box::new(One::new(machine, peer))), false);
    let session = Session::new(&shared, &mut shared.lock(), None);
    Ok((session, shared))
}

/// An endpoint, before it has a driver.
pub(crate) fn prepare_endpoint(mut config: EndpointConfig) -> Result<(Hub, Arc<Shared>), ConfigError> {
    config.session.delivery = Delivery::Pull;
    let clock = Clock::start();
    let endpoint = Endpoint::new(config, clock.now())?;
    let shared = Shared::new(clock, Machines::Many(Box::new(endpoint)), true);
    Ok((Hub::new(Arc::clone(&shared)), shared))
}

/// One session over any transport. `peer` is where the peer is, or `None` to learn it from the first that calls. The delivery of
/// the configuration is [`Delivery::Pull`] here, whatever it says.
///
/// # Errors
/// [`ConfigError`] when the configuration can not work.
#[cfg(feature = "memory")]
pub fn session_over<T: Transport>(
    transport: T,
    config: Config,
    make: impl Make,
    peer: Option<PeerAddress>,
) -> Result<(Session, Driver<T>), ConfigError> {
    let max_datagram = config.max_datagram;
    let (session, shared) = prepare_session(config, make, peer)?;
    Ok((session, drive(shared, transport, max_datagram)))
}

/// Many sessions over any transport. The delivery of the configuration is [`Delivery::Pull`] here, whatever it says.
///
/// # Errors
/// [`ConfigError`] when the configuration can not work.
#[cfg(feature = "memory")]
pub fn endpoint_over<T: Transport>(transport: T, config: EndpointConfig) -> Result<(Hub, Driver<T>), ConfigError> {
    let max_datagram = config.session.max_datagram;
    let (hub, shared) = prepare_endpoint(config)?;
    Ok((hub, drive(shared, transport, max_datagram)))
}

#[cfg(feature = "memory")]
fn drive<T: Transport>(shared: Arc<Shared>, transport: T, max_datagram: usize) -> Driver<T> {
    // The second clock starts a little after the first: the driver wakes a little late, never in vain.
    Driver::new(shared, Clock::start(), transport, max_datagram)
}
