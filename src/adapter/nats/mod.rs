//! Sliding windows over the subjects of a NATS server, on `async-nats`.
//!
//! Each end has a subject of its own, its *inbox*; a datagram is one message, whose reply subject is the inbox of the sender. A broker
//! drops what a slow subscriber does not take, and what is published while the connection is cut: the window makes up for it.
//!
//! ```no_run
//! use bytes::Bytes;
//! use mconn::adapter::nats::{Inbox, Link};
//! use mconn::sliding_window::{SendOptions, SlidingWindow};
//!
//! # async fn run() -> Result<(), Box<dyn std::error::Error>> {
//! // A client of our own; `Link::of` takes one that you have already.
//! let link = Link::connect("nats://localhost", async_nats::ConnectOptions::new().name("alice")).await?;
//! let inbox = Inbox::new("alice").peer("bob");
//! let (session, subscription, driver) = link.session(inbox, link.config()?, SlidingWindow::connect).await?;
//! tokio::spawn(driver);
//! session.send(Bytes::from("hello"), &SendOptions::default()).await?;
//! println!("{:?}", subscription.report());
//! # Ok(())
//! # }
//! ```
//!
//! # What the broker must not drop
//!
//! A subscription may hold so many messages and bytes ([`PendingLimits`]). The credit that the peer is given stays below that by
//! [`PendingLimits::RESERVED_MESSAGES`] and [`PendingLimits::RESERVED_BYTES`], so that acknowledgements have room when data has none.
//! [`Link::session`] lowers the configured window where it must.
//!
//! # TLS
//!
//! By the options of the client: `ConnectOptions::require_tls`, `add_root_certificates`, `add_client_certificate`,
//! `tls_client_config`. Servers say themselves when they want it.
//!
//! # Congestion
//!
//! [`Link::config`] chooses a [fixed window](crate::sliding_window::congestion::Algorithm::Fixed): the way to the broker is a TCP connection, which
//! has its own control of congestion.

mod inbox;
mod limits;
mod link;
mod report;
mod transport;

pub use inbox::Inbox;
pub use limits::PendingLimits;
pub use link::Link;
pub use report::{NatsEvent, Report, Subscription};
pub use transport::NatsTransport;
