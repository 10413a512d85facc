//! The time limits of a connection: for the head of a request, for the next request, and for progress of an answer. A
//! request or answer that makes progress has no time limit.

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::time::{Instant, Sleep, sleep, sleep_until};

/// The time limits of a connection.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// The limit of the head of a request, from its first byte; of the first request, from the start of the connection.
    pub head: Duration,
    /// The limit of the wait for a further request.
    pub idle: Duration,
    /// The limit of the wait for an acknowledgement of sent bytes.
    pub stall: Duration,
}

/// The timer of the heads of a connection.
#[derive(Debug)]
pub struct HeadWait {
    patience: Patience,
    phase: Phase,
    /// The end of the time limit.
    end: Instant,
    /// The timer of `end`. It is created only when a read has to wait, since most heads arrive in one read.
    timer: Option<Pin<Box<Sleep>>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// A request is active, and no limit applies.
    Answering,
    /// No byte of the next request has arrived.
    Idle,
    /// A head has begun, or the first head is due.
    Head,
}

impl HeadWait {
    /// Starts the time limit of a new connection.
    pub fn new(patience: Patience) -> Self {
        Self { patience, phase: Phase::Head, end: Instant::now() + patience.head, timer: None }
    }

    /// Records an active or answered request.
    pub const fn answering(&mut self) {
        self.phase = Phase::Answering;
    }

    /// Records received bytes of a head.
    pub fn received(&mut self) {
        if self.phase != Phase::Head {
            (self.phase, self.end) = (Phase::Head, Instant::now() + self.patience.head);
        }
    }

    /// Polls the limit after a read that would block; ready once the limit is exceeded.
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

/// The timer of the progress of an answer.
#[derive(Debug)]
pub struct SendWait {
    stall: Duration,
    /// The unacknowledged bytes at the start of the wait, and the end of the time limit.
    waiting: Option<(u64, Pin<Box<Sleep>>)>,
}

impl SendWait {
    /// Creates the timer, without a wait.
    pub const fn new(patience: Patience) -> Self {
        Self { stall: patience.stall, waiting: None }
    }

    /// Records a successful write; returns whether it ends a wait.
    pub fn moved(&mut self) -> bool {
        self.waiting.take().is_some()
    }

    /// Returns whether a write is waiting.
    pub const fn is_waiting(&self) -> bool {
        self.waiting.is_some()
    }

    /// Polls the limit after a write that would block; ready once the client has acknowledged nothing for too long.
    /// Writability alone is no measure: a socket is writable only when a third of its buffer is free, which can be a
    /// megabyte or more.
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
    async fn a_new_connection_has_the_limit_of_a_head() {
        assert_eq!(waited(&mut HeadWait::new(PATIENCE)).await, 30);
        let mut dripping = HeadWait::new(PATIENCE);
        wait_for(&mut dripping, 20).await;
        dripping.received();
        assert_eq!(waited(&mut dripping).await, 10, "bytes do not begin it anew");
    }

    #[tokio::test(start_paused = true)]
    async fn an_idle_connection_has_a_longer_limit_and_each_head_the_same() {
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
    async fn any_acknowledged_byte_is_progress() {
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
    async fn an_unknown_send_queue_is_no_progress() {
        let begun = Instant::now();
        let mut wait = SendWait::new(PATIENCE);
        poll_fn(|context| wait.poll(context, || None)).await;
        assert_eq!(begun.elapsed().as_secs(), 60);
    }
}
