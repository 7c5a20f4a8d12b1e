//! The map as a graph for other programs to draw.
//!
//! Sources: <https://mermaid.js.org/syntax/flowchart.html>, <https://graphviz.org/doc/info/lang.html>.

use super::super::text::clean;
use super::View;
use crate::facts::Standing;
use crate::map::{Edge, NodeKind, Via};
use std::io::{self, Write};

/// Writes a Mermaid flowchart.
pub fn mermaid(view: &View<'_>, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "flowchart LR")?;
    for (at, node) in view.map.nodes.iter().enumerate() {
        let (open, close) = match node.kind {
            NodeKind::Service => ("[\"", "\"]"),
            NodeKind::Process => ("(\"", "\")"),
            NodeKind::Channel => ("[(\"", "\")]"),
            NodeKind::Stranger => ("([\"", "\"])"),
        };
        writeln!(out, "  n{at}{open}{}{close}", entities(&node.name))?;
    }
    for edge in &view.map.edges {
        let arrow = match edge.standing {
            Standing::Carried => "-->",
            Standing::Unknown => "-.->",
            Standing::Broken => "--x",
        };
        writeln!(out, "  n{} {arrow}|\"{}\"| n{}", edge.from, entities(&label(edge)), edge.to)?;
    }
    for (at, edge) in view.map.edges.iter().enumerate() {
        if edge.standing != Standing::Unknown {
            writeln!(out, "  linkStyle {at} stroke:{}", colour(edge.standing))?;
        }
    }
    Ok(())
}

/// Writes a Graphviz graph.
pub fn dot(view: &View<'_>, out: &mut dyn Write) -> io::Result<()> {
    writeln!(
        out,
        "digraph hoplint {{\n  rankdir=LR;\n  node [fontname=\"sans-serif\"];\n  edge [fontname=\"sans-serif\"];"
    )?;
    for (at, node) in view.map.nodes.iter().enumerate() {
        let shape = match node.kind {
            NodeKind::Service => "box",
            NodeKind::Process => "box, style=rounded",
            NodeKind::Channel => "cylinder",
            NodeKind::Stranger => "ellipse, style=dashed",
        };
        writeln!(out, "  n{at} [label=\"{}\", shape={shape}];", quoted(&node.name))?;
    }
    for edge in &view.map.edges {
        let style = if edge.standing == Standing::Unknown { ", style=dashed" } else { "" };
        let (from, to) = (edge.from, edge.to);
        let (label, color) = (quoted(&label(edge)), colour(edge.standing));
        writeln!(out, "  n{from} -> n{to} [label=\"{label}\", color=\"{color}\"{style}];")?;
    }
    writeln!(out, "}}")
}

/// What is written at a way.
fn label(edge: &Edge) -> String {
    match edge.via {
        Via::Rpc | Via::Message => edge.by.clone(),
        Via::Http => "HTTP".to_owned(),
        Via::Configured => "configured".to_owned(),
    }
}

/// The colour of a way.
fn colour(standing: Standing) -> &'static str {
    match standing {
        Standing::Carried => "#2e7d32",
        Standing::Unknown => "#757575",
        Standing::Broken => "#c62828",
    }
}

/// A text inside Mermaid's quotes: what could end them or begin markup becomes an entity.
fn entities(text: &str) -> String {
    let mut out = String::new();
    for letter in clean(text).chars() {
        match letter {
            '"' | '#' | '<' | '>' | '&' | ';' | '`' | '|' => out.push_str(&format!("#{};", u32::from(letter))),
            letter => out.push(letter),
        }
    }
    out
}

/// A text inside Graphviz's quotes.
fn quoted(text: &str) -> String {
    clean(text).replace('\\', "\\\\").replace('"', "\\\"")
}
