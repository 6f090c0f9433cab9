//! One call of cargo or of a tool, as it is run and as it is shown.

use std::fmt;
use std::path::Path;
use std::process::Stdio;

use anyhow::{Context, Result, bail};

use crate::cargo;
use crate::tools::pypi;

/// One call of cargo, or of a pinned tool.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Call {
    tool: Option<&'static str>,
    arguments: Vec<String>,
    variable: Option<(&'static str, &'static str)>,
}

impl Call {
    /// A call of cargo with these words.
    pub(crate) fn new(line: &str) -> Self {
        Self {
            tool: None,
            arguments: line.split_whitespace().map(str::to_owned).collect(),
            variable: None,
        }
    }

    /// A call of a tool that `tools.txt` pins.
    pub(crate) fn of(tool: &'static str, line: &str) -> Self {
        Self {
            tool: Some(tool),
            ..Self::new(line)
        }
    }

    /// The same call, with this variable in its environment.
    pub(crate) fn with(mut self, name: &'static str, value: &'static str) -> Self {
        self.variable = Some((name, value));
        self
    }
}

impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some((name, value)) = self.variable {
            write!(f, "{name}=\"{value}\" ")?;
        }
        f.write_str(self.tool.unwrap_or("cargo"))?;
        for word in &self.arguments {
            write!(f, " {word}")?;
        }
        Ok(())
    }
}

/// Runs them in order, until the first that fails.
pub(crate) fn run_calls(root: &Path, calls: &[Call]) -> Result<()> {
    for call in calls {
        let mut command = match call.tool {
            Some(tool) => cargo::program(&pypi::pinned(root, tool)?, root),
            None => cargo::command(root),
        };
        eprintln!("    {call}");
        let status = command
            .args(&call.arguments)
            .envs(call.variable)
            .stdin(Stdio::null())
            .status()
            .with_context(|| format!("cannot start {}", command.get_program().display()))?;
        if !status.success() {
            bail!("`{call}` ended with {status}");
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_prints_as_a_line_for_a_shell() {
        let docs = Call::new("doc --no-deps").with("RUSTDOCFLAGS", "-D warnings");
        assert_eq!(
            docs.to_string(),
            "RUSTDOCFLAGS=\"-D warnings\" cargo doc --no-deps"
        );
        assert_eq!(
            Call::of("cargo-deny", "check bans").to_string(),
            "cargo-deny check bans"
        );
        assert_eq!(Call::of("typos", "").to_string(), "typos");
    }

    #[test]
    fn a_failing_call_stops_the_step_and_is_named() {
        let calls = [Call::new("no-such-command-here"), Call::new("--version")];
        let error = run_calls(Path::new("."), &calls).unwrap_err();
        assert!(
            error.to_string().contains("cargo no-such-command-here"),
            "{error}"
        );
    }
}
