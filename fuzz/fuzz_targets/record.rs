//! A stored record is input: it is read or refused, and a refusal shows nothing of it.
#![no_main]

use std::fs;
use std::path::PathBuf;
use std::sync::LazyLock;
use std::time::UNIX_EPOCH;

use auth_core::{BaseUrl, Expiry, StoreKey, Token, TokenStore};
use auth_store::FileStore;
use libfuzzer_sys::fuzz_target;
use tempfile::TempDir;
use tokio::runtime::{Builder, Runtime};

struct Place {
    runtime: Runtime,
    store: FileStore,
    key: StoreKey,
    file: PathBuf,
    _directory: TempDir,
}

static PLACE: LazyLock<Place> = LazyLock::new(|| {
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    let directory = TempDir::new().unwrap();
    let store = FileStore::at(directory.path().join("tokens"));
    let base = BaseUrl::parse("https://api.iqm.com/").unwrap();
    let key = StoreKey::new("iqm", "user1@iqm.com", "", &base);
    let token = Token::new("a".into(), Expiry::Never, UNIX_EPOCH);
    let saved = runtime.block_on(store.save(&key, &token)).unwrap();
    assert_eq!(saved, auth_core::SaveOutcome::Saved);
    let files = fs::read_dir(store.directory()).unwrap();
    let mut files = files.map(|file| file.unwrap().path());
    let file = files.find(|file| file.extension().is_some_and(|it| it == "token"));
    Place {
        runtime,
        store,
        key,
        file: file.unwrap(),
        _directory: directory,
    }
});

fuzz_target!(|record: &[u8]| {
    let Place {
        runtime,
        store,
        key,
        file,
        ..
    } = &*PLACE;
    fs::write(file, record).unwrap();
    let shown = match runtime.block_on(store.load(key)) {
        Ok(token) => {
            if let Some(token) = &token {
                let _ = auth_core::AuthHeaders::new(token, &[]);
            }
            format!("{token:?}")
        }
        Err(error) => format!("{error} {error:?}"),
    };
    let canary = b"access-0123456789";
    if record.windows(canary.len()).any(|it| it == canary) {
        assert!(!shown.contains("access-0123"), "{shown}");
    }
});
