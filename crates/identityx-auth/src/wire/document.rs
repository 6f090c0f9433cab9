//! The text of an operation: whether it may be repeated.

/// Whether a document holds nothing but queries. What cannot be told apart changes something.
pub(crate) fn changes_nothing(document: &str) -> bool {
    let mut depth = 0_usize;
    let mut rest = document;
    while let Some(next) = rest.chars().next() {
        let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let length = match next {
            '#' => rest.find(['\n', '\r']).unwrap_or(rest.len()),
            '"' => match text_length(rest) {
                Some(length) => length,
                None => return false,
            },
            next if is_word(next) => rest.find(|c| !is_word(c)).unwrap_or(rest.len()),
            next => next.len_utf8(),
        };
        let (token, after) = rest.split_at(length);
        match token {
            "{" | "(" => depth += 1,
            "}" | ")" => depth = depth.saturating_sub(1),
            "mutation" | "subscription" if depth == 0 => return false,
            _ => {}
        }
        rest = after;
    }
    depth == 0
}

/// How long the text is that begins with this quotation mark; `None` if it does not end.
fn text_length(rest: &str) -> Option<usize> {
    let mark = if rest.starts_with(r#"""""#) {
        r#"""""#
    } else {
        r#"""#
    };
    let mut at = mark.len();
    while !rest.get(at..)?.starts_with(mark) {
        let escaped = rest[at..].starts_with('\\');
        let mut chars = rest[at..].chars();
        at += chars.next()?.len_utf8();
        if escaped {
            at += chars.next()?.len_utf8();
        }
    }
    Some(at + mark.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_changes_nothing_if_all_its_operations_are_queries() {
        for document in [
            "{ ping }",
            "query Q { ping }",
            "# mutation\nquery Q($mutation: String) {\n  mutation(a: \"b\") { id }\n}",
            "fragment F on User { id }\nquery Q { activeUser { ...F } }",
            r#"query Q { a(b: "mutation # \" }") { c(d: "") } } # {"#,
            "query Q {\n  a(b: \"\"\"\n} mutation \"é\" {\n\"\"\")\n}",
        ] {
            assert!(changes_nothing(document), "{document}");
        }
        for document in [
            "mutation M { ping }",
            "query Q { ping }\nmutation M { ping }",
            "fragment F on User { id }\n\n  mutation\n M { userLogout }",
            "subscription S { it }",
            "query Q {\n  ping\n} mutation M {\n  ping\n}",
            "query Q { a(b: \"{\") }\nmutation M { a(b: \"}\") }",
            "query Q { a(b: \"\"\"\"{\"\"\") }\nmutation M { a }",
            "query Q {",
            "query Q { a(b: \"",
            "query Q { a(b: \"\\",
        ] {
            assert!(!changes_nothing(document), "{document}");
        }
    }
}
