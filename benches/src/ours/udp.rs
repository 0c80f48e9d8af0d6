//! Sessions of `adapter::udp` over loopback UDP, on tokio and on threads.

use std::sync::Barrier;
use std::sync::mpsc::channel;
use std::thread;

use mconn::adapter::udp::{UdpEndpoint, blocking};
use mconn::adapter::window::fresh_endpoint_config;
use mconn::sliding_window::SendOptions;
use mconn::sliding_window::congestion::Algorithm;
use mconn::sliding_window::endpoint::EndpointConfig;

use super::window_messages::{receive, send};
use crate::load::Load;
use crate::peers::async_peer::runtime;
use crate::transfer::{Carrier, Moment, Transfer};

/// The name in the table: `adapter::udp` with its defaults.
pub const TOKIO: &str = "mconn, tokio";
/// The name in the table: the same with a fixed window, so that nothing is paced and no loss slows it down.
pub const FIXED: &str = "mconn, fixed window";
/// The name in the table: `adapter::udp::blocking` with its defaults.
pub const BLOCKING: &str = "mconn, blocking";

/// Bytes in flight with the fixed window: half of what the socket holds.
const WINDOW: u64 = 1 << 20;

/// A free port.
const ANY: &str = "127.0.0.1:0";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Tokio,
    Fixed,
    Blocking,
}

/// A session between two sockets.
#[derive(Debug)]
pub struct Udp {
    kind: Kind,
    size: usize,
    datagram: usize,
}

impl Udp {
    /// On tokio, each end a runtime of one thread.
    #[must_use]
    pub fn tokio(size: usize, datagram: usize) -> Box<dyn Carrier> {
        Box::new(Self { kind: Kind::Tokio, size, datagram })
    }

    /// The same with a fixed window.
    #[must_use]
    pub fn fixed(size: usize, datagram: usize) -> Box<dyn Carrier> {
        Box::new(Self { kind: Kind::Fixed, size, datagram })
    }

    /// Each end a thread of the socket and one that sends or receives.
    #[must_use]
    pub fn blocking(size: usize, datagram: usize) -> Box<dyn Carrier> {
        Box::new(Self { kind: Kind::Blocking, size, datagram })
    }

    fn config(&self) -> EndpointConfig {
        let mut config = fresh_endpoint_config().expect("random numbers");
        config.session.max_datagram = self.datagram;
        if self.kind == Kind::Fixed {
            config.session.congestion = Algorithm::Fixed { bytes: WINDOW, packets: u64::MAX };
        }
        config
    }

    fn on_tokio(&self, load: Load) -> Transfer {
        let (address, known) = channel();
        let barrier = &Barrier::new(2);
        thread::scope(|scope| {
            let receiver = scope.spawn(move || {
                runtime().block_on(async {
                    let (endpoint, driver) = UdpEndpoint::bind(ANY, self.config()).await.expect("loopback UDP");
                    let driver = tokio::spawn(driver);
                    address.send(endpoint.local_addr()).expect("the sender waits for it");
                    let session = endpoint.accept().await.expect("a session");
                    barrier.wait();
                    let end = receive(&session, load).await;
                    drop((session, endpoint));
                    driver.await.expect("a driver").expect("a socket");
                    end
                })
            });
            let begin = runtime().block_on(async {
                let (endpoint, driver) = UdpEndpoint::bind(ANY, self.config()).await.expect("loopback UDP");
                let driver = tokio::spawn(driver);
                let session = endpoint.connect(known.recv().expect("an address")).await.expect("a session");
                barrier.wait();
                let begin = Moment::now();
                send(&session, load).await;
                drop((session, endpoint));
                driver.await.expect("a driver").expect("a socket");
                begin
            });
            begin.until(receiver.join().expect("the receiving thread"), load)
        })
    }

    fn on_threads(&self, load: Load) -> Transfer {
        let bind = || blocking::UdpEndpoint::bind(ANY, self.config()).expect("loopback UDP");
        let (near, far) = (bind(), bind());
        let ours = near.connect(far.local_addr()).expect("a session");
        let theirs = far.accept().expect("a session");
        thread::scope(|scope| {
            let receiver = scope.spawn(move || {
                let mut bytes = 0;
                while bytes < load.bytes() {
                    bytes += theirs.recv().expect("a message").payload.len() as u64;
                }
                let end = Moment::now();
                theirs.close();
                let _reason = theirs.closed();
                end
            });
            let message = load.message();
            let begin = Moment::now();
            for _ in 0..load.messages() {
                ours.send(message.clone(), &SendOptions::ORDERED).expect("the session is open");
            }
            ours.close();
            let _reason = ours.closed();
            begin.until(receiver.join().expect("the receiving thread"), load)
        })
    }
}

impl Carrier for Udp {
    fn name(&self) -> &'static str {
        match self.kind {
            Kind::Tokio => TOKIO,
            Kind::Fixed => FIXED,
            Kind::Blocking => BLOCKING,
        }
    }

    fn run(&mut self, messages: u64) -> Transfer {
        let load = Load::new(self.size, 1, messages);
        if self.kind == Kind::Blocking { self.on_threads(load) } else { self.on_tokio(load) }
    }
}
