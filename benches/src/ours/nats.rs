//! Sessions of `adapter::nats` over a real server.

use std::rc::Rc;
use std::sync::Barrier;
use std::sync::mpsc::channel;
use std::thread;

use async_nats::ConnectOptions;
use mconn::adapter::nats::{Inbox, Link};
use mconn::sliding_window::SlidingWindow;

use super::window_messages::{receive, send};
use crate::load::Load;
use crate::peers::async_peer::runtime;
use crate::peers::nats_server::NatsServer;
use crate::transfer::{Carrier, Moment, Transfer};

/// The name in the table.
pub const NAME: &str = "mconn";

/// A session between two clients of the server.
#[derive(Debug)]
pub struct Nats {
    server: Rc<NatsServer>,
    size: usize,
}

impl Nats {
    /// Each end a client of its own, and a runtime of one thread.
    #[must_use]
    pub fn boxed(server: &Rc<NatsServer>, size: usize) -> Box<dyn Carrier> {
        Box::new(Self { server: Rc::clone(server), size })
    }
}

async fn link(url: &str) -> Link {
    Link::connect(url, ConnectOptions::new()).await.expect("a server")
}

impl Carrier for Nats {
    fn name(&self) -> &'static str {
        NAME
    }

    fn run(&mut self, messages: u64) -> Transfer {
        let load = Load::new(self.size, 1, messages);
        let url = &self.server.url();
        let (listens, ready) = channel();
        let barrier = &Barrier::new(2);
        thread::scope(|scope| {
            let receiver = scope.spawn(move || {
                runtime().block_on(async {
                    let link = link(url).await;
                    let config = link.config().expect("random numbers");
                    let (session, _, driver) =
                        link.session(Inbox::new("bob"), config, SlidingWindow::listen).await.expect("a subscription");
                    let driver = tokio::spawn(driver);
                    listens.send(()).expect("the sender waits for it");
                    session.connected().await.expect("a session");
                    barrier.wait();
                    let end = receive(&session, load).await;
                    drop(session);
                    driver.await.expect("a driver").expect("a transport");
                    end
                })
            });
            let begin = runtime().block_on(async {
                let link = link(url).await;
                let config = link.config().expect("random numbers");
                let inbox = Inbox::new("alice").peer("bob");
                ready.recv().expect("a receiver");
                let (session, _, driver) =
                    link.session(inbox, config, SlidingWindow::connect).await.expect("a subscription");
                let driver = tokio::spawn(driver);
                session.connected().await.expect("a session");
                barrier.wait();
                let begin = Moment::now();
                send(&session, load).await;
                drop(session);
                driver.await.expect("a driver").expect("a transport");
                begin
            });
            begin.until(receiver.join().expect("the receiving thread"), load)
        })
    }
}
