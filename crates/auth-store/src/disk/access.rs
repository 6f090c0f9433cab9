//! Who can use a file or directory. On systems other than Unix there are no modes to check.

use std::fs::{self, Metadata};
use std::path::Path;

use auth_core::Error;

use super::system::{at, call};

pub(super) fn check_file(path: &Path, metadata: &Metadata) -> Result<(), Error> {
    if metadata.is_symlink() {
        return Err(at(
            path,
            "this is a symbolic link, and links are not followed; put the file itself here",
        ));
    }
    if !metadata.is_file() {
        return Err(at(path, "this is not a regular file; move it away"));
    }
    check_owner(path, metadata, "600")?;
    check_names(path, metadata)
}

pub(super) fn check_directory(path: &Path, metadata: &Metadata) -> Result<(), Error> {
    if !metadata.is_dir() {
        return Err(at(path, "this is not a directory; tokens are kept in one"));
    }
    check_owner(path, metadata, "700")?;
    check_above(path)
}

/// Refuses what belongs to another user, and what others may read, write or enter.
#[cfg(unix)]
fn check_owner(path: &Path, metadata: &Metadata, wanted: &str) -> Result<(), Error> {
    use std::os::unix::fs::MetadataExt as _;

    let (owner, user) = (metadata.uid(), user());
    let shown = path.display();
    if owner != user {
        return Err(at(
            path,
            format_args!(
                "it belongs to user {owner}, and this program runs as user {user}; run \
                 `chown {user} '{shown}'` if the tokens are yours, or name another directory"
            ),
        ));
    }
    let mode = metadata.mode() & 0o7777;
    if mode & 0o077 != 0 {
        return Err(at(
            path,
            format_args!(
                "users other than its owner have rights to it (mode {mode:04o}); run \
                 `chmod {wanted} '{shown}'`"
            ),
        ));
    }
    Ok(())
}

/// Refuses a file with a second name, which may be in a directory of another user.
#[cfg(unix)]
fn check_names(path: &Path, metadata: &Metadata) -> Result<(), Error> {
    use std::os::unix::fs::MetadataExt as _;

    // None if it was replaced or deleted after it was opened.
    let names = metadata.nlink();
    if names > 1 {
        return Err(at(
            path,
            format_args!(
                "this file has {names} names (hard links), and the others may be where other users \
                 can use them; delete it and log in, or keep one name only"
            ),
        ));
    }
    Ok(())
}

/// Refuses a directory that another user could replace, because that user owns or can write a
/// directory above it: as `StrictModes` of OpenSSH does, up to the root.
///
/// Both the path as it was given and the place to which its links lead are checked.
#[cfg(unix)]
fn check_above(path: &Path) -> Result<(), Error> {
    use std::os::unix::fs::MetadataExt as _;

    let place = call(path, "find out where it is", || fs::canonicalize(path))?;
    let above = path.ancestors().skip(1).chain(place.ancestors().skip(1));
    // A relative path ends with an empty one.
    for directory in above.filter(|it| !it.as_os_str().is_empty()) {
        let metadata = call(directory, "look at it", || fs::metadata(directory))?;
        let (owner, mode) = (metadata.uid(), metadata.mode() & 0o7777);
        if is_safe_above(owner, metadata.gid(), mode, user()) {
            continue;
        }
        return Err(at(
            path,
            format_args!(
                "other users could put another directory in its place, because '{}' above it belongs \
                 to user {owner} and has mode {mode:04o}; run `chmod go-w` on that one if it is \
                 yours, or keep tokens in another place",
                directory.display()
            ),
        ));
    }
    Ok(())
}

/// The owner of what belongs to no user of this name space: in a container, the directories of the
/// machine's root.
#[cfg(unix)]
const UNMAPPED: u32 = 65534;

#[cfg(unix)]
fn is_safe_above(owner: u32, group: u32, mode: u32, user: u32) -> bool {
    let is_sticky = mode & 0o1000 != 0;
    // Many systems give each user a group of the same number, and let it write what the user makes.
    let others = if group == owner { 0o002 } else { 0o022 };
    let only_owner_writes = mode & others == 0;
    // In a sticky directory (`/tmp`) only an owner can rename or delete what is there.
    [0, user, UNMAPPED].contains(&owner) && (only_owner_writes || is_sticky)
}

#[cfg(unix)]
fn user() -> u32 {
    rustix::process::geteuid().as_raw()
}

#[cfg(not(unix))]
#[expect(clippy::unnecessary_wraps, reason = "on Unix it can fail")]
fn check_owner(_path: &Path, _metadata: &Metadata, _wanted: &str) -> Result<(), Error> {
    Ok(())
}

#[cfg(not(unix))]
#[expect(clippy::unnecessary_wraps, reason = "on Unix it can fail")]
fn check_names(_path: &Path, _metadata: &Metadata) -> Result<(), Error> {
    Ok(())
}

#[cfg(not(unix))]
#[expect(clippy::unnecessary_wraps, reason = "on Unix it can fail")]
fn check_above(_path: &Path) -> Result<(), Error> {
    Ok(())
}

#[cfg(unix)]
#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_above_is_safe_if_no_other_user_can_rename_what_is_in_it() {
        const USER: u32 = 1000;
        for (owner, group, mode, is_safe) in [
            (0, 0, 0o755, true),
            (USER, 100, 0o755, true),
            (USER, USER, 0o700, true),
            (UNMAPPED, UNMAPPED, 0o755, true),
            // `/tmp`, and a directory of a team in it.
            (0, 0, 0o1777, true),
            (USER, 100, 0o1775, true),
            // The user's own group, and another one.
            (USER, USER, 0o775, true),
            (USER, 100, 0o775, false),
            (0, 50, 0o2775, false),
            (USER, USER, 0o777, false),
            (0, 0, 0o777, false),
            // The owner of a directory can always rename what is in it.
            (1001, 1001, 0o700, false),
            (1001, 1001, 0o1777, false),
        ] {
            let found = is_safe_above(owner, group, mode, USER);
            assert_eq!(found, is_safe, "{owner}:{group} {mode:o}");
        }
    }
}
