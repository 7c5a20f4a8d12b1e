//! The map as one page that needs nothing else.

use super::View;
use serde::Serialize;
use std::io::{self, Write};

/// The page; what is shown stands in its place in it.
const PAGE: &str = include_str!("page.html");

/// Where the page takes its data from.
const PLACE: &str = "\"HOPLINT_DATA\"";

#[derive(Serialize)]
struct Data<'a> {
    nodes: &'a [crate::map::Node],
    edges: &'a [crate::map::Edge],
    findings: Vec<&'a crate::facts::FindingFacts>,
    unread: Option<String>,
}

/// Writes one page with the map: it reads nothing from anywhere, and shows the evidence of what is clicked.
pub fn html(view: &View<'_>, out: &mut dyn Write) -> io::Result<()> {
    let findings = view.facts.iter().flat_map(|facts| &facts.findings).collect();
    let data = Data { nodes: &view.map.nodes, edges: &view.map.edges, findings, unread: view.map.unread() };
    let json = serde_json::to_string(&data).map_err(io::Error::from)?;
    let (before, after) = PAGE.split_once(PLACE).unwrap_or((PAGE, ""));
    write!(out, "{before}{}{after}", for_script(&json))
}

/// JSON that can stand inside a script element: nothing in it ends the element or begins a comment.
fn for_script(json: &str) -> String {
    json.replace('<', "\\u003c")
        .replace('>', "\\u003e")
        .replace('&', "\\u0026")
        .replace('\u{2028}', "\\u2028")
        .replace('\u{2029}', "\\u2029")
}

#[cfg(test)]
mod tests {
    use super::{PAGE, PLACE, for_script};

    #[test]
    fn the_page_has_one_place_for_its_data_and_asks_for_nothing() {
        assert_eq!(PAGE.matches(PLACE).count(), 1);
        assert!(!PAGE.contains("http://") && !PAGE.contains("https://") && !PAGE.contains("src="));
    }

    #[test]
    fn data_cannot_end_the_script() {
        let text = for_script("{\"a\":\"</script><!--\"}");
        assert!(!text.contains('<') && serde_json::from_str::<serde_json::Value>(&text).is_ok());
    }
}
