//! Residuum finds every trace of a person in an organisation's data, lets the organisation act on it, and proves
//! what is left: the *residuum*.
//!
//! # The walk
//!
//! A value is followed in one direction, and files can be read in the same order:
//!
//! ```text
//!              residuum-source      residuum-formats      residuum-detect         index
//!                    │                     │                     │                  │
//!  source ─list→ object ─split→ unit ─read→ batch ─detect→ finding ─write→ segment ─look up→ location → request
//!    ▲                                                                                                     │
//!    └──────────── fetch the current records (disclosure), apply edits (correction, erasure) ──────────────┘
//! ```
//!
//! A request goes *down* to the contract the scan started from; there is no second pipeline and no call back up.
//! Verification of an erasure is the same scan with the person's identifiers added.
//!
//! # The map
//!
//! `scanners/` holds everything that scans, as flat crates that know nothing of this one:
//!
//! - `source`: the contract. Objects, units, batches with the place of every byte, and the traits a connector
//!   implements. No I/O, no idea of what is personal.
//! - `formats`: bytes to batches. Knows CSV, JSON, Parquet, archives and the rest; opens no file itself.
//! - one crate for each connector: lists, splits and reads one kind of source, read-only unless it has the trait
//!   that writes.
//! - `detect`: rules compiled into a detector; bytes to hits with their standard form. No I/O, no locks, no keys.
//!
//! `rules/` holds what is looked for, as data. This crate joins them:
//!
//! - [`config`]: file, environment and flags, resolved once.
//! - `connect`: a URL to a source; the only place that knows which connectors exist.
//! - `scan`: objects to units, fields to plans, batches through the detector into segments; checkpoints, coverage.
//! - `index`: where findings live. Segments that never change, a catalog, look-ups, keys.
//! - [`map`]: what every field is for, where it comes from, who gets it and how long it is kept, as the owner says.
//! - `identity`: a person's identifiers to locations, with the chain that led to each.
//! - `audit`: what was done, when and why; entries are chained and signed with the key of [`signature`].
//! - `proof`: whether anything of a person is left, and a signed certificate that says so.
//! - `request`: acts on what was found: disclosed to the person, erased or corrected where the data are.
//! - `report`: an inventory as JSON, CSV or a page; `demo`: an invented company to try it all on.
//! - [`cli`]: parses, calls, prints. Nothing else prints.
//!
//! The pipeline is a library; `examples/pipeline.rs` runs it in some forty lines.
//!
//! # Invariants
//!
//! - Detection does no I/O and holds no locks; nothing is compiled or allocated for each value in its hot loop.
//! - A raw personal value is never serialised, printed, logged, or kept: not in the index, not in an error, not in
//!   a temporary file, not in a locator. (The new body of an edited object waits in a file until it takes the
//!   place of the old one: beside that, or for one in a bucket of more than 8 MiB in a file without a name.) What is kept is where it stands and a keyed fingerprint, which tells
//!   nothing without the key; the key lives outside the index.
//! - One writer owns an index; segments never change; findings have one canonical order, so that the result depends
//!   neither on threads nor on interruptions. A unit of work done twice is harmless.
//! - Memory is bounded by the number of threads times the size of a batch, whatever the size of an object.
//! - A scan only reads, and is polite about it.
//! - Nothing is skipped silently: whatever a source lists is read, or named in the ledger with the reason it was not.
//!   A hole never certifies.

pub mod audit;
pub mod cli;
mod clock;
pub mod config;
pub mod connect;
pub mod demo;
pub mod identity;
pub mod index;
mod keyfile;
pub mod map;
pub mod proof;
pub mod report;
pub mod request;
pub mod scan;
pub mod signature;
