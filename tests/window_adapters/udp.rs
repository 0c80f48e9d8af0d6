//! Over sockets of UDP.

use core::time::Duration;

use bytes::Bytes;
use mconn::adapter::udp::{self, UdpEndpoint};
use mconn::adapter::window::{PeerAddress, Session, fresh_config, fresh_endpoint_config};
use mconn::sliding_window::congestion::Algorithm;
use mconn::sliding_window::endpoint::EndpointConfig;
use mconn::sliding_window::{CloseReason, Config, SlidingWindow};
use tokio::net::UdpSocket;

use crate::cases::{self, ORDERED, Pair, all_cases, end, payload, within};
use crate::proxy;

pub(crate) async fn endpoint(change: impl Fn(&mut EndpointConfig)) -> UdpEndpoint {
    let mut config = fresh_endpoint_config().unwrap();
    change(&mut config);
    let (endpoint, driver) = UdpEndpoint::bind("127.0.0.1:0", config).await.unwrap();
    tokio::spawn(driver);
    endpoint
}

async fn pair(change: impl Fn(&mut Config)) -> Option<Pair> {
    let change = |config: &mut EndpointConfig| change(&mut config.session);
    let (server, client) = (endpoint(change).await, endpoint(change).await);
    let ours = client.connect(server.local_addr()).await.unwrap();
    let theirs = server.accept().await.unwrap();
    assert_eq!(theirs.peer(), Some(PeerAddress::Socket(client.local_addr())));
    Some(Pair::new(ours, theirs))
}

mod endpoints {
    use super::*;
    all_cases!(pair);
}

/// One session on a socket of its own; the caller is not known before.
async fn plain_pair(change: impl Fn(&mut Config)) -> Option<Pair> {
    let config = || {
        let mut config = fresh_config().unwrap();
        change(&mut config);
        config
    };
    let sockets = (UdpSocket::bind("127.0.0.1:0").await.unwrap(), UdpSocket::bind("127.0.0.1:0").await.unwrap());
    let server = sockets.0.local_addr().unwrap();
    let (theirs, driver) = udp::session(sockets.0, None, config(), SlidingWindow::listen).unwrap();
    tokio::spawn(driver);
    let (ours, driver) = udp::session(sockets.1, Some(server), config(), SlidingWindow::connect).unwrap();
    tokio::spawn(driver);
    ours.connected().await.unwrap();
    Some(Pair::new(ours, theirs))
}

mod plain {
    use super::*;
    all_cases!(plain_pair);
}

#[tokio::test]
async fn fifty_sessions_on_one_socket() {
    within(async {
        let (server, client) = (endpoint(|_| ()).await, endpoint(|_| ()).await);
        let echo = tokio::spawn({
            let server = server.clone();
            async move {
                let mut sessions = Vec::new();
                while sessions.len() < 50 {
                    let session = server.accept().await.unwrap();
                    sessions.push(tokio::spawn(async move {
                        while let Some(message) = session.recv().await {
                            session.send(message.payload, ORDERED).await.unwrap();
                        }
                        session.closed().await
                    }));
                }
                for session in sessions {
                    assert!(session.await.unwrap().is_orderly());
                }
            }
        });
        let calls = (0..50_usize).map(|caller| {
            let (client, to) = (client.clone(), server.local_addr());
            tokio::spawn(async move {
                let session = client.connect(to).await.unwrap();
                for number in 0..40 {
                    session.send(payload(caller * 1000 + number, 700), ORDERED).await.unwrap();
                }
                for number in 0..40 {
                    let message = session.recv().await.unwrap();
                    assert_eq!(message.payload, payload(caller * 1000 + number, 700), "{caller}: {number}");
                }
                session.close();
                assert!(session.closed().await.is_orderly());
            })
        });
        for call in calls.collect::<Vec<_>>() {
            call.await.unwrap();
        }
        echo.await.unwrap();
        assert_eq!((client.hub().counters().connected, server.hub().counters().accepted), (50, 50));
    })
    .await;
}

async fn through_proxy(keep: impl FnMut(u64) -> bool + Send + 'static) -> Pair {
    // Loss is no sign of congestion here.
    let change = |config: &mut EndpointConfig| {
        config.session.congestion = Algorithm::Fixed { bytes: 1 << 20, packets: 1024 };
    };
    let (server, client) = (endpoint(change).await, endpoint(change).await);
    let between = proxy::start(server.local_addr(), keep).await;
    let ours = client.connect(between).await.unwrap();
    let theirs = server.accept().await.unwrap();
    Pair::new(ours, theirs)
}

#[tokio::test]
async fn every_seventh_datagram_is_lost() {
    within(async {
        let pair = through_proxy(|number| number % 7 != 3).await;
        let (ours, theirs) = (pair.ours.clone(), pair.theirs.clone());
        cases::mixed_sizes(pair).await;
        assert!(ours.close_reason().unwrap().is_orderly() && theirs.close_reason().unwrap().is_orderly());
    })
    .await;
}

