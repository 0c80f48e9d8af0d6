//! One turn of a driver after the other, over wires that the test holds: what is told in which.

use core::future::Future;
use core::pin::{Pin, pin};
use core::task::{Context, Poll, Waker};
use core::time::Duration;
use std::collections::VecDeque;
use std::io;
use std::sync::{Arc, Mutex};

use mconn::adapter::window::{
    Batch, Driver, Fate, Hub, PeerAddress, Session, Transport, endpoint_over, fresh_config, fresh_endpoint_config,
    session_over,
};
use mconn::sliding_window::{CloseReason, Expires, SendOptions, SlidingWindow};

use crate::cases::ORDERED;

/// A wire in one direction, and whether it takes anything.
#[derive(Clone, Default)]
struct Wire(Arc<Mutex<(VecDeque<Vec<u8>>, bool)>>);

impl Wire {
    /// Loses what is on it; says how many that were.
    fn lose(&self) -> usize {
        self.0.lock().unwrap().0.drain(..).count()
    }

    fn block(&self, blocked: bool) {
        self.0.lock().unwrap().1 = blocked;
    }
}

struct End {
    there: Wire,
    back: Wire,
}

impl Transport for End {
    fn poll_receive(
        &mut self,
        _: &mut Context<'_>,
        deliver: &mut dyn FnMut(&PeerAddress, &[u8]),
    ) -> Poll<io::Result<()>> {
        match self.back.0.lock().unwrap().0.pop_front() {
            Some(datagram) => {
                deliver(&PeerAddress::OtherEnd, &datagram);
                Poll::Ready(Ok(()))
            }
            None => Poll::Pending,
        }
    }

    fn poll_send(&mut self, _: &mut Context<'_>, batch: &mut Batch) -> Poll<io::Result<()>> {
        let mut wire = self.there.0.lock().unwrap();
        while let Some(datagram) = batch.first().filter(|_| !wire.1) {
            wire.0.push_back(datagram.to_vec());
            batch.advance(1);
        }
        if batch.is_empty() { Poll::Ready(Ok(())) } else { Poll::Pending }
    }
}

fn poll<T>(future: impl Future<Output = T>) -> Poll<T> {
    pin!(future).poll(&mut Context::from_waker(Waker::noop()))
}

struct Side {
    session: Session,
    driver: Driver<End>,
    wire: Wire,
    #[allow(dead_code, reason = "what it does is to be dropped late")]
    hub: Option<Hub>,
}

impl Side {
    /// One turn of the driver; whether it is done.
    fn turn(&mut self) -> bool {
        Pin::new(&mut self.driver).poll(&mut Context::from_waker(Waker::noop())).is_ready()
    }

    fn reason(&self) -> Option<CloseReason> {
        self.session.close_reason().map(|closed| closed.reason)
    }
}

/// A connected pair of lone sessions, or of endpoints.
fn pair(endpoints: bool, linger: Duration) -> [Side; 2] {
    let wires = [Wire::default(), Wire::default()];
    let ends = [0, 1].map(|side| End { there: wires[side].clone(), back: wires[1 - side].clone() });
    let mut sides = Vec::new();
    for (wire, end) in wires.into_iter().zip(ends) {
        let calls = sides.is_empty();
        if endpoints {
            let mut config = fresh_endpoint_config().unwrap();
            config.session.linger = linger;
            let (hub, mut driver) = endpoint_over(end, config).unwrap();
            let session = if calls {
                hub.call(PeerAddress::OtherEnd).unwrap()
            } else {
                let mut callers: Vec<Side> = core::mem::take(&mut sides);
                let session = loop {
                    callers[0].turn();
                    _ = Pin::new(&mut driver).poll(&mut Context::from_waker(Waker::noop()));
                    if let Poll::Ready(Some(session)) = poll(hub.accept()) {
                        break session;
                    }
                };
                sides = callers;
                session
            };
            sides.push(Side { session, driver, wire, hub: Some(hub) });
        } else {
            let mut config = fresh_config().unwrap();
            config.linger = linger;
            let make = if calls { SlidingWindow::connect } else { SlidingWindow::listen };
            let (session, driver) = session_over(end, config, make, Some(PeerAddress::OtherEnd)).unwrap();
            sides.push(Side { session, driver, wire, hub: None });
        }
    }
    let Ok(mut sides) = <[Side; 2]>::try_from(sides) else { unreachable!("two") };
    let mut settled = 0;
    while settled < 5 {
        for side in &mut sides {
            side.turn();
        }
        settled += usize::from(sides.iter().all(|side| poll(side.session.connected()).is_ready()));
    }
    sides
}

const LONG: Duration = Duration::from_secs(1000);

