//! One object, whole: lists that a server reads, and the test that a destination can be written to.

use super::connect;

/// Reads an object of at most `bytes_max` bytes. The error is a sentence's end, for people.
pub async fn read_object(bucket: &str, key: &str, bytes_max: u64) -> Result<Vec<u8>, String> {
    let client = connect(bucket).await?;
    let found = client.head(key).await.map_err(|failure| failure.to_string())?;
    if found.size > bytes_max {
        return Err(format!("it has {} bytes, and {bytes_max} is the most that is read", found.size));
    }
    let bytes = client.get(&found, 0, found.size).await.map_err(|failure| failure.to_string())?;
    Ok(bytes.into())
}

/// Writes an object, over one that is there. The error is a sentence's end, for people.
pub async fn write_object(bucket: &str, key: &str, content: Vec<u8>) -> Result<(), String> {
    connect(bucket).await?.put(key, &content).await.map_err(|failure| failure.to_string())
}
