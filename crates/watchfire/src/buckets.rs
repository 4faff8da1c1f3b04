//! S3 for the server: the credentials, region and endpoint that `scan` uses too.

use watchfire_api::{Buckets, Outcome};
use watchfire_ingest::{read_object, write_object};

/// The S3 of the environment: `AWS_ENDPOINT_URL_S3`, profiles and the other places where AWS's tools look.
#[derive(Clone, Copy, Debug)]
pub struct S3;

impl Buckets for S3 {
    fn read<'a>(&'a self, bucket: &'a str, key: &'a str, bytes_max: u64) -> Outcome<'a, Vec<u8>> {
        Box::pin(read_object(bucket, key, bytes_max))
    }

    fn write<'a>(&'a self, bucket: &'a str, key: &'a str, content: Vec<u8>) -> Outcome<'a, ()> {
        Box::pin(write_object(bucket, key, content))
    }

    fn fetch<'a>(&'a self, url: &'a str, bytes_max: u64) -> Outcome<'a, Vec<u8>> {
        Box::pin(async move {
            let url = url.to_owned();
            let fetched = tokio::task::spawn_blocking(move || crate::feeds::fetch_only(&url, bytes_max));
            let fetched = fetched.await.map_err(|_| "the list could not be fetched".to_owned())?;
            fetched.map_err(|error| format!("{error:#}"))
        })
    }
}
