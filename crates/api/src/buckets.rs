//! Objects in S3 and files on servers, as far as the API needs them. The program brings the means; this crate knows no S3.

use std::fmt;
use std::future::Future;
use std::pin::Pin;

/// The outcome to come; the error is the end of a sentence, for people.
pub type Outcome<'a, T> = Pin<Box<dyn Future<Output = Result<T, String>> + Send + 'a>>;

/// Reads and writes single objects.
pub trait Buckets: fmt::Debug + Send + Sync {
    /// An object of at most `bytes_max` bytes.
    fn read<'a>(&'a self, bucket: &'a str, key: &'a str, bytes_max: u64) -> Outcome<'a, Vec<u8>>;

    /// Writes an object, over one that is there.
    fn write<'a>(&'a self, bucket: &'a str, key: &'a str, content: Vec<u8>) -> Outcome<'a, ()>;

    /// What is at an address that the operator has allowed ([`Settings::list_urls`](crate::Settings)), of at most
    /// `bytes_max` bytes. A redirection is an error: it would lead elsewhere.
    fn fetch<'a>(&'a self, url: &'a str, bytes_max: u64) -> Outcome<'a, Vec<u8>>;
}

/// No S3: every attempt fails, with a sentence that says so.
#[derive(Clone, Copy, Debug)]
pub struct NoBuckets;

impl Buckets for NoBuckets {
    fn read<'a>(&'a self, _: &'a str, _: &'a str, _: u64) -> Outcome<'a, Vec<u8>> {
        Box::pin(async { Err("this server has no access to S3".to_owned()) })
    }

    fn write<'a>(&'a self, _: &'a str, _: &'a str, _: Vec<u8>) -> Outcome<'a, ()> {
        Box::pin(async { Err("this server has no access to S3".to_owned()) })
    }

    fn fetch<'a>(&'a self, _: &'a str, _: u64) -> Outcome<'a, Vec<u8>> {
        Box::pin(async { Err("this server fetches nothing".to_owned()) })
    }
}
