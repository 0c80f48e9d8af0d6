//! KCP in its fast mode: no delay, immediate resend, no congestion window.

use std::cell::RefCell;
use std::io::{self, Write};
use std::rc::Rc;

use kcp::Kcp;

use super::{MTU, Pipe, WINDOW};
use crate::contender::{Contender, InMemory};

/// The name in the table.
pub const NAME: &str = "kcp";

const INTERVAL_MS: u32 = 10;
const CONVERSATION: u32 = 0x1122_3344;

#[derive(Clone, Debug, Default)]
struct Output(Rc<RefCell<Pipe>>);

impl Write for Output {
    fn write(&mut self, datagram: &[u8]) -> io::Result<usize> {
        self.0.borrow_mut().push(datagram);
        Ok(datagram.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn end(output: &Output) -> Kcp<Output> {
    let mut kcp = Kcp::new(CONVERSATION, output.clone());
    kcp.set_mtu(MTU).expect("an MTU that KCP takes");
    kcp.set_nodelay(true, INTERVAL_MS as i32, 2, true);
    kcp.set_wndsize(WINDOW, WINDOW);
    kcp
}

/// Messages of `size` bytes.
#[must_use]
pub fn boxed(size: usize) -> Box<dyn Contender> {
    let (there, back) = (Output::default(), Output::default());
    let (mut sender, mut receiver) = (end(&there), end(&back));
    let message = vec![0x5a; size];
    let mut into = vec![0; size];
    let mut now = 0_u32;
    InMemory::boxed(NAME, move |operations| {
        let (mut sent, mut received) = (0, 0);
        while received < operations {
            while sent < operations && sender.wait_snd() < usize::from(WINDOW) {
                sender.send(&message).expect("KCP takes a message");
                sent += 1;
            }
            now += INTERVAL_MS;
            sender.update(now).expect("KCP goes on");
            sender.flush().expect("KCP sends");
            there.0.borrow_mut().deliver(|datagram| {
                receiver.input(datagram).expect("a datagram of KCP");
            });
            while let Ok(length) = receiver.recv(&mut into) {
                assert_eq!(length, size);
                received += 1;
            }
            receiver.update(now).expect("KCP goes on");
            receiver.flush().expect("KCP acknowledges");
            back.0.borrow_mut().deliver(|datagram| {
                sender.input(datagram).expect("a datagram of KCP");
            });
        }
    })
}
