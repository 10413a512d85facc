//! Formats an error and its sources as one line.

use std::error::Error;
use std::fmt;

/// An error, displayed with its sources, outermost first.
#[derive(Clone, Copy, Debug)]
pub struct ErrorChain<'a>(pub &'a (dyn Error + 'static));

impl fmt::Display for ErrorChain<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}", self.0)?;
        let mut next = self.0.source();
        while let Some(cause) = next {
            write!(out, ": {cause}")?;
            next = cause.source();
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("the store failed")]
    struct Outer(#[source] std::io::Error);

    #[test]
    fn every_cause_is_there() {
        let error = Outer(std::io::Error::other("no such disk"));
        assert_eq!(ErrorChain(&error).to_string(), "the store failed: no such disk");
    }
}
