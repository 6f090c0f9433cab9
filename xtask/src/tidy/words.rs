//! Rules: names that may stand in some places only, and words that may stand nowhere.

use super::Finding;
use super::source::{Source, word_at};
use super::tree::Tree;

pub(crate) fn no_glob_reexports(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for source in tree.sources() {
        let code = source.code.as_str();
        for (at, _) in code.match_indices("use ") {
            let line_start = code[..at].rfind('\n').map_or(0, |end| end + 1);
            let Some(visibility) = code[line_start..at].trim_start().strip_prefix("pub") else {
                continue;
            };
            // `pub use` and `pub(crate) use`, and not `pub fn f() { use …`.
            let visibility = visibility.trim();
            if !(visibility.is_empty()
                || (visibility.starts_with('(') && visibility.ends_with(')')))
            {
                continue;
            }
            let statement = code[at..].split(';').next().unwrap_or_default();
            if statement.contains('*') {
                findings.push(Finding::new(
                    &source.path,
                    source.line_at(at),
                    "a glob re-export",
                    "re-export item by item",
                ));
            }
        }
    }
    findings
}

pub(crate) fn reqwest_is_named_in_the_http_layer_only(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for source in tree.sources().filter(|source| source.is_product()) {
        if source.path == "crates/auth-core/src/http.rs"
            || source.path.starts_with("crates/auth-core/src/http/")
        {
            continue;
        }
        for (line, code) in source.product_lines() {
            if word_at(code, "reqwest").is_some() {
                findings.push(Finding::new(
                    &source.path,
                    line,
                    "reqwest outside auth-core's http layer",
                    "call the http layer, and let it wrap what is missing",
                ));
            }
        }
    }
    findings
}

/// The packages that may name `graphql_client`.
pub(crate) const GRAPHQL_USERS: [&str; 3] = ["identityx-auth", "identityx-codegen", "xtask"];

pub(crate) fn graphql_client_is_named_where_it_is_used_only(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for source in tree.sources() {
        let package = source.package().or_else(|| source.path.split('/').next());
        if package.is_some_and(|package| GRAPHQL_USERS.contains(&package)) {
            continue;
        }
        for (line, code) in source.code_lines() {
            if word_at(code, "graphql_client").is_some() {
                findings.push(Finding::new(
                    &source.path,
                    line,
                    "graphql_client outside IdentityX",
                    "keep GraphQL in identityx-auth",
                ));
            }
        }
    }
    findings
}

/// Macros that mark unfinished work, as code.
const UNFINISHED_CODE: [&str; 3] = ["todo!", "unimplemented!", "dbg!"];
/// Marks of unfinished work, in code and comments.
const UNFINISHED_PROSE: [&str; 3] = [
    concat!("TO", "DO"),
    concat!("FIX", "ME"),
    concat!("XX", "X"),
];

pub(crate) fn nothing_is_left_unfinished(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for source in tree.sources() {
        let mut look = |line, text, words: &[&str]| {
            for word in words {
                if word_at(text, word).is_some() {
                    findings.push(Finding::new(
                        &source.path,
                        line,
                        format!("`{word}`"),
                        "finish it, or open an issue and take the mark out",
                    ));
                }
            }
        };
        source
            .code_lines()
            .for_each(|(line, code)| look(line, code, &UNFINISHED_CODE));
        source
            .prose_lines()
            .for_each(|(line, prose)| look(line, prose, &UNFINISHED_PROSE));
    }
    findings
}

pub(crate) fn the_environment_is_read_at_the_edge(tree: &Tree) -> Vec<Finding> {
    let at_the_edge = |source: &Source| {
        source.package() == Some("auth-cli")
            || source.path.starts_with("examples/")
            || source.path.starts_with("xtask/")
            || source
                .path
                .split('/')
                .any(|part| part == "tests" || part == "tests.rs")
    };
    let mut findings = Vec::new();
    for source in tree.sources().filter(|source| !at_the_edge(source)) {
        for (line, code) in source.product_lines() {
            // Also finds `env::vars` and `env::var_os`.
            if code.contains("env::var") {
                findings.push(Finding::new(
                    &source.path,
                    line,
                    "an environment variable is read in a library",
                    "take the value as an argument; auth-cli and the examples may read it",
                ));
            }
        }
    }
    findings
}

pub(crate) fn no_unsafe_blocks(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for source in tree.sources() {
        for (line, code) in source.code_lines() {
            if word_at(code, "unsafe").is_some() {
                findings.push(Finding::new(
                    &source.path,
                    line,
                    "unsafe code",
                    "use a crate that wraps it safely",
                ));
            }
        }
    }
    findings
}

pub(crate) fn tests_do_not_sleep(tree: &Tree) -> Vec<Finding> {
    let is_test = |source: &&Source| source.path.split('/').nth(2) == Some("tests");
    let mut findings = Vec::new();
    for source in tree
        .sources()
        .filter(|source| source.package().is_some())
        .filter(is_test)
    {
        for (line, code) in source.code_lines() {
            if sleeps(code) {
                findings.push(Finding::new(
                    &source.path,
                    line,
                    "a test sleeps",
                    "move the sandbox's clock, or wait for the event itself",
                ));
            }
        }
    }
    findings
}

