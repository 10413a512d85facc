//! Failpoints between the steps of a change, at which a test makes the program fail.
//!
//! They exist in builds with debug assertions only; in release builds [`reach`] does nothing. Each name appears once in
//! the source, and `tests/crash/failpoints.rs` fails for a point that no scenario reaches.

use std::io;

/// Passes the point, or fails once where a test has armed it.
///
/// # Errors
/// When it is armed to fail.
#[cfg(not(debug_assertions))]
#[inline]
pub const fn reach(_point: &'static str) -> io::Result<()> {
    Ok(())
}

#[cfg(not(debug_assertions))]
/// Does nothing in release builds.
pub const fn arm_from_environment() {}

#[cfg(debug_assertions)]
pub use armed::{arm_from_environment, reach};

#[cfg(debug_assertions)]
mod armed {
    use super::io;
    use std::path::{Path, PathBuf};
    use std::sync::{Mutex, PoisonError};
    use std::thread;
    use std::time::Duration;

    /// The variable with the folder in which tests arm points.
    const VARIABLE: &str = "VENNA_FAILPOINTS";
    /// The file that arms a point: its name and one of `error`, `panic`, `abort`. It is removed once the point is
    /// armed.
    const ORDER: &str = "order";
    /// The file that is created when the armed point is reached.
    const REACHED: &str = "reached";
    /// The interval between looks at the folder.
    const PERIOD: Duration = Duration::from_millis(2);

    #[derive(Clone, Debug)]
    struct Order {
        point: String,
        failure: String,
        folder: PathBuf,
    }

    static ARMED: Mutex<Option<Order>> = Mutex::new(None);

    /// Passes the point, or fails once where a test has armed it.
    ///
    /// # Errors
    /// When it is armed to fail.
    ///
    /// # Panics
    /// When it is armed to panic.
    #[expect(clippy::panic, reason = "it is what the test asked for")]
    pub fn reach(point: &'static str) -> io::Result<()> {
        let armed = ARMED.lock().unwrap_or_else(PoisonError::into_inner).take_if(|order| order.point == point);
        let Some(order) = armed else { return Ok(()) };
        std::fs::File::create(order.folder.join(REACHED))?;
        match order.failure.as_str() {
            "abort" => std::process::abort(),
            "panic" => panic!("the point {point} is armed"),
            _ => Err(io::Error::other(format!("the point {point} is armed"))),
        }
    }

    /// Starts watching the folder named in the environment, in which tests arm points.
    pub fn arm_from_environment() {
        if let Some(folder) = std::env::var_os(VARIABLE).map(PathBuf::from) {
            thread::spawn(move || watch(&folder));
        }
    }

    #[expect(clippy::disallowed_methods, reason = "a thread of its own waits")]
    fn watch(folder: &Path) {
        let order = folder.join(ORDER);
        loop {
            if let Ok(text) = std::fs::read_to_string(&order)
                && let Some((point, failure)) = text.trim().split_once(' ')
            {
                let armed = Order { point: point.to_owned(), failure: failure.to_owned(), folder: folder.to_owned() };
                *ARMED.lock().unwrap_or_else(PoisonError::into_inner) = Some(armed);
                drop(std::fs::remove_file(&order));
            }
            thread::sleep(PERIOD);
        }
    }
}
