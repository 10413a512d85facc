//! How long a connection is waited for: for the head of a request, for the next request, and for a client to take something of
//! an answer. There is no limit on a whole request or answer that moves.

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::time::{Instant, Sleep, sleep, sleep_until};

/// How long a connection is waited for.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// For the head of a request, from its first byte on; for that of the first request, from the connection on.
    pub head: Duration,
    /// For the first byte of a further request.
    pub idle: Duration,
    /// For a client to acknowledge a byte of what was sent to it.
    pub stall: Duration,
}

/// Waits for the heads of the requests of one connection.
#[derive(Debug)]
pub struct HeadWait {
    patience: Patience,
    phase: Phase,
    /// When the wait ends.
    end: Instant,
    /// Set to `end` only when there is something to wait for: most heads come at once.
    timer: Option<Pin<Box<Sleep>>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// A request is being answered: nothing is waited for here.
    Answering,
    /// Nothing of the next request has come.
    Idle,
    /// A head is awaited.
    Head,
}

impl HeadWait {
    /// The wait of a connection that was just opened.
    pub fn new(patience: Patience) -> Self {
        Self { patience, phase: Phase::Head, end: Instant::now() + patience.head, timer: None }
    }

    /// Notes that a request is being answered, or was.
    pub const fn answering(&mut self) {
        self.phase = Phase::Answering;
    }

    /// Notes that bytes of a head came.
    pub fn received(&mut self) {
        if self.phase != Phase::Head {
            (self.phase, self.end) = (Phase::Head, Instant::now() + self.patience.head);
        }
    }

    /// Nothing is there to be read; ready once that was so for too long.
    pub fn poll(&mut self, context: &mut Context<'_>) -> Poll<()> {
        if self.phase == Phase::Answering {
            (self.phase, self.end) = (Phase::Idle, Instant::now() + self.patience.idle);
        }
        let timer = self.timer.get_or_insert_with(|| Box::pin(sleep_until(self.end)));
        if timer.deadline() != self.end {
            timer.as_mut().reset(self.end);
        }
        timer.as_mut().poll(context)
    }
}

/// Waits for a client to take something of an answer.
#[derive(Debug)]
pub struct SendWait {
    stall: Duration,
    /// The bytes that were not acknowledged when the wait began, and its end.
    waiting: Option<(u64, Pin<Box<Sleep>>)>,
}

impl SendWait {
    /// Nothing is waited for.
    pub const fn new(patience: Patience) -> Self {
        Self { stall: patience.stall, waiting: None }
    }

    /// Notes that there was room for more; returns whether it was waited for.
    pub fn moved(&mut self) -> bool {
        self.waiting.take().is_some()
    }

    /// Returns whether the client is waited for.
    pub const fn is_waiting(&self) -> bool {
        self.waiting.is_some()
    }

    /// There is no room for more; ready once the client has acknowledged nothing for too long. Room alone says little: a
    /// socket has some only when a third of its buffer is free, which is a megabyte and more.
    pub fn poll(&mut self, context: &mut Context<'_>, unacknowledged_bytes: impl Fn() -> Option<u64>) -> Poll<()> {
        let now = || unacknowledged_bytes().unwrap_or(u64::MAX);
        let stall = self.stall;
        let (before, end) = self.waiting.get_or_insert_with(|| (now(), Box::pin(sleep(stall))));
        loop {
            ready!(end.as_mut().poll(context));
            let left = now();
            if left >= *before {
                return Poll::Ready(());
            }
            *before = left;
            end.as_mut().reset(Instant::now() + stall);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;
    use std::future::poll_fn;

    const PATIENCE: Patience =
        Patience { head: Duration::from_secs(30), idle: Duration::from_mins(10), stall: Duration::from_mins(1) };

    async fn waited(wait: &mut HeadWait) -> u64 {
        let begun = Instant::now();
        poll_fn(|context| wait.poll(context)).await;
        begun.elapsed().as_secs()
    }

    async fn wait_for(wait: &mut HeadWait, seconds: u64) {
        let wait = poll_fn(|context| wait.poll(context));
        tokio::time::timeout(Duration::from_secs(seconds), wait).await.unwrap_err();
    }

    #[tokio::test(start_paused = true)]
    async fn a_new_connection_has_the_time_of_a_head() {
        assert_eq!(waited(&mut HeadWait::new(PATIENCE)).await, 30);
        let mut dripping = HeadWait::new(PATIENCE);
        wait_for(&mut dripping, 20).await;
        dripping.received();
        assert_eq!(waited(&mut dripping).await, 10, "bytes do not begin it anew");
    }

    #[tokio::test(start_paused = true)]
    async fn an_idle_connection_has_more_and_its_next_head_as_much_as_any() {
        let mut wait = HeadWait::new(PATIENCE);
        for _ in 0..2 {
            wait.received();
            wait.answering();
            wait_for(&mut wait, 599).await;
        }
        wait.received();
        wait_for(&mut wait, 29).await;
        wait.received();
        assert_eq!(waited(&mut wait).await, 1);
        wait.answering();
        assert_eq!(waited(&mut wait).await, 600);
    }

    #[tokio::test(start_paused = true)]
    async fn whatever_is_acknowledged_is_progress() {
        let (left, mut wait) = (Cell::new(1000_u64), SendWait::new(PATIENCE));
        let begun = Instant::now();
        for _ in 0..5 {
            let stalled = poll_fn(|context| wait.poll(context, || Some(left.get())));
            tokio::time::timeout(Duration::from_secs(50), stalled).await.unwrap_err();
            left.set(left.get() - 1);
        }
        poll_fn(|context| wait.poll(context, || Some(left.get()))).await;
        let seconds = begun.elapsed().as_secs();
        assert!((310..=370).contains(&seconds), "60 s at least after the last byte, at 250 s: {seconds}");
    }

    #[tokio::test(start_paused = true)]
    async fn what_cannot_be_known_is_no_progress() {
        let begun = Instant::now();
        let mut wait = SendWait::new(PATIENCE);
        poll_fn(|context| wait.poll(context, || None)).await;
        assert_eq!(begun.elapsed().as_secs(), 60);
    }
}
