//! The program `venna`.

use mimalloc::MiMalloc;
use std::process::ExitCode;

/// Much is allocated on one thread and freed on another: bodies, answers, rows.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    venna::failpoint::obey_environment();
    venna::cli::run()
}
