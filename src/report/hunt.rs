//! The answer of a search, for people.

use super::text::{clean, count};
use crate::facts::Standing;
use crate::hunt::{Answer, Approach, Cause, Chance, Fit, Gap, GapKind, Loss, Reason, Recorded, Seen, Step};
use std::io::{self, Write};

/// How many ways are named.
const MAX_STEPS: usize = 60;
/// How many services of a recording are named.
const MAX_SERVICES: usize = 40;

/// Writes the answer: what was asked, each way, each gap with its lines, and what else must be known.
pub fn text(answer: &Answer, out: &mut dyn Write) -> io::Result<()> {
    head(answer, out)?;
    for step in answer.steps.iter().take(MAX_STEPS) {
        way(step, out)?;
    }
    if answer.steps.len() > MAX_STEPS {
        writeln!(out, "  and {} more", answer.steps.len() - MAX_STEPS)?;
    }
    for (n, found) in answer.gaps.iter().enumerate() {
        writeln!(out)?;
        gap(n + 1, found, out)?;
    }
    if !answer.notes.is_empty() {
        writeln!(out)?;
    }
    for note in &answer.notes {
        writeln!(out, "note: {}", clean(note))?;
    }
    writeln!(out)?;
    foot(answer, out)
}

fn head(answer: &Answer, out: &mut dyn Write) -> io::Result<()> {
    if !answer.journey.is_empty() {
        writeln!(out, "journey: {}", clean(&answer.journey.join(" → ")))?;
    }
    if !answer.understood.is_empty() {
        writeln!(out, "understood: {}", clean(&answer.understood.join("; ")))?;
    }
    let sampling = &answer.sampling;
    if sampling.approach != Approach::Unknown || !sampling.because.is_empty() {
        writeln!(out, "sampling: {} ({})", sampling.approach.words(), clean(&sampling.because))?;
    }
    if let Some(recorded) = &answer.recording {
        recording(recorded, out)?;
    }
    if !answer.steps.is_empty() {
        writeln!(out, "ways:")?;
    }
    Ok(())
}

fn recording(recorded: &Recorded, out: &mut dyn Write) -> io::Result<()> {
    let formats: Vec<&str> = recorded.formats.iter().map(|format| format.title()).collect();
    let (traces, spans) = (count(recorded.traces, "trace"), count(recorded.spans, "span"));
    writeln!(out, "recording: {traces}, {spans}, {}", formats.join(", "))?;
    for service in recorded.services.iter().take(MAX_SERVICES) {
        let name = if service.name.is_empty() { "a service without a name".to_owned() } else { clean(&service.name) };
        let known = match &service.service {
            Some(known) if *known == service.name => String::new(),
            Some(known) => format!(" (here: {})", clean(known)),
            None => " (not on the map)".to_owned(),
        };
        writeln!(out, "  {name}{known}: {}", count(service.spans, "span"))?;
    }
    if recorded.services.len() > MAX_SERVICES {
        writeln!(out, "  and {} more", recorded.services.len() - MAX_SERVICES)?;
    }
    Ok(())
}

fn way(step: &Step, out: &mut dyn Write) -> io::Result<()> {
    let via: Vec<&str> = step.via.iter().map(|via| via.word()).collect();
    let via = if via.is_empty() { "no way known".to_owned() } else { via.join(", ") };
    let code = match step.code {
        Some(Standing::Carried) => "code: carried",
        Some(Standing::Broken) => "code: BROKEN",
        Some(Standing::Unknown) | None => "code: unknown",
    };
    let seen = match step.trace {
        Seen::NotRecorded => "",
        Seen::Whole => " · recorded: whole",
        Seen::Passed => " · recorded: passed on without spans",
        Seen::Missing => " · recorded: MISSING",
        Seen::NewTrace => " · recorded: NEW TRACE",
        Seen::WrongParent => " · recorded: WRONG PARENT",
        Seen::LostParent => " · recorded: PARENT NOT THERE",
        Seen::Linked => " · recorded: a trace of its own, linked",
        Seen::Elsewhere => " · recorded: nothing shows that this way was taken",
        Seen::Behind => " · recorded: behind the loss",
    };
    writeln!(out, "  {} → {} · {via} · {code}{seen}", clean(&step.from), clean(&step.to))
}

fn gap(number: usize, gap: &Gap, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "{number}. {}", clean(&gap.message))?;
    for evidence in &gap.evidence {
        writeln!(out, "   seen: {}", clean(evidence))?;
    }
    for one in &gap.causes {
        cause(one, out)?;
    }
    for one in &gap.reasons {
        reason(one, out)?;
    }
    Ok(())
}

fn cause(cause: &Cause, out: &mut dyn Write) -> io::Result<()> {
    let fit = match cause.fit {
        Fit::Exact => "explains it",
        Fit::OnTheWay => "can explain it",
        Fit::Service | Fit::Near => "may explain it",
        Fit::Unknown => "not known",
    };
    let rule = cause.finding.as_ref().map(|found| format!(" {}", clean(&found.rule))).unwrap_or_default();
    writeln!(out, "   {fit}: {}:{}:{rule} {}", clean(&cause.path), cause.line, clean(&cause.message))?;
    let hops: Vec<String> = cause.hops.iter().map(|hop| clean(hop)).collect();
    let place = if hops.is_empty() { String::new() } else { format!(" ({})", hops.join(", ")) };
    writeln!(out, "     {}: {}{place}", clean(&cause.service), clean(&cause.why))?;
    if let Some(finding) = &cause.finding {
        for (word, text) in [("effect", &finding.effect), ("help", &finding.help), ("confirm", &finding.confirm)] {
            if !text.is_empty() {
                writeln!(out, "     {word}: {}", clean(text))?;
            }
        }
    }
    Ok(())
}

fn reason(reason: &Reason, out: &mut dyn Write) -> io::Result<()> {
    let loss = match reason.loss {
        Loss::Instrumentation => "instrumentation",
        Loss::Propagation => "propagation",
        Loss::Sampling => "sampling",
        Loss::Export => "export",
    };
    let chance = match reason.chance {
        Chance::Likely => "likely",
        Chance::Possible => "possible",
        Chance::RuledOut => "ruled out",
    };
    writeln!(out, "   {loss}: {chance}, because {}", clean(&reason.because))?;
    if !reason.confirm.is_empty() {
        writeln!(out, "     confirm: {}", clean(&reason.confirm))?;
    }
    Ok(())
}

fn foot(answer: &Answer, out: &mut dyn Write) -> io::Result<()> {
    let broken = answer.gaps.iter().filter(|gap| gap.kind != GapKind::Unknown).count();
    let unknown = answer.gaps.len() - broken;
    let ways = count(answer.steps.len(), "way");
    match (broken, unknown) {
        (0, 0) => writeln!(out, "{ways} looked at, no break found"),
        (0, _) => {
            writeln!(out, "{ways} looked at, no break found; the first place where the code does not tell is named")
        }
        _ => writeln!(out, "{ways} looked at, {} found", count(broken, "break")),
    }
}
