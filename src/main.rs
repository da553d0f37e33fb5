//! The binary: everything is in the library.

use std::process::ExitCode;

// What it gains is in docs/performance.md.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    onhook::cli::main()
}
