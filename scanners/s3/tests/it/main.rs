//! The connector against real servers: moto, which knows versions and conditions, and s3s-fs, which checks signatures.
//!
//! `RESIDUUM_TEST_S3_MOTO` and `RESIDUUM_TEST_S3_SIGNED` hold their URLs, as `fixtures/servers/moto.sh` and `s3s.sh`
//! print them; without one its tests do nothing.

mod beside;
mod bucket;
mod editor;
mod edits;
mod fetches;
mod interrupted;
#[path = "../../../../tests/it/s3/proxy.rs"]
#[allow(dead_code)] // the command line's tests use the rest
mod proxy;
mod refusals;
mod states;
mod versions;
mod whole;
