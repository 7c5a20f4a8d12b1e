//! `hoplint plan`.

use super::args::{PlanArgs, PlanBackend, PlanFormat};
use super::error::CliError;
use super::facts::gather_shown;
use super::{CLEAN, NOTHING, check, output};
use crate::map::join;
use crate::plan::{self, Plan, PlanError, Request};
use crate::report::text::clean;
use std::io::Write as _;

/// `hoplint plan`.
pub(super) fn plan(args: &PlanArgs) -> Result<u8, CliError> {
    if args.format == PlanFormat::Tracetest && (args.backend.is_some() || args.backend_url.is_some()) {
        let message = "--backend and --backend-url have no effect on a Tracetest definition".to_owned();
        let help = "tell Tracetest of the backend by a data store: `tracetest apply datastore`".to_owned();
        return Err(CliError::Usage(message, Some(help)));
    }
    let gathered = gather_shown(&args.tree)?;
    if !gathered.analysed {
        check::nothing(args.tree.quiet);
        return Ok(NOTHING);
    }
    let map = join(&gathered.facts);
    let (backend, usual) = match args.backend.unwrap_or_default() {
        PlanBackend::Jaeger => (plan::Backend::Jaeger, "http://localhost:16686"),
        PlanBackend::Tempo => (plan::Backend::Tempo, "http://localhost:3200"),
    };
    let backend_url = args.backend_url.as_deref().unwrap_or(usual);
    let request = Request { journey: &args.journey, entry: &args.entry, backend, backend_url };
    let made = Plan::new(&gathered.facts, &map, &request).map_err(usage)?;
    let text = match args.format {
        PlanFormat::Shell => plan::shell(&made),
        PlanFormat::Pytest => plan::pytest(&made),
        PlanFormat::Go => plan::go(&made),
        PlanFormat::Tracetest => plan::tracetest(&made).map_err(usage)?,
    };
    if !args.tree.quiet {
        for note in &made.notes {
            let _ = writeln!(std::io::stderr(), "note: {}", clean(note));
        }
    }
    output::write(args.output_file.as_deref(), false, |out| out.write_all(text.as_bytes()))?;
    Ok(CLEAN)
}

fn usage(error: PlanError) -> CliError {
    CliError::Usage(error.message, error.help)
}
