//! The integration tests, one program: the real binary in a directory of its own, and the direction of the tree.

mod basics;
mod cli_demo;
mod cli_detect;
mod cli_index;
mod cli_usage;
mod containers;
mod identity;
mod layers;
#[cfg(feature = "mysql")]
mod mariadb;
mod pipeline;
mod privacy;
#[cfg(feature = "s3")]
mod s3;
mod sandbox;
mod sizes;
