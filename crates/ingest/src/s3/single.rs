//! One object, whole: lists that a server reads, and the test that a destination can be written to.

use super::{connect, reason};
use object_store::ObjectStoreExt;
use object_store::path::Path as Key;

/// Reads an object of at most `bytes_max` bytes. The error is a sentence's end, for people.
pub async fn read_object(bucket: &str, key: &str, bytes_max: u64) -> Result<Vec<u8>, String> {
    let key = parsed(key)?;
    let store = connect(bucket).await?;
    let found = store.get(&key).await.map_err(|error| reason(&error))?;
    let size = found.meta.size;
    if size > bytes_max {
        return Err(format!("it has {size} bytes, and {bytes_max} is the most that is read"));
    }
    Ok(found.bytes().await.map_err(|error| reason(&error))?.to_vec())
}

/// Writes an object, over one that is there. The error is a sentence's end, for people.
pub async fn write_object(bucket: &str, key: &str, content: Vec<u8>) -> Result<(), String> {
    let key = parsed(key)?;
    connect(bucket).await?.put(&key, content.into()).await.map(drop).map_err(|error| reason(&error))
}

fn parsed(key: &str) -> Result<Key, String> {
    Key::parse(key).map_err(|error| reason(&error.into()))
}
