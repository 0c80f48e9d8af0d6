//! Messages over a session, and ctrl-c.

use std::future::Future;
use std::time::Duration;

use bytes::Bytes;
use mconn::adapter::window::Session;
use mconn::sliding_window::SendOptions;
use tokio::signal::ctrl_c;
use tokio::time::timeout;

use super::failure::Failure;
use super::protocol::Message;

/// How long the other side may take to acknowledge the last word.
const LAST_WORD: Duration = Duration::from_secs(2);
/// The code of an abort. What it means is told in a message before it.
const FAILED: u64 = 1;

/// Does something until it is done or ctrl-c is pressed.
pub(crate) async fn or_ctrl_c<T>(work: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    tokio::select! {
        result = work => result,
        _ = ctrl_c() => Err(Failure::Interrupted),
    }
}

/// A conversation with the other program.
#[derive(Clone, Debug)]
pub(crate) struct Conversation {
    pub(crate) session: Session,
}

impl Conversation {
    pub(crate) const fn new(session: Session) -> Self {
        Self { session }
    }

    /// Sends a message as soon as there is room for it.
    pub(crate) async fn say(&self, message: &Message) -> Result<(), Failure> {
        self.send(message.encode()).await
    }

    /// Sends a message that is encoded already.
    pub(crate) async fn send(&self, message: Bytes) -> Result<(), Failure> {
        match self.session.send(message, &SendOptions::ORDERED).await {
            Ok(_) => Ok(()),
            Err(_) => Err(self.explain().await),
        }
    }

    /// The next message.
    pub(crate) async fn hear(&self) -> Result<Message, Failure> {
        match self.session.recv().await {
            None => Err(self.why().await),
            Some(message) => match Message::decode(message.payload)? {
                Message::Failed(text) => Err(Failure::Told(text)),
                message => Ok(message),
            },
        }
    }

    /// Why nothing can be sent any more: the other side may have said so before it went.
    async fn explain(&self) -> Failure {
        while let Some(message) = self.session.recv().await {
            if let Ok(Message::Failed(text)) = Message::decode(message.payload) {
                return Failure::Told(text);
            }
        }
        self.why().await
    }

    async fn why(&self) -> Failure {
        match timeout(LAST_WORD, self.session.closed()).await {
            Ok(closed) if !closed.is_orderly() => Failure::Closed { closed },
            _ => Failure::Finished,
        }
    }

    /// Does something with the other side until it is done, or ctrl-c is pressed; tells the other side of a failure.
    pub(crate) async fn run<T>(&self, work: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
        let result = or_ctrl_c(work).await;
        if let Some(text) = result.as_ref().err().and_then(Failure::to_tell) {
            _ = timeout(LAST_WORD, self.give_up(&text)).await;
        }
        result
    }

    async fn give_up(&self, text: &str) {
        if self.say(&Message::Failed(text.to_owned())).await.is_ok() {
            // An abort may be lost on its way; what was flushed has arrived.
            _ = self.session.flush().await;
        }
        self.session.abort(FAILED, text);
        self.session.closed().await;
    }

    /// Ends the session after both sides are content. What goes wrong here does no harm any more.
    pub(crate) async fn end(&self) {
        self.session.close();
        let rest = async {
            while self.session.recv().await.is_some() {}
            self.session.closed().await;
        };
        _ = timeout(LAST_WORD, rest).await;
    }
}
