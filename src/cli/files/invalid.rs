//! Command lines that cannot be run, beyond those that the parser refuses.

/// An invalid command line: it ends with the same exit code as a flag that is not known.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct InvalidCommandLine(pub String);

/// Returns the error of an invalid command line.
pub fn invalid(message: &str) -> anyhow::Error {
    InvalidCommandLine(message.to_owned()).into()
}
