//! A Rust file with its comments and strings told from its code, by rustc's own lexer.

use ra_ap_rustc_lexer::{FrontmatterAllowed, LiteralKind, TokenKind, strip_shebang, tokenize};

/// One Rust file. `code` and `prose` have the lines and columns of the file itself.
pub(crate) struct Source {
    pub(crate) path: String,
    pub(crate) text: String,
    /// Without comments and without what strings say.
    pub(crate) code: String,
    /// With comments, and without what strings say.
    pub(crate) prose: String,
}

impl Source {
    pub(crate) fn new(path: &str, text: &str) -> Self {
        let mut code = String::with_capacity(text.len());
        let mut prose = String::with_capacity(text.len());
        let start = strip_shebang(text).unwrap_or(0);
        code.push_str(&blank(&text[..start]));
        prose.push_str(&blank(&text[..start]));
        let mut at = start;
        for token in tokenize(&text[start..], FrontmatterAllowed::No) {
            let word = &text[at..at + token.len as usize];
            at += word.len();
            match token.kind {
                TokenKind::LineComment { .. } | TokenKind::BlockComment { .. } => {
                    code.push_str(&blank(word));
                    prose.push_str(word);
                }
                TokenKind::Literal { kind, .. } if is_text(kind) => {
                    code.push_str(&blank(word));
                    prose.push_str(&blank(word));
                }
                _ => {
                    code.push_str(word);
                    prose.push_str(word);
                }
            }
        }
        Self {
            path: path.to_owned(),
            text: text.to_owned(),
            code,
            prose,
        }
    }

    /// Whether a tool wrote it.
    pub(crate) fn is_generated(&self) -> bool {
        self.path.contains("/generated/")
            || self.path.ends_with("/generated.rs")
            || self.text.starts_with("// @generated")
    }

    /// Whether all of it is for tests, benchmarks or examples.
    pub(crate) fn is_for_tests(&self) -> bool {
        let mut parts = self.path.split('/');
        parts.any(|part| matches!(part, "tests" | "benches" | "examples" | "tests.rs"))
    }

    /// The folder right below `crates/` that holds it.
    pub(crate) fn package(&self) -> Option<&str> {
        self.path.strip_prefix("crates/")?.split('/').next()
    }

    /// Whether it is part of a crate's library or program.
    pub(crate) fn is_product(&self) -> bool {
        self.path.split('/').nth(2) == Some("src")
            && self.package().is_some()
            && !self.is_for_tests()
    }

    /// The number of lines before the unit tests at the bottom.
    pub(crate) fn lines_without_tests(&self) -> usize {
        let lines: Vec<_> = self.code.lines().map(str::trim).collect();
        let tests = (0..lines.len()).find(|&index| {
            lines[index] == "#[cfg(test)]"
                && lines[index + 1..]
                    .iter()
                    .find(|line| !(line.is_empty() || line.starts_with("#[")))
                    .is_some_and(|line| line.starts_with("mod tests"))
        });
        tests.unwrap_or(lines.len())
    }

    /// The code lines with their numbers.
    pub(crate) fn code_lines(&self) -> impl Iterator<Item = (usize, &str)> {
        numbered(&self.code)
    }

    /// The code lines before the unit tests at the bottom, with their numbers.
    pub(crate) fn product_lines(&self) -> impl Iterator<Item = (usize, &str)> {
        self.code_lines().take(self.lines_without_tests())
    }

    /// The lines of code and comments, with their numbers.
    pub(crate) fn prose_lines(&self) -> impl Iterator<Item = (usize, &str)> {
        numbered(&self.prose)
    }

    /// The line on which this place in `code` stands.
    pub(crate) fn line_at(&self, at: usize) -> usize {
        line_at(&self.code, at)
    }
}

/// The line of a text on which a byte stands, counted from 1.
pub(crate) fn line_at(text: &str, at: usize) -> usize {
    text.bytes().take(at).filter(|&byte| byte == b'\n').count() + 1
}

/// Where `word` stands in `text` and is not part of a longer name.
pub(crate) fn word_at(text: &str, word: &str) -> Option<usize> {
    let is_name = |character: char| character.is_alphanumeric() || character == '_';
    let ends_open = word.chars().next_back().is_some_and(|last| !is_name(last));
    text.match_indices(word).map(|(at, _)| at).find(|&at| {
        let before = text[..at].chars().next_back();
        let after = text[at + word.len()..].chars().next();
        !before.is_some_and(is_name) && (ends_open || !after.is_some_and(is_name))
    })
}

fn numbered(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.lines()
        .enumerate()
        .map(|(index, line)| (index + 1, line))
}

fn is_text(kind: LiteralKind) -> bool {
    !matches!(kind, LiteralKind::Int { .. } | LiteralKind::Float { .. })
}

/// As many bytes, all of them spaces but the ends of lines.
fn blank(text: &str) -> String {
    text.bytes()
        .map(|byte| if byte == b'\n' { '\n' } else { ' ' })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_has_neither_comments_nor_strings_and_keeps_every_place() {
        let text = "let a = \"in ü string\"; // in comment\n/* in\nblock */ let b = r#\"raw \"x\" \"#;\n\
                    let c: &'static str = 'q';\n";
        let source = Source::new("a.rs", text);
        assert_eq!(source.code.len(), text.len());
        assert_eq!(source.code.lines().count(), text.lines().count());
        for gone in ["string", "comment", "block", "raw", "q"] {
            assert!(!source.code.contains(gone), "{gone} in {}", source.code);
        }
        for kept in ["let a = ", "let b = ", "'static str"] {
            assert!(source.code.contains(kept), "{kept} not in {}", source.code);
        }
        assert_eq!(source.line_at(source.code.find("let b").unwrap()), 3);
        assert!(source.prose.contains("in comment") && !source.prose.contains("string"));
    }

    #[test]
    fn the_unit_tests_at_the_bottom_are_not_counted() {
        let plain = Source::new(
            "a.rs",
            "//! A.\nfn a() {}\n\n#[cfg(test)]\nmod tests {\n}\n",
        );
        assert_eq!(plain.lines_without_tests(), 3);
        let attribute = "fn a() {}\n#[cfg(test)]\n#[allow(x)]\nmod tests {}\n";
        assert_eq!(Source::new("a.rs", attribute).lines_without_tests(), 1);
        let other = Source::new("a.rs", "#[cfg(test)]\nfn only_in_tests() {}\nfn a() {}\n");
        assert_eq!(other.lines_without_tests(), 3);
    }

    #[test]
    fn generated_files_and_test_files_are_known_by_their_path() {
        assert!(Source::new("crates/a/src/generated/b.rs", "").is_generated());
        assert!(Source::new("crates/a/src/b.rs", "// @generated by x").is_generated());
        assert!(!Source::new("crates/a/src/b.rs", "//! Generates.").is_generated());
        assert!(Source::new("crates/a/tests/it/main.rs", "").is_for_tests());
        assert!(!Source::new("crates/a/src/contests.rs", "").is_for_tests());
        assert!(Source::new("crates/a/src/b/c.rs", "").is_product());
        assert!(!Source::new("crates/a/tests/src/b.rs", "").is_product());
        assert!(!Source::new("xtask/src/main.rs", "").is_product());
    }

    #[test]
    fn a_word_is_not_found_inside_a_longer_one() {
        assert_eq!(word_at("use reqwest::Client;", "reqwest"), Some(4));
        assert_eq!(word_at("let my_reqwest = reqwests;", "reqwest"), None);
        assert_eq!(word_at("todo!()", "todo!"), Some(0));
        assert_eq!(word_at("not_todo!()", "todo!"), None);
    }
}
