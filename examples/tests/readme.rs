//! The README shows the quickstart's own code.

const README: &str = include_str!("../../README.md");
const QUICKSTART: &str = include_str!("../src/bin/quickstart/iqm.rs");

/// The lines without what indents them.
fn flat(text: &str) -> String {
    text.lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .collect::<Vec<_>>()
        .join("\n")
}

#[test]
fn the_readme_shows_the_quickstarts_own_code() {
    let readme = flat(README);
    let regions: Vec<&str> = QUICKSTART
        .split("// [readme]")
        .skip(1)
        .map(|rest| rest.split_once("// [/readme]").expect("a region ends").0)
        .collect();
    assert_eq!(regions.len(), 3);
    for region in regions {
        assert!(
            readme.contains(&flat(region)),
            "not in README.md:\n{region}"
        );
    }
}
