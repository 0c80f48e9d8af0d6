//! The limit of everything over NATS: each message published by itself, and nobody who looks whether it arrived.

use std::rc::Rc;
use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use futures::StreamExt;

use crate::load::Load;
use crate::peers::async_peer::runtime;
use crate::peers::nats_server::NatsServer;
use crate::transfer::{Carrier, Moment, Transfer};

/// The name in the table.
pub const NAME: &str = "raw NATS";

const SUBJECT: &str = "raw";
/// When nothing came for so long after the last was published, nothing comes any more.
const PATIENCE: Duration = Duration::from_millis(500);

/// A client that publishes and one that subscribes.
#[derive(Debug)]
pub struct RawNats {
    server: Rc<NatsServer>,
    size: usize,
}

impl RawNats {
    /// Messages of `size` bytes.
    #[must_use]
    pub fn boxed(server: &Rc<NatsServer>, size: usize) -> Box<dyn Carrier> {
        Box::new(Self { server: Rc::clone(server), size })
    }
}

impl Carrier for RawNats {
    fn name(&self) -> &'static str {
        NAME
    }

    fn run(&mut self, messages: u64) -> Transfer {
        let load = Load::new(self.size, 1, messages);
        let url = &self.server.url();
        let (barrier, sent) = (&Barrier::new(2), &AtomicBool::new(false));
        thread::scope(|scope| {
            let receiver = scope.spawn(move || runtime().block_on(receive(url, load, barrier, sent)));
            let begin = runtime().block_on(async {
                let client = async_nats::connect(url).await.expect("a server");
                barrier.wait();
                let begin = Moment::now();
                let message = load.message();
                for _ in 0..load.messages() {
                    client.publish(SUBJECT, message.clone()).await.expect("a connection");
                }
                client.flush().await.expect("a connection");
                sent.store(true, Ordering::Release);
                begin
            });
            let (arrived, end) = receiver.join().expect("the receiving thread");
            Transfer { arrived: arrived as f64, ..begin.until(end, load) }
        })
    }
}

/// How many messages came, and when the last of them did.
#[allow(clippy::disallowed_methods, reason = "transfers are measured by the clock on the wall")]
async fn receive(url: &str, load: Load, barrier: &Barrier, sent: &AtomicBool) -> (u64, Moment) {
    let client = async_nats::connect(url).await.expect("a server");
    let mut subscriber = client.subscribe(SUBJECT).await.expect("a subscription");
    client.flush().await.expect("a connection");
    barrier.wait();
    let mut arrived = 0;
    let mut last = Instant::now();
    while arrived < load.messages() {
        let over = sent.load(Ordering::Acquire);
        match tokio::time::timeout(PATIENCE, subscriber.next()).await {
            Ok(Some(_message)) => (arrived, last) = (arrived + 1, Instant::now()),
            Ok(None) => break,
            Err(_) if over => break,
            Err(_) => {}
        }
    }
    // To wait costs no CPU time.
    (arrived, Moment { wall: last, ..Moment::now() })
}