#[tokio::test]
async fn the_peer_is_gone() {
    within(async {
        let (server, client) = (
            endpoint(|_| ()).await,
            endpoint(|config| {
                config.session.keepalive = Some(Duration::from_millis(100));
                config.session.idle_timeout = Some(Duration::from_millis(500));
            })
            .await,
        );
        let cut = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
        let seen = std::sync::Arc::clone(&cut);
        let keep = move |_| !seen.load(std::sync::atomic::Ordering::Relaxed);
        let between = proxy::start(server.local_addr(), keep).await;
        let ours = client.connect(between).await.unwrap();
        cut.store(true, std::sync::atomic::Ordering::Relaxed);
        let closed = ours.closed().await;
        assert!(matches!(closed.reason, CloseReason::IdleTimeout { .. }), "{closed}");
    })
    .await;
}

#[tokio::test]
async fn nobody_answers() {
    within(async {
        let client = endpoint(|config| {
            config.session.handshake.first_timeout = Duration::from_millis(20);
            config.session.handshake.attempts = 3;
        })
        .await;
        let silent = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let closed = client.connect(silent.local_addr().unwrap()).await.unwrap_err();
        assert_eq!(closed.reason, CloseReason::HandshakeTimeout { attempts: 3 });
    })
    .await;
}

/// Noise of all kinds: with wrong tags, from strangers, of no form; and the copies that somebody has heard, from elsewhere.
#[tokio::test]
async fn noise_changes_nothing() {
    within(async {
        let server = endpoint(|_| ()).await;
        let client = endpoint(|_| ()).await;
        let ours = client.connect(server.local_addr()).await.unwrap();
        let theirs = server.accept().await.unwrap();
        let stranger = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        for number in 0..2000_usize {
            let mut noise = payload(number, number % 1300).to_vec();
            if let (Some(first), true) = (noise.first_mut(), number % 2 == 0) {
                *first = 0x50 | (*first & 0x0f);
            }
            stranger.send_to(&noise, server.local_addr()).await.unwrap();
            if number % 20 == 0 {
                ours.send(payload(number, 100), ORDERED).await.unwrap();
                assert_eq!(theirs.recv().await.unwrap().payload, payload(number, 100));
            }
        }
        let counters = server.hub().counters();
        assert!(counters.unknown_tag > 0 && counters.malformed > 0, "{counters:?}");
        assert_eq!(counters.accepted, 1);
        end(Pair::new(ours, theirs)).await;
    })
    .await;
}

/// The driver of one side is dropped: its sessions end at once; the other side finds out by itself.
#[tokio::test]
async fn a_dropped_driver() {
    within(async {
        let (client, driver) = UdpEndpoint::bind("127.0.0.1:0", fresh_endpoint_config().unwrap()).await.unwrap();
        let driver = tokio::spawn(driver);
        let server = endpoint(|_| ()).await;
        let ours: Session = client.connect(server.local_addr()).await.unwrap();
        driver.abort();
        assert_eq!(ours.closed().await.reason, CloseReason::TransportFailed);
        assert!(client.connect(server.local_addr()).await.is_err());
        assert!(client.accept().await.is_none());
        assert!(ours.send(Bytes::from("late"), ORDERED).await.is_err());
    })
    .await;
}

/// The driver ends by itself when nobody needs it any more.
#[tokio::test]
async fn the_driver_ends_with_the_last_session() {
    within(async {
        let server = endpoint(|_| ()).await;
        let (client, driver) = UdpEndpoint::bind("127.0.0.1:0", fresh_endpoint_config().unwrap()).await.unwrap();
        let driver = tokio::spawn(driver);
        let ours = client.connect(server.local_addr()).await.unwrap();
        let theirs = server.accept().await.unwrap();
        drop(client);
        ours.send("still works".into(), ORDERED).await.unwrap();
        assert_eq!(theirs.recv().await.unwrap().payload, "still works");
        drop(ours);
        assert_eq!(theirs.recv().await, None);
        driver.await.unwrap().unwrap();
    })
    .await;
}

#[tokio::test]
async fn a_closed_endpoint_accepts_nobody_and_ends() {
    within(async {
        let (server, driver) = UdpEndpoint::bind("[::1]:0", fresh_endpoint_config().unwrap()).await.unwrap();
        let driver = tokio::spawn(driver);
        let (client, client_driver) = UdpEndpoint::bind("[::]:0", fresh_endpoint_config().unwrap()).await.unwrap();
        tokio::spawn(client_driver);
        let ours = client.connect(server.local_addr()).await.unwrap();
        let theirs = server.accept().await.unwrap();
        server.close();
        assert!(server.accept().await.is_none());
        assert_eq!((ours.recv().await, theirs.recv().await), (None, None));
        driver.await.unwrap().unwrap();
        assert!(ours.closed().await.is_orderly());
    })
    .await;
}

#[tokio::test]
async fn impossible_configurations_are_refused() {
    let mut config = fresh_endpoint_config().unwrap();
    config.session.max_datagram = 65_508;
    let error = UdpEndpoint::bind("127.0.0.1:0", config).await.unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::InvalidInput);
    let mut config = fresh_endpoint_config().unwrap();
    config.max_sessions = 0;
    assert_eq!(UdpEndpoint::bind("127.0.0.1:0", config).await.unwrap_err().kind(), std::io::ErrorKind::InvalidInput);
}
