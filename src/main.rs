//! The program: everything is in the library's `cli`.

use std::process::ExitCode;

fn main() -> ExitCode {
    masker::cli::run(std::env::args_os(), &|name| std::env::var(name).ok())
}
