//! The data map as others read it: a picture of its flows, tables, and the files of other catalogues.
//!
//! Everything here turns an [`Account`] into text and does no other I/O. Names are as the index shows them; a name that
//! is personal stays sealed, and what a catalogue could not match is left out of what is meant for one, and counted.

mod datahub;
mod fides;
mod graph;
mod openmetadata;
mod page;
mod tables;
mod tags;
mod text;

pub use datahub::datahub;
pub use fides::{Table, fides, tables as fides_tables};
pub use openmetadata::openmetadata;
pub use page::{graph as graph_html, html};
pub use tables::{csv, graph as graph_json, json};
pub use tags::{Catalogue, Known, Left};
pub use text::{dot, mermaid};

use crate::config::Day;
use crate::map::{Flow, Gap, Holding, Map, Use, flows, uses};

/// What there is beside what is said of it.
#[derive(Debug)]
pub struct Account<'a> {
    /// What is said.
    pub map: &'a Map,
    /// What there is.
    pub holdings: &'a [Holding],
    /// What is not said.
    pub gaps: &'a [Gap],
    /// The day it is as of.
    pub today: Day,
    /// When it was put together, UTC.
    pub made: String,
}

impl Account<'_> {
    fn flows(&self) -> Vec<Flow> {
        flows(self.map, self.holdings)
    }

    fn uses(&self) -> Vec<Use> {
        uses(self.map, self.holdings)
    }
}

/// A purpose as it is written; that none is said is told, too.
fn purpose_label(purpose: Option<&str>) -> &str {
    purpose.unwrap_or("(no purpose said)")
}

/// Where a flow ends, as it is written.
fn end_label(flow: &Flow) -> String {
    use crate::map::Way;
    match (&flow.recipient, flow.way) {
        (Some(name), way) => format!("{name} ({})", way.name()),
        (None, Way::Nobody) => "stays here".to_owned(),
        (None, _) => "(no recipient said)".to_owned(),
    }
}
