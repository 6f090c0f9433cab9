//! The whole of a `build.rs`.

use std::env;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process;

use crate::document::Document;
use crate::error::Error;
use crate::generate::{Options, generate};

/// Generates code in a build script, into `operations.rs` in the folder that cargo names in
/// `OUT_DIR`.
///
/// # Example
///
/// ```no_run
/// // The body of `main` in build.rs.
/// identityx_codegen::Build::new("graphql").run();
/// ```
///
/// And in `src/main.rs` or `src/lib.rs`:
///
/// ```text
/// mod operations {
///     include!(concat!(env!("OUT_DIR"), "/operations.rs"));
/// }
/// ```
#[derive(Clone, Debug)]
#[must_use = "`run` writes the code"]
pub struct Build {
    operations: Vec<PathBuf>,
    schema: Option<PathBuf>,
    options: Options,
}

impl Build {
    /// With the operations of a file, or of all `.graphql` files below a folder.
    pub fn new(operations: impl Into<PathBuf>) -> Self {
        Self {
            operations: vec![operations.into()],
            schema: None,
            options: Options::new(),
        }
    }

    /// With the operations of another file or folder.
    pub fn operations(mut self, path: impl Into<PathBuf>) -> Self {
        self.operations.push(path.into());
        self
    }

    /// With the schema of this file, in SDL or as an introspection result, and not the one that this
    /// crate includes.
    pub fn schema(mut self, path: impl Into<PathBuf>) -> Self {
        self.schema = Some(path.into());
        self
    }

    /// With these options.
    pub fn options(mut self, options: Options) -> Self {
        self.options = options;
        self
    }

    /// Writes the code, and tells cargo to run the script again when the operations or the schema
    /// change.
    ///
    /// If that fails, the build fails: cargo prints the errors, each with file, line and column. A
    /// warning names each scalar that has no type in Rust.
    #[allow(
        clippy::print_stdout,
        reason = "cargo reads what a build script prints"
    )]
    #[allow(
        clippy::disallowed_methods,
        reason = "cargo says in the environment where to write"
    )]
    pub fn run(self) {
        let Some(out) = env::var_os("OUT_DIR") else {
            println!("cargo::error=`OUT_DIR` is not set: call this in a build.rs");
            process::exit(1)
        };
        let (lines, is_done) = self.write(Path::new(&out));
        for line in lines {
            println!("{line}");
        }
        if !is_done {
            process::exit(1)
        }
    }

    /// What cargo is told, and whether the code was written.
    fn write(&self, out: &Path) -> (Vec<String>, bool) {
        let watched = self.operations.iter().chain(&self.schema);
        let watched = watched.map(|path| format!("cargo::rerun-if-changed={}", path.display()));
        let mut lines: Vec<String> = watched.collect();
        match self.generate(&out.join("operations.rs")) {
            Ok(warnings) => {
                lines.extend(warnings.iter().map(|it| format!("cargo::warning={it}")));
                (lines, true)
            }
            Err(error) => {
                let report = error.report();
                lines.extend(report.lines().map(|line| format!("cargo::error={line}")));
                (lines, false)
            }
        }
    }

    fn generate(&self, out: &Path) -> Result<Vec<String>, Error> {
        let schema = match &self.schema {
            Some(path) => Document::read(path)?,
            None => Document::identityx_schema(),
        };
        let mut paths = Vec::new();
        for path in &self.operations {
            find(path, &mut paths)?;
        }
        paths.sort();
        let operations: Vec<_> = paths.iter().map(Document::read).collect::<Result<_, _>>()?;
        let generated = generate(&schema, &operations, &self.options)?;
        fs::write(out, generated.to_string()).map_err(Error::write(out))?;
        Ok(generated.warnings().to_vec())
    }
}

/// The file, or the `.graphql` files below the folder.
fn find(path: &Path, found: &mut Vec<PathBuf>) -> Result<(), Error> {
    if !path.is_dir() {
        found.push(path.to_owned());
        return Ok(());
    }
    for entry in fs::read_dir(path).map_err(Error::read(path))? {
        let path = entry.map_err(Error::read(path))?.path();
        if path.is_dir() || path.extension() == Some(OsStr::new("graphql")) {
            find(&path, found)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn built(operation: &str) -> (Vec<String>, bool, String) {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        fs::create_dir_all(root.join("graphql/more")).unwrap();
        fs::write(root.join("graphql/more/op.graphql"), operation).unwrap();
        fs::write(root.join("graphql/notes.txt"), "not GraphQL").unwrap();
        fs::write(
            root.join("schema.graphql"),
            "scalar Day type Query { day: Day }",
        )
        .unwrap();
        let build = Build::new(root.join("graphql")).schema(root.join("schema.graphql"));
        let (lines, is_done) = build.write(root);
        let code = fs::read_to_string(root.join("operations.rs")).unwrap_or_default();
        let root = root.display().to_string();
        (
            lines.iter().map(|line| line.replace(&root, "")).collect(),
            is_done,
            code,
        )
    }

    #[test]
    fn cargo_is_told_what_to_watch_and_warned_of_a_scalar_without_a_type() {
        let (lines, is_done, code) = built("query Day { day }");
        assert!(is_done && code.contains("pub mod day {"), "{code}");
        assert_eq!(
            lines[..2],
            [
                "cargo::rerun-if-changed=/graphql",
                "cargo::rerun-if-changed=/schema.graphql"
            ]
        );
        assert!(
            lines[2].starts_with("cargo::warning=the scalar `Day` has no type"),
            "{lines:?}"
        );
    }

    #[test]
    fn a_mistake_is_an_error_of_cargo_line_by_line() {
        let (lines, is_done, code) = built("query Day {\n  dya\n}");
        assert!(!is_done && code.is_empty());
        let errors: Vec<_> = lines
            .iter()
            .filter_map(|it| it.strip_prefix("cargo::error="))
            .collect();
        assert_eq!(
            errors.join("\n").trim(),
            "\
error: type `Query` does not have a field `dya`
 --> /graphql/more/op.graphql:2:3
  |
2 |   dya
  |   ^^^
  = help: fields of `Query` are `day`"
        );
        assert_eq!(lines.len(), errors.len() + 2, "{lines:?}");
    }

    #[test]
    fn a_folder_that_is_missing_is_named() {
        let out = tempfile::tempdir().unwrap();
        let (lines, is_done) = Build::new("no/such/folder").write(out.path());
        assert!(!is_done);
        assert!(
            lines[1].starts_with("cargo::error=error: cannot read no/such/folder: "),
            "{lines:?}"
        );
    }
}
