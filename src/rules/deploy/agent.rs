//! `instrumentation-not-loaded`: an agent that lies in an image, and that nothing loads.

use super::super::Verdicts;
use super::Material;
use crate::finding::{Confidence, Finding, Related, Severity};

/// Reports the agents that no start names.
pub(super) fn check(material: &Material<'_>, out: &mut Verdicts) {
    for agent in &material.deployment.agents {
        let Some((name, _)) = agent.runs.first() else { continue };
        let (jar, title) = (&agent.jar, agent.title);
        let mut found = Finding::new("instrumentation-not-loaded", agent.place, Confidence::Likely);
        found.message = format!("`{jar}` ({title}) is put into the image of {name}, and nothing loads it");
        // Whoever runs the image may be told to switch it on.
        found.severity = Some(Severity::Info);
        found.label = "never loaded".to_owned();
        found.effect =
            format!("{name} makes no spans and sends no trace header: each service behind it starts a new trace");
        found.help = format!(
            "start it with `-javaagent:…/{jar}`, or name it in `JAVA_TOOL_OPTIONS`; this assumes that it is deployed as the compose files say, and that nobody is meant to switch it on by hand"
        );
        found.confirm =
            format!("look for the agent's version in the first lines of the log of {name}: it is not there");
        found.service.clone_from(name);
        found.related.push(Related { place: agent.start, message: "the program is started without it".to_owned() });
        let runs = agent.runs.iter().map(|(name, place)| Related { place: *place, message: format!("{name} runs it") });
        found.related.extend(runs);
        out.findings.push(found);
    }
}
