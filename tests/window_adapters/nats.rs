//! Over the subjects of a real server.

use async_nats::ConnectOptions;
use bytes::Bytes;
use mconn::adapter::nats::{Inbox, Link, NatsEvent, PendingLimits, Subscription};
use mconn::adapter::window::{PeerAddress, Session};
use mconn::sliding_window::{Config, SlidingWindow};

use crate::cases::{ORDERED, Pair, all_cases, end, payload, within};
use crate::nats_server::Server;

async fn link(server: &Server) -> Link {
    Link::connect(server.url(), ConnectOptions::new()).await.unwrap()
}

/// Two sessions over the clients of `links`; the one that listens is not told who calls.
async fn join(
    links: (&Link, &Link),
    inboxes: (Inbox, Inbox),
    change: impl Fn(&mut Config),
) -> ((Session, Subscription), (Session, Subscription)) {
    let config = |link: &Link| {
        let mut config = link.config().unwrap();
        change(&mut config);
        config
    };
    let (theirs, their_subscription, driver) =
        links.1.session(inboxes.1, config(links.1), SlidingWindow::listen).await.unwrap();
    tokio::spawn(driver);
    let (ours, subscription, driver) =
        links.0.session(inboxes.0, config(links.0), SlidingWindow::connect).await.unwrap();
    tokio::spawn(driver);
    ours.connected().await.unwrap();
    ((ours, subscription), (theirs, their_subscription))
}

fn inboxes() -> (Inbox, Inbox) {
    (Inbox::new("test.alice").peer("test.bob"), Inbox::new("test.bob"))
}

async fn pair(change: impl Fn(&mut Config)) -> Option<Pair> {
    let server = Server::start().await?;
    let (alice, bob) = (link(&server).await, link(&server).await);
    let ((ours, _), (theirs, _)) = join((&alice, &bob), inboxes(), change).await;
    assert_eq!(ours.peer(), Some(PeerAddress::Subject("test.bob".into())));
    Some(Pair { ours, theirs, keep: Box::new(server) })
}

mod two_clients {
    use super::*;
    all_cases!(pair);
}

/// A client that the caller has already, for both ends and for messages of its own.
async fn pair_of_one_client(change: impl Fn(&mut Config)) -> Option<Pair> {
    let server = Server::start().await?;
    let link = Link::of(async_nats::connect(server.url()).await.unwrap());
    let ((ours, _), (theirs, _)) = join((&link, &link), inboxes(), change).await;
    assert_eq!(theirs.peer(), Some(PeerAddress::Subject("test.alice".into())));
    Some(Pair { ours, theirs, keep: Box::new(server) })
}

mod one_client {
    use super::*;
    all_cases!(pair_of_one_client);
}

#[tokio::test]
async fn many_sessions_on_one_inbox() {
    within(async {
        let Some(server) = Server::start().await else { return };
        let link = link(&server).await;
        let mut config = link.endpoint_config().unwrap();
        config.session.receive.window = 256;
        config.session.receive.max_bytes = 1 << 20;
        config.session.receive.max_message = 1 << 20;
        let (hub, subscription, driver) = link.endpoint(Inbox::new("hub"), config).await.unwrap();
        tokio::spawn(driver);
        let mut callers = Vec::new();
        for number in 0..10_usize {
            let inbox = Inbox::new(format!("caller.{number}")).peer("hub");
            let config = link.config().unwrap();
            let (ours, _, driver) = link.session(inbox, config, SlidingWindow::connect).await.unwrap();
            tokio::spawn(driver);
            ours.send(payload(number, 5000), ORDERED).await.unwrap();
            callers.push(ours);
        }
        for _ in 0..10 {
            let theirs = hub.accept().await.unwrap();
            let message = theirs.recv().await.unwrap();
            theirs.send(message.payload, ORDERED).await.unwrap();
            tokio::spawn(async move { theirs.recv().await });
        }
        for (number, ours) in callers.iter().enumerate() {
            assert!(ours.recv().await.unwrap().payload == payload(number, 5000));
            ours.close();
        }
        for ours in callers {
            assert_eq!(ours.recv().await, None);
            assert!(ours.closed().await.is_orderly());
        }
        let report = subscription.report();
        assert!(report.delivered >= 20 && report.delivered_bytes >= 50_000, "{report:?}");
        assert_eq!((report.dropped, report.queued), (0, 0));
    })
    .await;
}

