//! The `residuum` command.

use std::process::ExitCode;

fn main() -> ExitCode {
    residuum::cli::main()
}
