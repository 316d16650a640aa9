//! The program: everything is in the library's `cli`.

use std::process::ExitCode;

/// An exchange makes a few hundred small allocations, on one thread and freed on another.
/// Without huge pages: with them an idle masker takes twice the memory, and is no faster.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    masker::cli::run(std::env::args_os(), &|name| std::env::var(name).ok())
}
