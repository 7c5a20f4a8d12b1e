//! `hoplint map`.

use super::args::{MapArgs, MapFormat};
use super::error::CliError;
use super::facts::gather_shown;
use super::{CLEAN, NOTHING, check, output, why};
use crate::map::join;
use crate::report::map;

/// `hoplint map`.
pub(super) fn map(args: &MapArgs) -> Result<u8, CliError> {
    if let Some(place) = &args.why {
        return why::why(args, place);
    }
    let gathered = gather_shown(&args.tree)?;
    let joined = join(&gathered.facts);
    let view = map::View { map: &joined, facts: &gathered.facts, files: gathered.report.summary.files };
    output::write(args.output_file.as_deref(), false, |out| match args.format {
        MapFormat::Text => map::text(&view, out),
        MapFormat::Json => map::json(&view, out),
        MapFormat::Mermaid => map::mermaid(&view, out),
        MapFormat::Dot => map::dot(&view, out),
        MapFormat::Html => map::html(&view, out),
    })?;
    if gathered.analysed {
        return Ok(CLEAN);
    }
    check::nothing(args.tree.quiet);
    Ok(NOTHING)
}
