//! The completions of shells, and manual pages. Both are made from the command line itself.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, CommandFactory as _};

use crate::cli::Cli;
use crate::error::Failure;

/// The options of `authctl completions`.
#[derive(Debug, Args)]
pub(crate) struct CompletionsArgs {
    /// The shell that will read the output
    shell: clap_complete::Shell,
}

/// The options of `authctl man`.
#[derive(Debug, Args)]
pub(crate) struct ManArgs {
    /// Write the pages of all commands into this directory, and print nothing
    #[arg(long, value_name = "DIRECTORY")]
    directory: Option<PathBuf>,
}

/// Prints the completions.
pub(crate) fn completions(args: &CompletionsArgs) -> Result<ExitCode, Failure> {
    let mut text = Vec::new();
    let mut command = Cli::command();
    clap_complete::generate(args.shell, &mut command, "authctl", &mut text);
    print(&text)
}

/// Prints the manual page, or writes all of them.
pub(crate) fn man(args: &ManArgs) -> Result<ExitCode, Failure> {
    if let Some(directory) = &args.directory {
        let failed = |error| Failure::io("cannot write the manual pages", &error);
        std::fs::create_dir_all(directory).map_err(failed)?;
        clap_mangen::generate_to(Cli::command(), directory).map_err(failed)?;
        return Ok(ExitCode::SUCCESS);
    }
    let mut text = Vec::new();
    let page = clap_mangen::Man::new(Cli::command()).render(&mut text);
    page.map_err(|error| Failure::io("cannot write the manual page", &error))?;
    print(&text)
}

fn print(text: &[u8]) -> Result<ExitCode, Failure> {
    let mut out = std::io::stdout().lock();
    out.write_all(text)
        .and_then(|()| out.flush())
        .map_err(|error| Failure::io("cannot write the answer", &error))?;
    Ok(ExitCode::SUCCESS)
}
