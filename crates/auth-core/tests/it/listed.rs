//! The pages of the vendors' `Session`, `SessionBuilder` and `SessionPool` list all methods: rustdoc
//! shows none of an alias.

use std::fs;
use std::path::Path;

/// The public methods of the type, in whatever file they stand.
fn methods(of: &str) -> Vec<String> {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let files = fs::read_dir(source.join("session")).unwrap();
    let files = files.map(|file| file.unwrap().path());
    let files = files.filter(|path| path.extension().is_some_and(|it| it == "rs"));
    let mut found = Vec::new();
    for file in files.chain([source.join("session.rs")]) {
        let text = fs::read_to_string(file).unwrap();
        let mut is_inside = false;
        for line in text.lines() {
            if line.starts_with("impl") {
                is_inside = line.contains(&format!("> {of}<")) && !line.contains(" for ");
            }
            let method = line
                .strip_prefix("    pub fn ")
                .or_else(|| line.strip_prefix("    pub async fn "));
            if let Some((name, _)) = method
                .filter(|_| is_inside)
                .and_then(|it| it.split_once(['(', '<']))
            {
                found.push(name.to_owned());
            }
        }
    }
    found
}

#[test]
fn the_pages_of_the_vendors_list_every_method() {
    for (of, page, at_least) in [
        ("Session", auth_core::session_methods!(), 25),
        ("SessionBuilder", auth_core::session_builder_methods!(), 10),
        ("SessionPool", auth_core::session_pool_methods!(), 8),
    ] {
        let mut methods = methods(of);
        assert!(methods.len() >= at_least, "{of}: {methods:?}");
        // A vendor's `Client::session` takes its place.
        methods.retain(|name| (of, name.as_str()) != ("Session", "builder") && name != "renewer");
        let link = |name: &String| format!("[`{name}`](auth_core::{of}::{name})");
        methods.retain(|name| !page.contains(&link(name)));
        assert!(methods.is_empty(), "{of}: not listed: {methods:?}");
    }
}
