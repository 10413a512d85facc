//! The least severe level that is logged, which a reload changes.
//!
//! The reload layer of `tracing-subscriber` takes a lock for every event. Here a change rebuilds the cache of call
//! sites instead, so that events cost what they cost at a fixed level.

use crate::config::LogLevel;
use std::sync::atomic::{AtomicU8, Ordering};
use tracing::level_filters::LevelFilter;
use tracing::subscriber::Interest;
use tracing::{Metadata, Subscriber};
use tracing_core::callsite;
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;

/// The level of the process. A process has one log.
static LEVEL: AtomicU8 = AtomicU8::new(INFO);

const ERROR: u8 = 0;
const WARN: u8 = 1;
const INFO: u8 = 2;
const DEBUG: u8 = 3;

/// The level of the log.
#[derive(Clone, Copy, Debug)]
pub struct LiveLevel(&'static AtomicU8);

impl LiveLevel {
    /// Sets the level of the process.
    pub fn new(level: LogLevel) -> Self {
        LEVEL.store(number(level), Ordering::Relaxed);
        Self(&LEVEL)
    }

    /// Changes the level of the process.
    pub fn set(self, level: LogLevel) {
        if self.0.swap(number(level), Ordering::Relaxed) != number(level) {
            callsite::rebuild_interest_cache();
        }
    }

    fn filter(self) -> LevelFilter {
        match self.0.load(Ordering::Relaxed) {
            ERROR => LevelFilter::ERROR,
            WARN => LevelFilter::WARN,
            DEBUG => LevelFilter::DEBUG,
            _ => LevelFilter::INFO,
        }
    }

    fn interest(self, metadata: &Metadata<'_>) -> Interest {
        if *metadata.level() <= self.filter() { Interest::always() } else { Interest::never() }
    }
}

const fn number(level: LogLevel) -> u8 {
    match level {
        LogLevel::Error => ERROR,
        LogLevel::Warn => WARN,
        LogLevel::Info => INFO,
        LogLevel::Debug => DEBUG,
    }
}

impl<S: Subscriber> Layer<S> for LiveLevel {
    fn register_callsite(&self, metadata: &'static Metadata<'static>) -> Interest {
        self.interest(metadata)
    }

    fn enabled(&self, metadata: &Metadata<'_>, _: Context<'_, S>) -> bool {
        *metadata.level() <= self.filter()
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(self.filter())
    }
}
