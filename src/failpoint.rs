//! Points between two steps of a change, at which a test can make the program fail.
//!
//! Only builds with debug assertions know them; in what is shipped [`reach`] is nothing. Each point stands once in the
//! source, and `tests/crash/failpoints.rs` finds it there: one that no scenario reaches fails that test.

use std::io;

/// Passes the point; where a test has armed it, fails instead, once.
///
/// # Errors
/// When it is armed to do so.
#[cfg(not(debug_assertions))]
#[inline]
pub const fn reach(_point: &'static str) -> io::Result<()> {
    Ok(())
}

#[cfg(not(debug_assertions))]
/// Does nothing: what is shipped cannot be armed.
pub const fn obey_environment() {}

#[cfg(debug_assertions)]
pub use armed::{obey_environment, reach};

#[cfg(debug_assertions)]
mod armed {
    use super::io;
    use std::path::{Path, PathBuf};
    use std::sync::{Mutex, PoisonError};
    use std::thread;
    use std::time::Duration;

    /// Names the folder in which a test arms points.
    const VARIABLE: &str = "VENNA_FAILPOINTS";
    /// The file that arms a point: its name and one of `error`, `panic`, `abort`. It is gone once the point is armed.
    const ORDER: &str = "order";
    /// The file that appears when the armed point is reached.
    const REACHED: &str = "reached";
    /// How often the folder is looked at.
    const PERIOD: Duration = Duration::from_millis(2);

    #[derive(Clone, Debug)]
    struct Order {
        point: String,
        failure: String,
        folder: PathBuf,
    }

    static ARMED: Mutex<Option<Order>> = Mutex::new(None);

    /// Passes the point; where a test has armed it, fails instead, once.
    ///
    /// # Errors
    /// When it is armed to do so.
    ///
    /// # Panics
    /// When it is armed to do so.
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

    /// Lets a test arm points while the program runs, if it named a folder for that.
    pub fn obey_environment() {
        if let Some(folder) = std::env::var_os(VARIABLE).map(PathBuf::from) {
            thread::spawn(move || obey(&folder));
        }
    }

    #[expect(clippy::disallowed_methods, reason = "a thread of its own waits")]
    fn obey(folder: &Path) {
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
