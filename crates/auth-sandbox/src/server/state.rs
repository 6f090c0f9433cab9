//! The state file: the snapshots of all namespaces.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufReader, BufWriter, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::snapshot::Snapshot;
use super::space::Spaces;

/// How often a change is written while the program runs. At its end everything is.
const PAUSE: Duration = Duration::from_secs(5);

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Content {
    default: Snapshot,
    namespaces: BTreeMap<String, Snapshot>,
}

/// Reads the file, if there is one.
pub(super) fn load(path: &Path, spaces: &Spaces) -> Result<(), String> {
    let shown = path.display();
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(format!("{shown}: {error}")),
    };
    let content: Content = serde_json::from_reader(BufReader::new(file))
        .map_err(|error| format!("{shown} is not a state of the sandbox: {error}"))?;
    let failed = |error| format!("{shown}: {error}");
    spaces
        .restore(&spaces.default(), content.default)
        .map_err(failed)?;
    for (name, snapshot) in content.namespaces {
        let space = spaces.named(&name).map_err(|refused| failed(refused.1))?;
        spaces.restore(&space, snapshot).map_err(failed)?;
    }
    Ok(())
}

/// Writes the file, whole or not at all. Only its owner can read it: it holds tokens and passwords.
pub(super) fn save(path: &Path, spaces: &Spaces) -> io::Result<()> {
    let named = spaces.all();
    let named = named.iter().filter(|space| !space.name.is_empty());
    let namespaces = named.map(|space| Ok((space.name.clone(), space.snapshot()?)));
    let content = Content {
        default: spaces.default().snapshot()?,
        namespaces: namespaces.collect::<serde_json::Result<_>>()?,
    };
    let mut unfinished = path.as_os_str().to_owned();
    unfinished.push(".unfinished");
    let unfinished = PathBuf::from(unfinished);
    let _ = fs::remove_file(&unfinished);
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut out = BufWriter::new(options.open(&unfinished)?);
    serde_json::to_writer(&mut out, &content)?;
    out.flush()?;
    out.get_ref().sync_all()?;
    fs::rename(&unfinished, path)
}

/// Saves from time to time, if something has changed.
pub(super) async fn keep_saving(path: &Path, spaces: Arc<Spaces>) -> io::Result<()> {
    let mut saved = spaces.stamp();
    loop {
        tokio::time::sleep(PAUSE).await;
        let stamp = spaces.stamp();
        if stamp != saved {
            let (path, spaces) = (path.to_owned(), Arc::clone(&spaces));
            let saving = tokio::task::spawn_blocking(move || save(&path, &spaces));
            saving.await.map_err(io::Error::other)??;
            saved = stamp;
        }
    }
}
