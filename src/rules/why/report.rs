//! What is told of a place: plain records, printed as text or JSON.

use crate::analysis::StackReport;
use crate::ir::Language;
use schemars::JsonSchema;
use serde::Serialize;

/// How a place was judged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct WhyReport {
    /// The file.
    pub path: String,
    /// 1-based line.
    pub line: u32,
    /// The service that it belongs to.
    pub service: String,
    /// The service's language.
    pub language: Language,
    /// What traces the service.
    pub stacks: Vec<StackReport>,
    /// What keeps the whole file from being judged, or from being read to the end.
    pub limits: Vec<String>,
    /// The function that the line is in.
    pub function: Option<WhyFunction>,
    /// The calls on the line; those that a library describes come first.
    pub calls: Vec<WhyCall>,
    /// The findings that point to the line.
    pub findings: Vec<WhyFinding>,
    /// Hops of the file near a line that has none.
    pub nearest: Vec<WhyPlace>,
}

/// A place, and what is there.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
pub struct WhyPlace {
    /// What is there.
    pub text: String,
    /// The file.
    pub path: String,
    /// 1-based line.
    pub line: u32,
}

/// How a function comes to run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct WhyFunction {
    /// Its name.
    pub name: String,
    /// How it comes to run.
    pub runs: String,
    /// The way of the trace from where it comes in down to the function; empty where no way was found.
    pub chain: Vec<WhyPlace>,
    /// The parameter by which a context comes in.
    pub context: Option<WhyPlace>,
    /// Whether rules take it that a trace can be current here.
    pub can_hold_trace: bool,
    /// Calls of it in the tree, at most eight.
    pub callers: Vec<WhyPlace>,
    /// Where the search for callers ends: functions that nothing in the tree is seen to call.
    pub ends: Vec<WhyPlace>,
}

/// One call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct WhyCall {
    /// The callee as written.
    pub text: String,
    /// 1-based line at which it begins.
    pub line: u32,
    /// The qualified name of what it runs, as far as it is known.
    pub name: Option<String>,
    /// The library that describes it, by title.
    pub library: Option<String>,
    /// What it does for the trace.
    pub does: Vec<String>,
    /// The service's own functions that it may run.
    pub runs: Vec<WhyPlace>,
    /// Why it is not known what it runs: the way back to where types or names stop.
    pub stopped: Vec<WhyPlace>,
    /// Whether the service's stacks instrument the library, and how that is known.
    pub coverage: Option<String>,
    /// The verdicts of the rules.
    pub verdicts: Vec<WhyVerdict>,
    /// The values that matter: context, client, message, task.
    pub values: Vec<WhyValue>,
}

/// What a rule says of a hop.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct WhyVerdict {
    /// The rule.
    pub rule: String,
    /// `carried`, `broken`, `unknown` or `not judged`.
    pub verdict: String,
    /// Why.
    pub because: String,
}

/// A value that matters for a hop, and where it comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct WhyValue {
    /// What it is for the hop.
    pub role: String,
    /// Its place in the call, as descriptions write it.
    pub slot: String,
    /// It as written; empty for one that no value stands for.
    pub text: String,
    /// Its type, where known.
    pub ty: Option<String>,
    /// Where it comes from.
    pub origins: Vec<WhyOrigin>,
}

/// One end of the search for where a value comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct WhyOrigin {
    /// What was found, or why the search stopped.
    pub what: String,
    /// Where.
    pub at: WhyPlace,
    /// For what a call makes: `plain`, `instrumented` or `unknown`.
    pub state: Option<String>,
    /// What that verdict rests on.
    pub because: Vec<WhyPlace>,
}

/// A finding that points to the line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct WhyFinding {
    /// The rule.
    pub rule: String,
    /// The message.
    pub message: String,
    /// Where it is reported.
    pub at: WhyPlace,
}

impl WhyReport {
    /// Whether something on the line matters for a trace.
    pub fn is_about_something(&self) -> bool {
        let matters = |call: &WhyCall| call.library.is_some() || !call.verdicts.is_empty();
        self.calls.iter().any(matters) || !self.findings.is_empty()
    }

    /// Gives every path to a function that may change it.
    pub fn each_path(&mut self, change: &mut dyn FnMut(&mut String)) {
        change(&mut self.path);
        self.stacks.iter_mut().for_each(|stack| change(&mut stack.path));
        let function = self.function.iter_mut().flat_map(|function| {
            let lists = [&mut function.chain, &mut function.callers, &mut function.ends];
            lists.into_iter().flatten().chain(&mut function.context)
        });
        let calls = self.calls.iter_mut().flat_map(|call| {
            let origins = call.values.iter_mut().flat_map(|value| &mut value.origins);
            let origins = origins.flat_map(|origin| std::iter::once(&mut origin.at).chain(&mut origin.because));
            call.runs.iter_mut().chain(&mut call.stopped).chain(origins)
        });
        let findings = self.findings.iter_mut().map(|finding| &mut finding.at);
        let places = function.chain(calls).chain(findings).chain(&mut self.nearest);
        places.for_each(|place| change(&mut place.path));
    }
}
