//! Joined in a process.

use mconn::adapter::memory::{self, Link};
use mconn::adapter::window::fresh_config;
use mconn::sliding_window::Config;

use crate::cases::{Pair, all_cases};

async fn joined(link: Link, change: impl Fn(&mut Config)) -> Pair {
    let config = || {
        let mut config = fresh_config().unwrap();
        change(&mut config);
        config
    };
    let ((ours, driver), (theirs, their_driver)) = memory::join(link, config(), config()).unwrap();
    tokio::spawn(driver);
    tokio::spawn(their_driver);
    ours.connected().await.unwrap();
    Pair::new(ours, theirs)
}

async fn pair(change: impl Fn(&mut Config)) -> Option<Pair> {
    Some(joined(Link::default(), change).await)
}

mod lossless {
    use super::*;
    all_cases!(pair);
}

async fn lossy_pair(change: impl Fn(&mut Config)) -> Option<Pair> {
    Some(joined(Link::default().losing(50_000, 3), change).await)
}

mod lossy {
    use super::*;
    all_cases!(lossy_pair);
}
