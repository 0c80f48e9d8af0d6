//! The example that drives the machine by hand does what it says.

#[path = "../examples/by_hand.rs"]
#[allow(dead_code, unreachable_pub)]
mod by_hand;

use bytes::Bytes;
use mconn::connection::CloseReason;

#[test]
fn every_message_comes_back() {
    // Together more than the buffers of the socket, and more than the inbox takes at once.
    let messages: Vec<_> = (0..5_000_usize).map(|number| Bytes::from(vec![number as u8; number % 4_000])).collect();
    let (received, reason) = by_hand::run(messages.clone()).unwrap();
    assert!(received == messages);
    assert_eq!(reason, CloseReason::Flushed);
}

#[test]
fn it_has_at_most_sixty_lines_of_code() {
    let code = include_str!("../examples/by_hand.rs").lines().map(str::trim);
    assert!(code.filter(|line| !line.is_empty() && !line.starts_with("//")).count() <= 60);
}
