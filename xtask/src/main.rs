//! All automation of this repository: `cargo xtask help` lists it.
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a program for a terminal: it prints"
)]

mod cargo;
mod codegen;
mod faults;
mod graph;
mod http;
mod msrv;
mod packages;
mod release;
mod schema;
mod soak;
mod test;
mod tidy;
mod tools;
mod weigh;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use lexopt::{Arg, Parser, ValueExt};

const USAGE: &str = "\
usage: cargo xtask <command>

  test                everything that must hold before a commit lands
    --list            name the steps and stop
    --only <step>     run this step alone; may be repeated
  tidy                the house rules on layout, words, dependencies and weight
  codegen             write the Rust of identityx-auth's GraphQL operations
    --check           only say whether what is there is up to date
  faults              every fault on every call of every vendor, as a table
  minimal             find the oldest versions that the manifests allow, for `test --only packages`
  release <command>   plan, prepare, check and publish crates; `release help` says more
  schema fetch <URL>  store what a GraphQL service says of its schema
    --out <file>      where (default schemas/identityx.introspection.json)
  schema diff         what has changed of the things that our operations use
    --against <what>  in this introspection result, SDL file or service (a URL)
  soak                the tests of fleets and of very many tokens at full size, with figures
  weigh               how many crates a user of each vendor crate compiles
    --build           also build iqm-auth and bare reqwest, cold, and compare the CPU time
    --runs <n>        with --build: build each n times and keep the least (default 1)
  help                this text
";

/// What the command line asks for.
#[derive(Debug, PartialEq)]
enum Task {
    Codegen { check: bool },
    Faults,
    Help,
    Minimal,
    Release(release::Task),
    SchemaDiff { against: String },
    SchemaFetch { url: String, out: Option<PathBuf> },
    Soak,
    Test { only: Vec<String>, list: bool },
    Tidy,
    Weigh { build: bool, runs: u32 },
}

