//! A page under `rules/stacks/`: what one tracing stack is, how it is switched on and what it covers.

use super::{AddressSetting, Brought, CoversSince, NewerNeed, PlatformSwitch, Since, Switch, Until, globs};
use crate::ir::Language;
use crate::services::asked::Asked;
use crate::services::loads::Loads;
use serde::Deserialize;

/// One tracing stack, as its page under `rules/stacks/` describes it.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StackDescription {
    /// The page's file name without its extension.
    pub id: String,
    /// Its name for people.
    pub title: String,
    /// Stacks of a family share an API and a wire format (`opentelemetry`, `datadog`).
    pub family: String,
    /// The languages of the services it traces.
    pub languages: Vec<Language>,
    /// Glob patterns; a dependency that matches one makes the stack available.
    #[serde(default)]
    pub dependencies: Vec<String>,
    /// Dependencies that make it available with some versions of a framework, and bring all that it needs.
    #[serde(default)]
    pub brought_by: Vec<Brought>,
    /// Dependencies that must all be there besides, for the auto-configuration to happen.
    #[serde(default)]
    pub requires: Vec<String>,
    /// What newer versions of a framework require besides.
    #[serde(default)]
    pub requires_from: Vec<NewerNeed>,
    /// Other dependencies that bring what is required along.
    #[serde(default)]
    pub required_by: Vec<String>,
    /// Glob patterns of dependencies of which it is known what they bring along: what is required comes with none of them
    /// that `required_by` does not name.
    #[serde(default)]
    pub transparent: Vec<String>,
    /// Glob patterns of dependencies that are declared for its sake and do nothing unless it is switched on: exporters,
    /// packages of instrumentation.
    #[serde(default)]
    pub companions: Vec<String>,
    /// How it is switched on where a companion is declared alone.
    #[serde(default)]
    pub switch_on: String,
    /// Whether the dependency alone switches nothing on.
    pub needs_code: bool,
    /// Whether its library sets itself up, by the environment, where code uses it.
    #[serde(default)]
    pub sets_itself_up: bool,
    /// Whether what it sets up is handed out by a container alone, and the one of the whole process stays unset.
    #[serde(default)]
    pub leaves_global: bool,
    /// Whether the dependency alone switches it on.
    #[serde(default)]
    pub auto_configuration: bool,
    /// Commands that wrap the process; words that must follow each other.
    #[serde(default)]
    pub launchers: Vec<String>,
    /// Regular expressions on the path of a `-javaagent:` jar.
    #[serde(default)]
    pub agents: Vec<String>,
    /// Regular expressions on build commands.
    #[serde(default)]
    pub build_tools: Vec<String>,
    /// Regular expressions on the image of a container that traces its neighbours.
    #[serde(default)]
    pub images: Vec<String>,
    /// Regular expressions on base images that start what is put into them under the agent.
    #[serde(default)]
    pub base_images: Vec<String>,
    /// Environment variables that switch it on.
    #[serde(default)]
    pub environment: Vec<Switch>,
    /// Environment variables that switch it off.
    #[serde(default)]
    pub disabled_by: Vec<Switch>,
    /// Annotations (or labels) on a pod template that switch it on.
    #[serde(default)]
    pub annotations: Vec<Switch>,
    /// Resources of a platform that start a service under it.
    #[serde(default)]
    pub resources: Vec<PlatformSwitch>,
    /// Regular expressions on the paths of files that say to it how to trace, and are put into an image for nothing else.
    #[serde(default)]
    pub settings_files: Vec<String>,
    /// Build plugins (as dependencies of the build) that put its dependencies into the program.
    #[serde(default)]
    pub build_plugins: Vec<String>,
    /// Ids of the libraries it instruments with no code; `*` for all but `except`.
    #[serde(default)]
    pub covers: Vec<String>,
    /// Which of these it instruments only with newer versions of a framework.
    #[serde(default)]
    pub covers_since: Vec<CoversSince>,
    /// How a client of a covered library must be made to be instrumented, by the library's id; without an entry, in
    /// whatever way.
    #[serde(default)]
    pub reach: std::collections::BTreeMap<String, Reach>,
    /// Ids of libraries in whose processes it finds the context of the current invocation on any thread.
    #[serde(default)]
    pub on_any_thread: Vec<String>,
    /// Ids of the libraries that `*` leaves out.
    #[serde(default)]
    pub except: Vec<String>,
    /// Libraries of those that it covers that it carries traces through only where it is asked to.
    #[serde(default)]
    pub asked: Vec<Asked>,
    /// What its launcher loads, where that is what is installed and not all that it covers.
    #[serde(default)]
    pub loads: Option<Loads>,
    /// Whether it puts the ids of the current span into the logging context, so that log records are part of its traces.
    #[serde(default)]
    pub logs_ids: bool,
    /// The versions of a framework whose own form of log records holds the ids that it puts into the logging context.
    #[serde(default)]
    pub prints_ids: Vec<Since>,
    /// The setting by which the application says what share of its traces it keeps, where the default leaves out most.
    #[serde(default)]
    pub share_setting: String,
    /// Parts of the names of dependencies that send its spans on; without one of them it keeps none, whatever the share.
    #[serde(default)]
    pub exported_by: Vec<String>,
    /// Starts of the names of the variables by which it is set up.
    #[serde(default)]
    pub variables: Vec<String>,
    /// Words by one of which the environment names the service.
    #[serde(default)]
    pub names_service: Vec<String>,
    /// The keys under which the id of the current trace stands in the logging context.
    #[serde(default)]
    pub log_keys: Vec<String>,
    /// The keys under which only former versions put it there.
    #[serde(default)]
    pub former_log_keys: Vec<Until>,
    /// The dependencies by which it puts the id there, where it does so by none of its own.
    #[serde(default)]
    pub log_fillers: Vec<String>,
    /// Whether its backend knows traces by decimal numbers.
    #[serde(default)]
    pub decimal_ids: bool,
    /// Whether it sends log records to its backend itself, with the ids, whatever a pattern prints.
    #[serde(default)]
    pub sends_logs: bool,
    /// Settings of the application that name the file which says how log records are written.
    #[serde(default)]
    pub log_files: Vec<String>,
    /// Settings of the application that hold a pattern by which log records are written.
    #[serde(default)]
    pub log_patterns: Vec<String>,
    /// Settings that hold the part of such a pattern in which the framework's own prints the level of a record, and with it
    /// the ids.
    #[serde(default)]
    pub log_levels: Vec<String>,
    /// Settings and dependencies by which log records are written with all that the logging context holds.
    #[serde(default)]
    pub structured_logs: Vec<String>,
    /// The formats it reads and writes when nothing else is said.
    #[serde(default)]
    pub propagators: Vec<String>,
    /// Names in code by which tracing is switched on, for a product that does something else without them. Empty: it
    /// always traces.
    #[serde(default)]
    pub tracing_words: Vec<String>,
    /// Settings of the application by which tracing is switched on, for the same product, where they are neither zero nor
    /// false.
    #[serde(default)]
    pub tracing_settings: Vec<String>,
    /// Import prefixes that show that code uses it.
    #[serde(default)]
    pub imports: Vec<String>,
    /// Modules below those that set nothing up: tools that other code uses too.
    #[serde(default)]
    pub imports_beside: Vec<String>,
    /// Regular expressions on the whole names of functions of modules from elsewhere that, by what they are called, set it up.
    #[serde(default)]
    pub set_up_names: Vec<String>,
    /// Go modules that a program holds by way of others where a package of its organisation's own sets it up: exporters of
    /// spans.
    #[serde(default)]
    pub brought: Vec<String>,
    /// Modules that make spans through its API, whoever sets it up.
    #[serde(default)]
    pub used_through: Vec<String>,
    /// Modules whose import alone instruments what it covers: it patches while it is loaded.
    #[serde(default)]
    pub patching_imports: Vec<String>,
    /// Names that a framework's settings list as text, by which it loads the stack: all that it covers is instrumented.
    #[serde(default)]
    pub listed_as: Vec<String>,
    /// Settings of the application by which it is switched off.
    #[serde(default)]
    pub refused_by: Vec<String>,
    /// Sections of a program's own settings with which a framework sets it up.
    #[serde(default)]
    pub sections: Vec<Section>,
    /// Settings of the application that say where spans are sent to, each with the versions of the framework that read it.
    #[serde(default)]
    pub address_settings: Vec<AddressSetting>,
    /// The setting that names the application.
    #[serde(default)]
    pub application_name: String,
    /// Settings of the application (or how their names start) by which it takes others from elsewhere.
    #[serde(default)]
    pub imports_settings: Vec<String>,
    /// Dependencies with which the application fetches settings when it starts.
    #[serde(default)]
    pub fetches_settings: Vec<String>,
    /// Where all this is written.
    pub sources: Vec<String>,
}

