//! Downloads: content is asked for, received, and compared with its checksum.

mod content;
mod receiver;
mod run;
mod state;

pub use receiver::Sink;
pub use state::Download;
