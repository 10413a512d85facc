//! The program `venna`.

use std::process::ExitCode;

fn main() -> ExitCode {
    venna::cli::run()
}