/// Whether the line calls or imports a sleep of the runtime or of the system. A method of that name
/// is a clock's, and tests may move that one.
fn sleeps(code: &str) -> bool {
    ["thread::sleep", "time::sleep", "time::sleep_until"]
        .iter()
        .any(|path| word_at(code, path).is_some())
        || ["sleep(", "sleep_until("].iter().any(|call| {
            word_at(code, call).is_some_and(|at| {
                let before = code[..at].trim_end();
                !before.ends_with(['.', ':']) && !before.ends_with("fn")
            })
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// No line; typed, since JSON's numbers compare with ours, too.
    const NOWHERE: [usize; 0] = [];

    fn check(rule: fn(&Tree) -> Vec<Finding>, path: &str, text: &str) -> Vec<usize> {
        rule(&Tree::of(&[(path, text)]))
            .into_iter()
            .map(|finding| finding.line)
            .collect()
    }

    const CODE: &str = "crates/iqm-auth/src/client.rs";
    const TEST: &str = "crates/iqm-auth/tests/it/session.rs";

    #[test]
    fn glob_reexports_are_found_on_one_line_and_on_several() {
        let rule = |text| check(no_glob_reexports, CODE, text);
        assert_eq!(
            rule("use super::*;\npub use a::{b, c};\nlet x = a * b;\n"),
            NOWHERE
        );
        assert_eq!(rule("pub fn f() {\n    use a::*;\n}\n"), NOWHERE);
        assert_eq!(rule("mod a;\npub use a::*;\n"), [2]);
        assert_eq!(rule("pub(crate) use a::*;\n"), [1]);
        assert_eq!(rule("pub use a::{\n    b::*,\n    c,\n};\n"), [1]);
    }

    #[test]
    fn reqwest_stands_in_the_http_layer_and_in_tests_only() {
        let rule = |path, text| check(reqwest_is_named_in_the_http_layer_only, path, text);
        let text = "//! Over reqwest.\nuse reqwest::Client;\n";
        for allowed in [
            "crates/auth-core/src/http.rs",
            "crates/auth-core/src/http/tls.rs",
            "crates/auth-core/benches/hot.rs",
            "examples/src/bin/quickstart.rs",
            TEST,
        ] {
            assert_eq!(rule(allowed, text), NOWHERE, "{allowed}");
        }
        assert_eq!(rule(CODE, text), [2]);
        assert_eq!(rule("crates/auth-core/src/http_date.rs", text), [2]);
        assert_eq!(
            rule(CODE, "//! Over reqwest.\nlet a = \"reqwest\";\n"),
            NOWHERE
        );
        assert_eq!(
            rule(
                CODE,
                "fn a() {}\n#[cfg(test)]\nmod tests {\n use reqwest;\n}\n"
            ),
            NOWHERE
        );
    }

    #[test]
    fn graphql_client_stands_in_identityx_only() {
        let rule = |path| {
            check(
                graphql_client_is_named_where_it_is_used_only,
                path,
                "use graphql_client;",
            )
        };
        assert_eq!(rule("crates/identityx-auth/src/wire.rs"), NOWHERE);
        assert_eq!(rule("xtask/src/codegen.rs"), NOWHERE);
        assert_eq!(rule(CODE), [1]);
        assert_eq!(rule("examples/src/bin/a.rs"), [1]);
    }

    #[test]
    fn marks_of_unfinished_work_are_found_in_code_and_in_comments() {
        let rule = |text: &str| check(nothing_is_left_unfinished, CODE, text);
        for word in UNFINISHED_CODE {
            assert_eq!(
                rule(&format!("fn a() {{\n    {word}(1)\n}}\n")),
                [2],
                "{word}"
            );
            assert_eq!(rule(&format!("// never write {word}\n")), NOWHERE, "{word}");
        }
        for word in UNFINISHED_PROSE {
            assert_eq!(
                rule(&format!("fn a() {{}}\n// {word}: later\n")),
                [2],
                "{word}"
            );
            assert_eq!(
                rule(&format!("let a = \"{word}\";\nlet b{word} = 1;\n")),
                NOWHERE,
                "{word}"
            );
        }
    }

    #[test]
    fn the_environment_is_read_by_programs_and_tests_only() {
        let rule = |path, text| check(the_environment_is_read_at_the_edge, path, text);
        let text = "let home = std::env::var(\"HOME\");\n";
        for allowed in [
            TEST,
            "crates/auth-cli/src/main.rs",
            "examples/src/bin/quickstart.rs",
            "xtask/src/main.rs",
        ] {
            assert_eq!(rule(allowed, text), NOWHERE, "{allowed}");
        }
        assert_eq!(rule(CODE, text), [1]);
        assert_eq!(rule(CODE, "for (k, v) in env::vars() {}\n"), [1]);
        assert_eq!(
            rule(CODE, "let v = env!(\"CARGO_PKG_VERSION\");\n"),
            NOWHERE
        );
    }

    #[test]
    fn unsafe_code_is_found_and_its_lint_is_not() {
        let rule = |text| check(no_unsafe_blocks, CODE, text);
        assert_eq!(rule("#![forbid(unsafe_code)]\n// unsafe code\n"), NOWHERE);
        assert_eq!(rule("fn a() {\n    unsafe { b() }\n}\n"), [2]);
        assert_eq!(rule("unsafe impl Send for A {}\n"), [1]);
    }

    #[test]
    fn tests_wait_for_events_and_move_clocks() {
        let rule = |text| check(tests_do_not_sleep, TEST, text);
        assert_eq!(
            rule("clock.sleep(day).await;\nfn sleep(a: u8) {}\nClock::sleep(&c);\n"),
            NOWHERE
        );
        assert_eq!(rule("// thread::sleep\nlet sleeper = 1;\n"), NOWHERE);
        assert_eq!(rule("std::thread::sleep(day);\n"), [1]);
        assert_eq!(rule("tokio::time::sleep(day).await;\n"), [1]);
        assert_eq!(rule("use tokio::time::{sleep};\nsleep(day).await;\n"), [2]);
        assert_eq!(
            check(tests_do_not_sleep, CODE, "std::thread::sleep(day);\n"),
            NOWHERE
        );
    }
}