fn main() -> ExitCode {
    let outcome = parse(Parser::from_env()).and_then(|task| match task {
        Task::Help => {
            print!("{USAGE}");
            Ok(())
        }
        Task::Codegen { check: false } => codegen::write(&cargo::root()),
        Task::Codegen { check: true } => codegen::check(&cargo::root()),
        Task::Faults => faults::run(&cargo::root()),
        Task::Minimal => packages::write(&cargo::root()),
        Task::Release(task) => release::run(&cargo::root(), task),
        Task::SchemaDiff { against } => schema::diff(&cargo::root(), &against),
        Task::SchemaFetch { url, out } => {
            let out = out.unwrap_or_else(|| cargo::root().join(schema::STORED));
            schema::fetch(&url, &out)
        }
        Task::Soak => soak::run(&cargo::root()),
        Task::Test { list: true, .. } => {
            test::list();
            Ok(())
        }
        Task::Test { only, .. } => test::run(&cargo::root(), &only),
        Task::Tidy => tidy::run(&cargo::root()),
        Task::Weigh { build, runs } => weigh::run(&cargo::root(), build.then_some(runs)),
    });
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("xtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn parse(mut args: Parser) -> Result<Task> {
    let mut task = match args.next()? {
        None => bail!("no command given\n\n{USAGE}"),
        Some(Arg::Short('h') | Arg::Long("help")) => Task::Help,
        Some(Arg::Value(name)) => match name.to_string_lossy().as_ref() {
            "codegen" => Task::Codegen { check: false },
            "faults" => Task::Faults,
            "help" => Task::Help,
            "minimal" => Task::Minimal,
            // It reads all that follows.
            "release" => Task::Release(release::parse(&mut args)?),
            "schema" => schema_task(&mut args)?,
            "soak" => Task::Soak,
            "test" => Task::Test {
                only: Vec::new(),
                list: false,
            },
            "tidy" => Task::Tidy,
            "weigh" => Task::Weigh {
                build: false,
                runs: 1,
            },
            other => bail!("there is no command `{other}`\n\n{USAGE}"),
        },
        Some(other) => bail!(
            "a command comes before any flag; {}\n\n{USAGE}",
            other.unexpected()
        ),
    };
    while let Some(arg) = args.next()? {
        match (&mut task, arg) {
            (_, Arg::Short('h') | Arg::Long("help")) => return Ok(Task::Help),
            (Task::Codegen { check }, Arg::Long("check")) => *check = true,
            (Task::SchemaDiff { against }, Arg::Long("against")) => {
                *against = args
                    .value()
                    .context("`--against` names a file or a URL")?
                    .string()?;
            }
            (Task::SchemaFetch { out, .. }, Arg::Long("out")) => {
                *out = Some(args.value().context("`--out` names a file")?.into());
            }
            (Task::SchemaFetch { url, .. }, Arg::Value(value)) if url.is_empty() => {
                *url = value.string()?;
            }
            (Task::Test { list, .. }, Arg::Long("list")) => *list = true,
            (Task::Test { only, .. }, Arg::Long("only")) => {
                let step = args.value().context("`--only` names a step")?.string()?;
                test::check_name(&step)?;
                only.push(step);
            }
            (Task::Weigh { build, .. }, Arg::Long("build")) => *build = true,
            (Task::Weigh { runs, .. }, Arg::Long("runs")) => {
                *runs = args.value().context("`--runs` is a number")?.parse()?;
                if *runs == 0 {
                    bail!("`--runs` is at least 1");
                }
            }
            (_, other) => bail!("{}\n\n{USAGE}", other.unexpected()),
        }
    }
    if matches!(task, Task::Weigh { build: false, runs } if runs != 1) {
        bail!("`--runs` says how often to build, and there is no `--build`\n\n{USAGE}");
    }
    match &task {
        Task::SchemaDiff { against } if against.is_empty() => {
            bail!("`schema diff` needs `--against <file or URL>`\n\n{USAGE}")
        }
        Task::SchemaFetch { url, .. } if url.is_empty() => {
            bail!("`schema fetch` needs a URL\n\n{USAGE}")
        }
        _ => Ok(task),
    }
}

fn schema_task(args: &mut Parser) -> Result<Task> {
    match args.next()? {
        Some(Arg::Value(name)) if name == "diff" => Ok(Task::SchemaDiff {
            against: String::new(),
        }),
        Some(Arg::Value(name)) if name == "fetch" => Ok(Task::SchemaFetch {
            url: String::new(),
            out: None,
        }),
        Some(Arg::Short('h') | Arg::Long("help")) => Ok(Task::Help),
        _ => bail!("`schema` is followed by `fetch` or `diff`\n\n{USAGE}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse_words(words: &[&str]) -> Result<Task> {
        parse(Parser::from_args(words))
    }

    fn refusal(words: &[&str]) -> String {
        parse_words(words).unwrap_err().to_string()
    }

    #[test]
    fn each_command_is_understood_with_its_flags() {
        assert_eq!(parse_words(&["help"]).unwrap(), Task::Help);
        assert_eq!(parse_words(&["tidy", "--help"]).unwrap(), Task::Help);
        assert_eq!(parse_words(&["tidy"]).unwrap(), Task::Tidy);
        assert_eq!(parse_words(&["faults"]).unwrap(), Task::Faults);
        assert_eq!(parse_words(&["minimal"]).unwrap(), Task::Minimal);
        assert_eq!(
            parse_words(&["release", "plan", "--json"]).unwrap(),
            Task::Release(release::Task::Plan { json: true })
        );
        assert_eq!(
            parse_words(&["test", "--only", "fmt", "--only=tidy"]).unwrap(),
            Task::Test {
                only: vec!["fmt".into(), "tidy".into()],
                list: false
            }
        );
        assert_eq!(
            parse_words(&["codegen", "--check"]).unwrap(),
            Task::Codegen { check: true }
        );
        assert_eq!(
            parse_words(&["schema", "diff", "--against", "a.json"]).unwrap(),
            Task::SchemaDiff {
                against: "a.json".into()
            }
        );
        assert_eq!(
            parse_words(&["schema", "fetch", "http://a", "--out", "b.json"]).unwrap(),
            Task::SchemaFetch {
                url: "http://a".into(),
                out: Some("b.json".into())
            }
        );
        assert_eq!(
            parse_words(&["weigh", "--build", "--runs", "3"]).unwrap(),
            Task::Weigh {
                build: true,
                runs: 3
            }
        );
    }

    #[test]
    fn what_does_not_exist_is_refused_with_what_does() {
        for words in [
            &["tset"][..],
            &[],
            &["--build"],
            &["tidy", "--build"],
            &["faults", "iqm"],
            &["test", "fmt"],
            &["schema"],
            &["schema", "fetch"],
            &["schema", "fetch", "http://a", "http://b"],
            &["schema", "diff"],
            &["schema", "diff", "a.json"],
            &["codegen", "--against", "a"],
        ] {
            let refusal = refusal(words);
            assert!(
                refusal.contains("usage: cargo xtask"),
                "{words:?}: {refusal}"
            );
        }
        assert!(refusal(&["tset"]).contains("`tset`"));
    }

    #[test]
    fn an_unknown_step_is_refused_with_the_steps_that_exist() {
        let refusal = refusal(&["test", "--only", "clipy"]);
        assert!(
            refusal.contains("`clipy`") && refusal.contains("clippy"),
            "{refusal}"
        );
    }

    #[test]
    fn runs_that_mean_nothing_are_refused() {
        assert!(refusal(&["weigh", "--build", "--runs", "0"]).contains("at least 1"));
        assert!(refusal(&["weigh", "--runs", "2"]).contains("--build"));
    }
}
