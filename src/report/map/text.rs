//! The flows for programs that draw: Graphviz and Mermaid.

use std::collections::BTreeMap;
use std::io::{self, Write};

use super::{Account, end_label, purpose_label};
use crate::map::Way;
use crate::report::human::count;

/// Edges with their findings and the way they go, by the columns and names of their ends.
type Edges = BTreeMap<([u8; 2], String, String), (u64, Option<Way>)>;

/// Writes the flows in the DOT language of Graphviz.
///
/// # Errors
/// When they cannot be written.
pub fn dot(account: &Account<'_>, out: &mut dyn Write) -> io::Result<()> {
    let quoted = |text: &str| text.replace('\\', "\\\\").replace('"', "\\\"");
    let (nodes, edges) = graph(account);
    writeln!(out, "digraph flows {{\n  rankdir=LR;\n  node [shape=box, style=rounded, fontname=\"sans-serif\"];")?;
    for ((column, name), id) in &nodes {
        let shape = if *column == 1 { ", shape=ellipse" } else { "" };
        writeln!(out, "  {id} [label=\"{}\"{shape}];", quoted(name))?;
    }
    let most = edges.values().map(|(n, _)| *n).max().unwrap_or(1).max(1) as f64;
    for ((columns, from, to), (n, way)) in &edges {
        let (from, to) = (&nodes[&(columns[0], from.clone())], &nodes[&(columns[1], to.clone())]);
        let look = match way {
            Some(Way::Sold | Way::Shared) => ", color=firebrick",
            Some(Way::Unsaid) => ", style=dashed",
            _ => "",
        };
        let width = (*n as f64 / most * 11.0).max(0.5) + 0.5;
        writeln!(out, "  {from} -> {to} [label=\"{}\", penwidth={width:.1}{look}];", count(*n))?;
    }
    writeln!(out, "}}")
}

/// Writes the flows as a flow chart of Mermaid.
///
/// # Errors
/// When they cannot be written.
pub fn mermaid(account: &Account<'_>, out: &mut dyn Write) -> io::Result<()> {
    // Mermaid takes references to characters in its labels, with `#` for `&`.
    let quoted = |text: &str| {
        let text = text.replace('#', "#35;").replace('"', "#quot;").replace('<', "#lt;").replace('>', "#gt;");
        text.replace(['\n', '\r'], " ")
    };
    let (nodes, edges) = graph(account);
    writeln!(out, "flowchart LR")?;
    for ((column, name), id) in &nodes {
        let (open, close) = if *column == 1 { ("([\"", "\"])") } else { ("[\"", "\"]") };
        writeln!(out, "  {id}{open}{}{close}", quoted(name))?;
    }
    for ((columns, from, to), (n, way)) in &edges {
        let (from, to) = (&nodes[&(columns[0], from.clone())], &nodes[&(columns[1], to.clone())]);
        let arrow = match way {
            Some(Way::Sold | Way::Shared) => "==>",
            Some(Way::Unsaid) => "-.->",
            _ => "-->",
        };
        writeln!(out, "  {from} {arrow}|{}| {to}", count(*n))?;
    }
    Ok(())
}

/// Nodes with their identifiers, by column and name, and what goes between them.
fn graph(account: &Account<'_>) -> (BTreeMap<(u8, String), String>, Edges) {
    let mut edges = Edges::new();
    for used in account.uses() {
        let to = purpose_label(used.purpose.as_deref()).to_owned();
        edges.entry(([0, 1], used.source, to)).or_insert((0, None)).0 += used.findings;
    }
    for flow in account.flows() {
        let from = purpose_label(flow.purpose.as_deref()).to_owned();
        edges.entry(([1, 2], from, end_label(&flow))).or_insert((0, Some(flow.way))).0 += flow.findings;
    }
    let mut nodes = BTreeMap::new();
    for (columns, from, to) in edges.keys() {
        for node in [(columns[0], from), (columns[1], to)] {
            let next = format!("n{}", nodes.len());
            nodes.entry((node.0, node.1.clone())).or_insert(next);
        }
    }
    (nodes, edges)
}
