//! A client, and the sessions over it.

use alloc::sync::Arc;
use core::sync::atomic::{AtomicU64, Ordering};
use std::io;

use async_nats::{Client, ConnectOptions, Event, ToServerAddrs};

use super::report::Shared;
use super::{Inbox, NatsTransport, Subscription};
use crate::adapter::window::{
    Driver, Hub, Make, PeerAddress, Session, endpoint_over, fresh_config, fresh_endpoint_config, session_over,
};
use crate::sliding_window::congestion::Algorithm;
use crate::sliding_window::endpoint::EndpointConfig;
use crate::sliding_window::{Config, ConfigError};
use crate::time::Duration;

/// A message of 64 KiB goes in one datagram.
const MAX_DATAGRAM: usize = (64 << 10) + 256;

/// Bytes in flight, and packets.
const WINDOW: Algorithm = Algorithm::Fixed { bytes: 4 << 20, packets: 2048 };

/// A client of a NATS server. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Link {
    client: Client,
    dropped: Option<Arc<AtomicU64>>,
}

impl Link {
    /// Uses a client that exists already, with whatever it is used for besides.
    #[must_use]
    pub const fn of(client: Client) -> Self {
        Self { client, dropped: None }
    }

    /// Makes a client of its own. TLS, credentials and all else are by its options; of these, `event_callback` is replaced.
    ///
    /// # Errors
    /// The client can not connect.
    pub async fn connect(servers: impl ToServerAddrs, options: ConnectOptions) -> io::Result<Self> {
        let dropped = Arc::new(AtomicU64::new(0));
        let count = Arc::clone(&dropped);
        let options = options.event_callback(move |event| {
            if let Event::SlowConsumer(_) = event {
                count.fetch_add(1, Ordering::Relaxed);
            }
            core::future::ready(())
        });
        let client = options.connect(servers).await.map_err(io::Error::other)?;
        Ok(Self { client, dropped: Some(dropped) })
    }

    /// The client.
    #[must_use]
    pub const fn client(&self) -> &Client {
        &self.client
    }

    /// The defaults for one session over a broker, with a tag and a seed from the operating system: datagrams of up to 64 KiB of data, or
    /// what the server takes; a fixed window; two minutes of silence, for a server that is started again.
    ///
    /// # Errors
    /// The operating system gives no random numbers.
    pub fn config(&self) -> io::Result<Config> {
        let mut config = fresh_config()?;
        self.adapt(&mut config);
        Ok(config)
    }

    /// The defaults for many sessions over a broker, as [`Link::config`] has them for one.
    ///
    /// # Errors
    /// The operating system gives no random numbers.
    pub fn endpoint_config(&self) -> io::Result<EndpointConfig> {
        let mut config = fresh_endpoint_config()?;
        self.adapt(&mut config.session);
        Ok(config)
    }

    fn adapt(&self, config: &mut Config) {
        config.max_datagram = MAX_DATAGRAM.min(self.client.max_payload());
        config.congestion = WINDOW;
        config.idle_timeout = Some(Duration::from_secs(120));
        config.max_probes = 64;
    }

    /// One session. `make` is [`SlidingWindow::connect`](crate::sliding_window::SlidingWindow::connect) or
    /// [`listen`](crate::sliding_window::SlidingWindow::listen), or a function that resumes a session. Spawn the driver.
    ///
    /// Datagrams become no larger than the server takes, and the window no larger than the limits of the inbox allow.
    ///
    /// # Errors
    /// The subject can not be subscribed to; or, as `InvalidInput`, the configuration can not work.
    pub async fn session(
        &self,
        inbox: Inbox,
        mut config: Config,
        make: impl Make,
    ) -> io::Result<(Session, Subscription, Driver<NatsTransport>)> {
        config.max_datagram = config.max_datagram.min(self.client.max_payload());
        inbox.limits.guard(&mut config);
        config.validate().map_err(invalid)?;
        let peer = inbox.peer.as_deref().map(|peer| PeerAddress::Subject(peer.into()));
        let (transport, subscription) = self.subscribe(inbox).await?;
        let (session, driver) = session_over(transport, config, make, peer).map_err(invalid)?;
        Ok((session, subscription, driver))
    }

    /// Many sessions on one inbox; a peer of the inbox is not heeded. Spawn the driver.
    ///
    /// Datagrams become no larger than the server takes; and sessions no more than have room, all with their windows full, in the
    /// limits of the inbox. Those that we open ourselves are not counted.
    ///
    /// # Errors
    /// The subject can not be subscribed to; or, as `InvalidInput`, the configuration can not work.
    pub async fn endpoint(
        &self,
        inbox: Inbox,
        mut config: EndpointConfig,
    ) -> io::Result<(Hub, Subscription, Driver<NatsTransport>)> {
        config.session.max_datagram = config.session.max_datagram.min(self.client.max_payload());
        inbox.limits.guard_all(&mut config);
        config.validate().map_err(invalid)?;
        let (transport, subscription) = self.subscribe(Inbox { peer: None, ..inbox }).await?;
        let (hub, driver) = endpoint_over(transport, config).map_err(invalid)?;
        Ok((hub, subscription, driver))
    }

    async fn subscribe(&self, inbox: Inbox) -> io::Result<(NatsTransport, Subscription)> {
        let subscriber = self.client.subscribe(inbox.subject.clone()).await.map_err(io::Error::other)?;
        // The server knows of the subscription before anybody is called who might answer at once.
        self.client.flush().await.map_err(io::Error::other)?;
        let shared = Shared::new(inbox.limits);
        let transport = NatsTransport::new(self.client.clone(), subscriber, inbox, Arc::clone(&shared));
        let subscription =
            Subscription { shared, client: self.client.clone(), dropped_by_client: self.dropped.clone() };
        Ok((transport, subscription))
    }
}

fn invalid(error: ConfigError) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, error)
}
