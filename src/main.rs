//! The program `venna`.

use std::process::ExitCode;

fn main() -> ExitCode {
    venna::failpoint::obey_environment();
    venna::cli::run()
}
