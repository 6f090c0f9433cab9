//! The command: reads operations and writes Rust, or checks it.
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a program for a terminal: it prints"
)]

use std::path::PathBuf;
use std::process::ExitCode;

use identityx_codegen::{Document, Error, Options, generate};
use lexopt::{Arg, Parser, ValueExt};

const USAGE: &str = "\
usage: identityx-codegen --operation <file>... --out <folder> [--check] [--schema <file>]

Writes <folder>/generated.rs and a module in <folder>/generated/ for each operation.

  --operation <file>...  GraphQL files with named operations; may be repeated
  --out <folder>         the folder of your sources, such as src/
  --check                write nothing, and fail if a file is not up to date
  --schema <file>        SDL, or an introspection result in JSON; by default the part of
                         IdentityX's schema that authentication needs
  --scalar <name>=<path> the Rust type of a scalar, such as Day=::chrono::NaiveDate
  --secret <name>        another field, argument or variable that holds a secret: pin, or Card.pin
  --runtime <path>       the path of identityx-auth in your code (default ::identityx_auth)
  --help                 print this text
  --version              print the version
";

#[derive(Debug)]
enum Task {
    Print(String),
    Generate(Job),
}

#[derive(Debug, Default)]
struct Job {
    operations: Vec<PathBuf>,
    schema: Option<PathBuf>,
    options: Options,
    out: PathBuf,
    check: bool,
}

fn main() -> ExitCode {
    let task = match parse(Parser::from_env()) {
        Ok(task) => task,
        Err(error) => {
            eprintln!("identityx-codegen: {error}\n\n{USAGE}");
            return ExitCode::from(2);
        }
    };
    match task {
        Task::Print(text) => print!("{text}"),
        Task::Generate(job) => {
            if let Err(error) = run(&job) {
                eprintln!("{}", error.report());
                if matches!(error, Error::OutOfDate(_)) {
                    eprintln!("to update the files, run the same command without `--check`");
                }
                return ExitCode::FAILURE;
            }
        }
    }
    ExitCode::SUCCESS
}

fn run(job: &Job) -> Result<(), Error> {
    let schema = match &job.schema {
        Some(path) => Document::read(path)?,
        None => Document::identityx_schema(),
    };
    let operations: Vec<_> = job
        .operations
        .iter()
        .map(Document::read)
        .collect::<Result<_, _>>()?;
    let generated = generate(&schema, &operations, &job.options)?;
    for warning in generated.warnings() {
        eprintln!("warning: {warning}");
    }
    let files = generated.files();
    if job.check {
        generated.check(&job.out)?;
        println!("{} files are up to date", files.len());
        return Ok(());
    }
    generated.write_to(&job.out)?;
    for (path, _) in files {
        println!("{}", job.out.join(path).display());
    }
    Ok(())
}

fn parse(mut args: Parser) -> Result<Task, lexopt::Error> {
    let mut job = Job::default();
    let mut out = None;
    while let Some(arg) = args.next()? {
        match arg {
            Arg::Short('h') | Arg::Long("help") => return Ok(Task::Print(USAGE.to_owned())),
            Arg::Short('V') | Arg::Long("version") => {
                let version = env!("CARGO_PKG_VERSION");
                return Ok(Task::Print(format!("identityx-codegen {version}\n")));
            }
            // A shell expands `--operation graphql/*.graphql` to several values.
            Arg::Long("operation") => job.operations.extend(args.values()?.map(PathBuf::from)),
            Arg::Long("schema") => job.schema = Some(args.value()?.into()),
            Arg::Long("runtime") => job.options = job.options.runtime(args.value()?.string()?),
            Arg::Long("secret") => job.options = job.options.secret(args.value()?.string()?),
            Arg::Long("scalar") => {
                let text = args.value()?.string()?;
                let (name, path) = text
                    .split_once('=')
                    .ok_or("`--scalar` wants <name>=<path>")?;
                job.options = job.options.scalar(name, path);
            }
            Arg::Long("check") => job.check = true,
            Arg::Long("out") => out = Some(PathBuf::from(args.value()?)),
            other => return Err(other.unexpected()),
        }
    }
    if job.operations.is_empty() {
        return Err("`--operation` is missing: name a GraphQL file".into());
    }
    job.out = out.ok_or("`--out` is missing: name the folder of your sources")?;
    Ok(Task::Generate(job))
}