/// A section of a program's own settings with which a framework sets a stack up.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Section {
    /// The framework.
    pub dependency: String,
    /// The name of the folders in which its programs keep their settings.
    pub folder: String,
    /// The section's key, at the top of a YAML file.
    pub key: String,
    /// What it must say for spans to go anywhere.
    pub needs: String,
}

/// Which clients of a library a stack instruments, from all to few.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reach {
    /// All of them.
    #[default]
    All,
    /// Those that the container keeps, as a post-processor sees them, and those made by a builder that it injects.
    Managed,
    /// Only those made by a builder that the container injects.
    Injected,
}

impl Reach {
    /// For people.
    pub fn words(self) -> &'static str {
        match self {
            Self::All => "every client",
            Self::Managed => "clients that the container keeps or that an injected builder makes",
            Self::Injected => "clients that an injected builder makes",
        }
    }
}

impl StackDescription {
    /// Whether it instruments a library that it covers with the versions of the frameworks that a program is built with;
    /// `version` tells that of the dependencies of a group, where it is known.
    pub fn covers_with(&self, library: &str, version: impl Fn(&str) -> Option<(u32, u32)>) -> bool {
        self.covers_since.iter().filter(|since| since.library == library).all(|since| {
            let known = version(&since.platform).zip(crate::study::minor(&since.from));
            known.is_none_or(|(version, from)| version >= from)
        })
    }

    /// The first dependency that it requires and that is not among these, by `has`. `version` tells the version of the
    /// dependencies of a group, where it is known.
    pub fn missing(&self, has: impl Fn(&str) -> bool, version: impl Fn(&str) -> Option<(u32, u32)>) -> Option<&str> {
        if self.required_by.iter().any(|name| has(name)) {
            return None;
        }
        let is_newer = |need: &&NewerNeed| {
            let from = crate::study::minor(&need.from);
            version(&need.platform).zip(from).is_some_and(|(version, from)| version >= from)
        };
        let newer = self.requires_from.iter().filter(is_newer).map(|need| need.name.as_str());
        newer.chain(self.requires.iter().map(String::as_str)).find(|name| !has(name))
    }

    /// Whether it is known what a dependency brings along.
    pub fn is_transparent(&self, dependency: &str) -> bool {
        !self.transparent.is_empty() && globs(&self.transparent).is_ok_and(|set| set.is_match(dependency))
    }

    /// Whether somebody declares this dependency only for the stack's sake.
    pub fn is_companion(&self, dependency: &str) -> bool {
        globs(&self.companions).is_ok_and(|set| set.is_match(dependency))
    }
}
