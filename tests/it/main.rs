//! The integration tests, one program: the real binary in a directory of its own, and the direction of the tree.

mod basics;
mod cli_demo;
mod cli_detect;
mod cli_index;
mod cli_usage;
mod containers;
mod contests;
#[cfg(all(feature = "mysql", feature = "postgres", feature = "s3"))]
mod correct;
#[cfg(all(feature = "mysql", feature = "postgres", feature = "s3"))]
mod digests;
mod disclose;
mod documents;
#[cfg(all(feature = "mysql", feature = "postgres", feature = "s3"))]
mod erase;
#[cfg(all(feature = "mysql", feature = "postgres", feature = "s3"))]
mod everything;
#[cfg(all(feature = "mysql", feature = "postgres", feature = "s3"))]
mod faults;
mod formats;
#[cfg(all(feature = "mysql", feature = "postgres", feature = "s3"))]
mod guarded;
mod identity;
#[cfg(all(feature = "mysql", feature = "postgres", feature = "s3"))]
mod increments;
#[cfg(all(feature = "mysql", feature = "postgres", feature = "s3"))]
mod interrupted;
mod know;
mod layers;
#[cfg(all(feature = "mysql", feature = "postgres", feature = "s3"))]
mod link;
#[cfg(all(feature = "mysql", feature = "postgres", feature = "s3"))]
mod lock;
mod map;
#[cfg(feature = "mysql")]
mod mariadb;
#[cfg(all(feature = "mysql", feature = "postgres", feature = "s3"))]
mod mentions;
mod notices;
mod pipeline;
#[cfg(all(feature = "mysql", feature = "postgres", feature = "s3"))]
mod planted;
mod privacy;
mod proof;
#[cfg(all(feature = "mysql", feature = "postgres", feature = "s3"))]
mod referred;
#[cfg(feature = "s3")]
mod s3;
mod sandbox;
#[cfg(all(feature = "mysql", feature = "postgres", feature = "s3"))]
mod servers;
mod sizes;
mod subjects;
#[cfg(all(feature = "http", feature = "mysql", feature = "postgres", feature = "s3"))]
mod tls;
#[cfg(all(feature = "mysql", feature = "postgres", feature = "s3"))]
mod whose;
