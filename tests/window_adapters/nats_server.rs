//! A real server for a test.

use core::time::Duration;
use std::process::{Child, Command, Stdio};
use std::{io, net};

/// A server on a free port, which ends with this.
pub(crate) struct Server {
    child: Child,
    port: u16,
}

/// Debian's package puts it where only root looks.
const PLACES: [&str; 2] = ["nats-server", "/usr/sbin/nats-server"];

impl Server {
    /// Starts one; `None`, and a word about it, when this machine has none.
    pub(crate) async fn start() -> Option<Self> {
        // Somebody else may take the port before the server does; then another one is tried.
        for _ in 0..10 {
            let free = net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
            let Some(child) = spawn(free) else {
                eprintln!("skipped: this machine has no nats-server (Debian package nats-server)");
                return None;
            };
            let mut server = Self { child, port: free };
            if server.is_up().await {
                return Some(server);
            }
        }
        panic!("the server does not start");
    }

    pub(crate) fn url(&self) -> String {
        format!("nats://127.0.0.1:{}", self.port)
    }

    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// On the same port again.
    pub(crate) async fn start_again(&mut self) {
        self.child = spawn(self.port).unwrap();
        assert!(self.is_up().await);
    }

    async fn is_up(&mut self) -> bool {
        for _ in 0..500 {
            if tokio::net::TcpStream::connect(("127.0.0.1", self.port)).await.is_ok() {
                return true;
            }
            if self.child.try_wait().unwrap().is_some() {
                return false;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        false
    }
}

fn spawn(port: u16) -> Option<Child> {
    PLACES.iter().find_map(|program| {
        let mut command = Command::new(program);
        command.args(["--addr", "127.0.0.1", "--port", &port.to_string()]);
        match command.stdout(Stdio::null()).stderr(Stdio::null()).spawn() {
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            started => Some(started.unwrap()),
        }
    })
}

impl Drop for Server {
    fn drop(&mut self) {
        _ = self.child.kill();
        _ = self.child.wait();
    }
}