#[tokio::test]
async fn the_server_is_killed_and_started_again() {
    within(async {
        let Some(mut server) = Server::start().await else { return };
        let (alice, bob) = (link(&server).await, Link::of(async_nats::connect(server.url()).await.unwrap()));
        let ((ours, subscription), (theirs, their_subscription)) = join((&alice, &bob), inboxes(), |_| ()).await;
        let (mut events, mut their_events) = (subscription.events(), their_subscription.events());
        let sender = ours.clone();
        let (half, at_half) = tokio::sync::oneshot::channel();
        let sending = tokio::spawn(async move {
            let mut half = Some(half);
            for number in 0..2000 {
                if number == 1000 {
                    half.take().unwrap().send(()).unwrap();
                }
                sender.send(payload(number, 5000), ORDERED).await.unwrap();
            }
        });
        let reader = theirs.clone();
        let reading = tokio::spawn(async move {
            for number in 0..2000 {
                assert!(reader.recv().await.unwrap().payload == payload(number, 5000), "message {number}");
            }
        });
        at_half.await.unwrap();
        server.kill();
        assert_eq!(events.recv().await.unwrap(), NatsEvent::Disconnected);
        server.start_again().await;
        assert_eq!(events.recv().await.unwrap(), NatsEvent::Reconnected);
        assert_eq!(their_events.recv().await.unwrap(), NatsEvent::Disconnected);
        assert_eq!(their_events.recv().await.unwrap(), NatsEvent::Reconnected);
        sending.await.unwrap();
        reading.await.unwrap();
        assert_eq!(subscription.report().reconnects, 1);
        end(Pair::new(ours, theirs)).await;
    })
    .await;
}

/// Others fill the subscription: what it drops is told, and comes again.
#[tokio::test]
async fn a_slow_consumer() {
    within(async {
        let Some(server) = Server::start().await else { return };
        let (alice, bob) = (link(&server).await, link(&server).await);
        let limits = PendingLimits::new(64, 1 << 20);
        let (caller, listener) = inboxes();
        let ((ours, _), (theirs, subscription)) = join((&alice, &bob), (caller, listener.limits(limits)), |_| ()).await;
        let mut events = subscription.events();
        let noise = async_nats::connect(server.url()).await.unwrap();
        let sender = ours.clone();
        let sending = tokio::spawn(async move {
            for number in 0..300 {
                sender.send(payload(number, 3000), ORDERED).await.unwrap();
            }
        });
        for number in 0..300 {
            for _ in 0..100 {
                noise.publish_with_reply("test.bob", "test.nobody", Bytes::from_static(b"noise")).await.unwrap();
            }
            assert!(theirs.recv().await.unwrap().payload == payload(number, 3000), "message {number}");
        }
        sending.await.unwrap();
        let report = subscription.report();
        assert!(report.dropped > 0 && report.max_queued == 64 && report.limits == limits, "{report:?}");
        // There are more than are kept for who looks so late.
        let event = loop {
            if let Ok(event) = events.recv().await {
                break event;
            }
        };
        assert!(matches!(event, NatsEvent::SlowConsumer { dropped: 1.. }), "{event:?}");
        end(Pair::new(ours, theirs)).await;
    })
    .await;
}

/// What the peer may send stays below the limits: nothing is dropped however long the driver sleeps.
#[tokio::test]
async fn credit_guards_the_limits() {
    within(async {
        let Some(server) = Server::start().await else { return };
        let (alice, bob) = (link(&server).await, link(&server).await);
        let limits = PendingLimits::new(100, 400_000);
        let (caller, listener) = inboxes();
        let ((ours, _), (theirs, subscription)) =
            join((&alice, &bob), (caller, listener.limits(limits)), |config| config.max_datagram = 1200).await;
        let sender = ours.clone();
        let sending = tokio::spawn(async move {
            for number in 0..500 {
                sender.send(payload(number, 2000), ORDERED).await.unwrap();
            }
        });
        for number in 0..500 {
            if number % 50 == 0 {
                // Nobody on this thread runs meanwhile but the server.
                std::thread::sleep(core::time::Duration::from_millis(5));
            }
            assert!(theirs.recv().await.unwrap().payload == payload(number, 2000), "message {number}");
        }
        sending.await.unwrap();
        let report = subscription.report();
        assert_eq!(report.dropped, 0, "{report:?}");
        assert!(report.max_queued <= 100 && report.max_queued_bytes <= 400_000, "{report:?}");
        end(Pair::new(ours, theirs)).await;
    })
    .await;
}

#[tokio::test]
async fn what_can_not_work_is_refused() {
    within(async {
        let Some(server) = Server::start().await else { return };
        let link = link(&server).await;
        let inbox = Inbox::new("x").limits(PendingLimits::new(32, 1 << 20));
        let error = link.session(inbox, link.config().unwrap(), SlidingWindow::listen).await.unwrap_err();
        assert_eq!(error.kind(), std::io::ErrorKind::InvalidInput);
        let error = link.session(Inbox::new("a b"), link.config().unwrap(), SlidingWindow::listen).await;
        assert!(error.is_err());
        let server_limit = link.client().max_payload();
        assert!(link.config().unwrap().max_datagram <= server_limit);
        drop(server);
        assert!(Link::connect("nats://127.0.0.1:1", ConnectOptions::new()).await.is_err());
    })
    .await;
}
