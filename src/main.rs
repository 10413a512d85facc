//! The program `venna`.

use std::process::ExitCode;

fn main() -> ExitCode {
    venna::failpoint::arm_from_environment();
    venna::cli::run()
}
