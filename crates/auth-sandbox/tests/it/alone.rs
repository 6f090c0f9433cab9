//! What of the library stands alone, for the tests in it: without the whole library being compiled once more for these.

use std::fs;
use std::path::Path;

#[path = "../../src/bounded.rs"]
mod bounded;
#[path = "../../src/date.rs"]
mod date;
#[path = "../../src/eqworks/link.rs"]
mod link;
#[path = "../../src/server/mask/secret.rs"]
mod secret;

#[test]
fn no_other_file_of_the_library_has_tests_that_would_never_run() {
    fn find(folder: &Path, found: &mut Vec<String>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                find(&path, found);
            } else if fs::read_to_string(&path).is_ok_and(|text| text.contains("#[cfg(test)]")) {
                found.push(path.file_name().unwrap().to_string_lossy().into_owned());
            }
        }
    }
    let mut found = Vec::new();
    find(
        &Path::new(env!("CARGO_MANIFEST_DIR")).join("src"),
        &mut found,
    );
    found.sort();
    assert_eq!(found, ["bounded.rs", "date.rs", "link.rs", "secret.rs"]);
}
