//! Messages through a session of the adapters on tokio.

use mconn::adapter::window::Session;
use mconn::sliding_window::SendOptions;

use crate::load::Load;
use crate::transfer::Moment;

/// Sends the load, each message by a call of its own, and begins to close.
pub(super) async fn send(session: &Session, load: Load) {
    let message = load.message();
    for _ in 0..load.messages() {
        session.send(message.clone(), &SendOptions::ORDERED).await.expect("the session is open");
    }
    session.close();
}

/// Takes the load, each message by a call of its own, and says when the last one came. Begins to close.
pub(super) async fn receive(session: &Session, load: Load) -> Moment {
    let mut bytes = 0;
    while bytes < load.bytes() {
        bytes += session.recv().await.expect("a message").payload.len() as u64;
    }
    let end = Moment::now();
    session.close();
    end
}
