//! The parts of a Markdown document that the rules look at: code between fences, links, headings.

/// Code between two fences.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Fence<'a> {
    /// The line of the opening fence, counted from 1.
    pub(crate) line: usize,
    /// What stands behind the opening fence: the language.
    pub(crate) info: &'a str,
    pub(crate) code: Vec<&'a str>,
}

/// `[label](target)`.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Link<'a> {
    pub(crate) line: usize,
    pub(crate) label: &'a str,
    pub(crate) target: &'a str,
}

/// A document, taken apart line by line.
#[derive(Debug, Default)]
pub(crate) struct Markdown<'a> {
    pub(crate) fences: Vec<Fence<'a>>,
    /// The lines outside of fences, with their numbers.
    pub(crate) prose: Vec<(usize, &'a str)>,
}

impl<'a> Markdown<'a> {
    pub(crate) fn parse(text: &'a str) -> Self {
        let mut parsed = Self::default();
        let mut open: Option<Fence<'a>> = None;
        for (index, line) in text.lines().enumerate() {
            match (line.trim_start().strip_prefix("```"), open.take()) {
                (Some(info), None) => {
                    open = Some(Fence {
                        line: index + 1,
                        info: info.trim(),
                        code: Vec::new(),
                    });
                }
                (Some(_), Some(fence)) => parsed.fences.push(fence),
                (None, Some(mut fence)) => {
                    fence.code.push(line);
                    open = Some(fence);
                }
                (None, None) => parsed.prose.push((index + 1, line)),
            }
        }
        // One that nobody closed goes on to the end.
        parsed.fences.extend(open);
        parsed
    }

    pub(crate) fn links(&self) -> Vec<Link<'a>> {
        let mut links = Vec::new();
        for &(line, text) in &self.prose {
            for (at, _) in text.match_indices("](") {
                let label = text[..at].rfind('[').map(|start| &text[start + 1..at]);
                let target = text[at + 2..].split_once(')').map(|(target, _)| target);
                if let (Some(label), Some(target)) = (label, target) {
                    links.push(Link {
                        line,
                        label,
                        target,
                    });
                }
            }
        }
        links
    }

    /// The headings of the second level, with their lines.
    pub(crate) fn sections(&self) -> Vec<(usize, &'a str)> {
        let heading = |&(line, text): &(usize, &'a str)| Some((line, text.strip_prefix("## ")?));
        self.prose.iter().filter_map(heading).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_is_told_from_prose() {
        let text = "# A\n\n```rust,no_run\nlet a = \"[b](c)\";\n# hidden\n```\n## D\n```\nopen";
        let parsed = Markdown::parse(text);
        let fences: Vec<_> = parsed
            .fences
            .iter()
            .map(|fence| (fence.line, fence.info, fence.code.len()))
            .collect();
        assert_eq!(fences, [(3, "rust,no_run", 2), (8, "", 1)]);
        assert_eq!(parsed.links(), []);
        assert_eq!(parsed.sections(), [(7, "D")]);
    }

    #[test]
    fn every_link_of_a_line_is_found() {
        let parsed = Markdown::parse("a\n| [`b`](c.rs) and [d](https://e/(f) |\nno ](link");
        let links = parsed.links();
        let links: Vec<_> = links
            .iter()
            .map(|link| (link.line, link.label, link.target))
            .collect();
        assert_eq!(links, [(2, "`b`", "c.rs"), (2, "d", "https://e/(f")]);
    }
}