/// The end comes when the word of it is taken by the transport, in the middle of a turn. Nothing else would ever tell of it.
#[tokio::test]
async fn an_end_that_comes_while_output_is_made_is_told_in_the_same_turn() {
    for endpoints in [false, true] {
        let [mut ours, mut theirs] = pair(endpoints, LONG);
        ours.session.abort(7, "enough");
        assert_eq!(ours.reason(), None, "the peer is told first");
        ours.turn();
        assert_eq!(ours.reason(), Some(CloseReason::Aborted { code: 7, text: "enough".into() }));
        theirs.turn();
        assert_eq!(theirs.reason(), Some(CloseReason::PeerAborted { code: 7, text: "enough".into() }));
    }
}

#[tokio::test]
async fn an_end_is_told_once_its_word_is_the_driver_s_whatever_the_transport_takes() {
    for endpoints in [false, true] {
        let [mut ours, _theirs] = pair(endpoints, LONG);
        ours.wire.block(true);
        ours.session.abort(7, "enough");
        assert!(!ours.turn() && ours.reason().is_some() && ours.wire.lose() == 0);
        ours.wire.block(false);
        assert!(!ours.turn() && ours.wire.lose() == 1);
    }
}

#[tokio::test]
async fn an_end_behind_a_full_transport_is_told_in_the_turn_in_which_it_takes_more() {
    for endpoints in [false, true] {
        let [mut ours, _theirs] = pair(endpoints, LONG);
        ours.wire.block(true);
        ours.session.try_send("before".into(), ORDERED).unwrap();
        ours.turn();
        ours.session.abort(7, "enough");
        ours.turn();
        assert_eq!(ours.reason(), None, "the word of it waits");
        ours.wire.block(false);
        ours.turn();
        assert!(ours.reason().is_some() && ours.wire.lose() == 2);
    }
}

/// Expired, so flushed, and so there is room again: all of it while the next datagram is looked for.
#[tokio::test]
async fn what_expires_while_output_is_made_is_told_in_the_same_turn() {
    for endpoints in [false, true] {
        let [mut ours, _theirs] = pair(endpoints, LONG);
        let options = SendOptions::ORDERED.expires(Expires::At(ours.session.now()));
        let Poll::Ready(Ok(receipt)) = poll(ours.session.send_with_receipt("late".into(), &options)) else {
            panic!("room")
        };
        let (mut receipt, mut flush) = (pin!(receipt), Box::pin(ours.session.flush()));
        let session = ours.session.clone();
        let mut context = Context::from_waker(Waker::noop());
        assert!(flush.as_mut().poll(&mut context).is_pending() && receipt.as_mut().poll(&mut context).is_pending());
        _ = Pin::new(&mut ours.driver).poll(&mut context);
        assert!(matches!(receipt.as_mut().poll(&mut context), Poll::Ready(Ok(Fate::Expired))));
        assert!(flush.as_mut().poll(&mut context).is_ready());
        assert_eq!(session.status().unwrap().send.queued_messages, 0);
    }
}

/// Whoever aborts tells it again to a peer that goes on: an endpoint as long as it lives, a lone session for a while.
#[tokio::test]
async fn an_abort_that_was_lost_is_told_again() {
    for endpoints in [false, true] {
        let [mut ours, mut theirs] = pair(endpoints, LONG);
        ours.session.abort(7, "enough");
        assert!(!ours.turn() && ours.reason().is_some());
        assert_eq!(ours.wire.lose(), 1);
        theirs.turn();
        assert_eq!(theirs.reason(), None);
        theirs.session.try_send("are you there?".into(), ORDERED).unwrap();
        theirs.turn();
        assert!(!ours.turn(), "it answers");
        theirs.turn();
        assert_eq!(theirs.reason(), Some(CloseReason::PeerAborted { code: 7, text: "enough".into() }));
    }
}

#[tokio::test]
async fn the_driver_of_an_aborted_session_goes_on_for_the_linger_time() {
    let [mut at_once, _theirs] = pair(false, Duration::ZERO);
    at_once.session.abort(7, "enough");
    assert!(at_once.turn());

    let [ours, _theirs] = pair(false, Duration::from_millis(50));
    ours.session.abort(7, "enough");
    let started = ours.session.now();
    ours.driver.await.unwrap();
    assert!(ours.session.now() - started >= Duration::from_millis(50));

    // An orderly end needs none of it.
    let [mut ours, mut theirs] = pair(false, LONG);
    ours.session.close();
    let mut done = [false, false];
    for _ in 0..1000 {
        _ = (poll(ours.session.recv()), poll(theirs.session.recv()));
        done = [done[0] || ours.turn(), done[1] || theirs.turn()];
    }
    assert_eq!(done, [true, true]);
}
