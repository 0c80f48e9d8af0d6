//! A real server for the groups over NATS.

use std::io::ErrorKind;
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

/// A server on a free port, which ends with this.
#[derive(Debug)]
pub struct NatsServer {
    child: Child,
    port: u16,
}

/// Debian's package puts it where only root looks.
const PLACES: [&str; 2] = ["nats-server", "/usr/sbin/nats-server"];

impl NatsServer {
    /// Starts one; none, and a word about it, on a machine without the program.
    ///
    /// # Panics
    /// The program is there and does not start.
    #[must_use]
    pub fn start() -> Option<Self> {
        // Somebody else may take the port before the server does; then another one is tried.
        for _ in 0..10 {
            let free = TcpListener::bind("127.0.0.1:0").expect("loopback TCP").local_addr().expect("an address").port();
            let Some(child) = spawn(free) else {
                eprintln!("no nats-server program (Debian package nats-server): its rows are skipped");
                return None;
            };
            let mut server = Self { child, port: free };
            if server.is_up() {
                return Some(server);
            }
        }
        panic!("nats-server does not start");
    }

    /// Where it is.
    #[must_use]
    pub fn url(&self) -> String {
        format!("nats://127.0.0.1:{}", self.port)
    }

    fn is_up(&mut self) -> bool {
        for _ in 0..500 {
            if TcpStream::connect(("127.0.0.1", self.port)).is_ok() {
                return true;
            }
            if self.child.try_wait().is_ok_and(|ended| ended.is_some()) {
                return false;
            }
            thread::sleep(Duration::from_millis(20));
        }
        false
    }
}

fn spawn(port: u16) -> Option<Child> {
    PLACES.iter().find_map(|program| {
        let mut command = Command::new(program);
        command.args(["--addr", "127.0.0.1", "--port", &port.to_string()]);
        match command.stdout(Stdio::null()).stderr(Stdio::null()).spawn() {
            Err(error) if error.kind() == ErrorKind::NotFound => None,
            started => Some(started.expect("nats-server starts")),
        }
    })
}

impl Drop for NatsServer {
    fn drop(&mut self) {
        let _ended = self.child.kill();
        let _status = self.child.wait();
    }
}
