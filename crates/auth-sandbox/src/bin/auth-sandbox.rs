//! The sandbox as a program.

use std::process::ExitCode;

fn main() -> ExitCode {
    auth_sandbox::server::main()
}
