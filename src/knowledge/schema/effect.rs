//! What a call does to a trace.

use super::Slot;
use serde::{Deserialize, Serialize};
use ustr::Ustr;

/// What kind of boundary a call crosses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum HopKind {
    /// Outbound HTTP.
    HttpCall,
    /// Outbound RPC.
    RpcCall,
    /// A message leaves.
    Produce,
    /// Messages arrive (poll, receive, subscribe).
    Consume,
    /// A server starts or a handler is mounted.
    Serve,
    /// A database or cache is asked.
    Store,
}

/// A boundary.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Hop {
    /// What kind.
    pub kind: HopKind,
    /// Where the context comes from: `arg 0` (Go ctx), `arg 0` of type request, `receiver`, `ambient`, `none` (a variant
    /// that can carry no context).
    #[serde(default = "ambient")]
    pub context: Slot,
    /// The client instance whose instrumentation decides; `none` when only a global switch can.
    #[serde(default = "receiver")]
    pub client: Slot,
    /// The message, request or headers on which a manual inject counts.
    #[serde(default = "no_slot")]
    pub carrier: Slot,
}

pub(super) fn ambient() -> Slot {
    Slot::Ambient
}

pub(super) fn receiver() -> Slot {
    Slot::Receiver
}

fn no_slot() -> Slot {
    Slot::None
}

pub(super) fn result() -> Slot {
    Slot::Result(0)
}

/// By what a call is known whose callee is not seen: it hands out a context and a span, and that is ended.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Likeness {
    /// Parts of the callee's name, in lower case, of which it has one.
    pub words: Vec<String>,
    /// The methods that end such a span, of which one is called on it.
    pub ended_by: Vec<Ustr>,
}

/// A call that starts a span.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SpanEffect {
    /// Where the parent comes from.
    #[serde(default = "ambient")]
    pub context: Slot,
    /// Where the span comes out.
    #[serde(default = "result")]
    pub span: Slot,
    /// Where the derived context comes out; `none` where the API has none.
    #[serde(default = "no_slot")]
    pub derived: Slot,
    /// Whether the call itself makes the span current (scope or `with` included).
    #[serde(default)]
    pub current: bool,
    /// Whether somebody must end it (false for callback styles and self-ending managers).
    #[serde(default = "yes")]
    pub must_end: bool,
    /// Whether the span has a kind, which is one inside the process unless the call is told another.
    #[serde(default)]
    pub has_kind: bool,
    /// Whether who asks for the current span is given it while it lasts, though nothing makes it current.
    #[serde(default)]
    pub is_found: bool,
    /// Whether it only makes the span, which another call begins; nothing has to end a span that never began.
    #[serde(default)]
    pub unbegun: bool,
}

fn yes() -> bool {
    true
}

/// A call that writes a context into a carrier.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InjectEffect {
    /// The context.
    #[serde(default = "ambient")]
    pub context: Slot,
    /// The carrier.
    pub carrier: Slot,
}

/// A call that reads a context from a carrier.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExtractEffect {
    /// The carrier.
    pub carrier: Slot,
    /// Where the context comes out.
    #[serde(default = "result")]
    pub context: Slot,
}

/// How work is handed to another thread, task or goroutine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum SpawnKind {
    /// A new thread.
    Thread,
    /// A pool.
    Executor,
    /// A future's stage.
    Future,
    /// A timer or schedule: runs as a root by design.
    Timer,
    /// An asyncio task, a coroutine: copies the context.
    Task,
    /// A goroutine group.
    Goroutine,
    /// A callback of the framework on another thread.
    Callback,
}

/// A call that runs a function elsewhere.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Spawn {
    /// How.
    pub kind: SpawnKind,
    /// The function that runs.
    pub task: Slot,
    /// The executor it runs on; `none` for the runtime's common pool.
    #[serde(default = "receiver")]
    pub executor: Slot,
    /// Whether the ambient context goes along by itself.
    #[serde(default)]
    pub carries: bool,
    /// Whether it runs on the pool of the task that it stands in, where it stands in one.
    #[serde(default)]
    pub on_pool_of_task: bool,
    /// Whether it begins without the context variables of its caller.
    #[serde(default)]
    pub without_variables: bool,
    /// The version of the language from which it runs the work where it stands, no longer in a task of its own.
    #[serde(default)]
    pub task_before: Option<(u32, u32)>,
}

/// A call that registers a handler which the library calls for inbound work.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Registers {
    /// The handler.
    pub handler: Slot,
    /// The server or router it is registered on.
    #[serde(default = "receiver")]
    pub on: Slot,
    /// The path that requests to the handler have, where it is one path or pattern and not all that begin with it.
    #[serde(default = "no_slot")]
    pub path: Slot,
    /// Whether the handler is a root by design (health checks, shutdown hooks, start-up, signal handlers, CLI commands).
    #[serde(default)]
    pub root: bool,
}

/// Process-wide settings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Setting {
    /// The text map propagator.
    Propagator,
    /// The tracer provider.
    TracerProvider,
    /// Everything at once, propagator included (auto-configuration, vendor `start()`).
    Everything,
}

/// What a sampler does without a parent-based wrapper.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Sampler {
    /// Decides by ratio, whatever the parent decided.
    Ratio,
    /// Always on, whatever the parent decided.
    AlwaysOn,
    /// Always off.
    AlwaysOff,
    /// Follows the parent.
    ParentBased,
    /// Remote-controlled or other root sampler, whatever the parent decided.
    Remote,
}

/// What ends something that sends spans in batches.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CloserEffect {
    /// Where it comes out.
    pub at: Slot,
    /// Its methods that send what is held back.
    pub by: Vec<Ustr>,
}

/// The end of a function in its library.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Removed {
    /// The dependency that has it, as manifests name it.
    pub dependency: String,
    /// The first version without it.
    pub version: String,
    /// What takes its place, for the help text.
    pub instead: String,
}

/// A log call.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LogEffect {
    /// Where the context goes; `none` for a variant without one.
    pub context: Slot,
    /// The variant that takes one, for the help text.
    #[serde(default)]
    pub instead: Ustr,
}

/// A call that puts the id of the current trace on log records, and in later versions only where it is told to.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LogIds {
    /// The package that the call is of, as manifests name it.
    pub package: String,
    /// The first version that has to be told.
    pub since: String,
    /// The arguments by which it is told.
    pub told_by: Vec<Ustr>,
    /// The variable of the environment by which it is told.
    pub variable: String,
    /// The field of records that holds the id.
    pub field: String,
}

/// A call that makes an attribute, or gives a span some.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AttributeEffect {
    /// Its key.
    #[serde(default = "no_slot")]
    pub key: Slot,
    /// Its value.
    #[serde(default = "no_slot")]
    pub value: Slot,
    /// A mapping of keys to values.
    #[serde(default = "no_slot")]
    pub entries: Slot,
}

/// What an address must look like.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AddressForm {
    /// A URL with its scheme.
    Url,
    /// A host and a port, without scheme and path.
    HostPort,
    /// Either.
    Any,
}

/// The address that a call gives an exporter.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EndpointEffect {
    /// The places in the call that may hold it.
    pub at: Vec<Slot>,
    /// What it must look like.
    pub form: AddressForm,
    /// The path that a URL must end in, as the exporter adds none; empty where it needs none.
    #[serde(default)]
    pub path: String,
    /// The dependency, and its first version, from which on the path is needed; empty where it always is.
    #[serde(default)]
    pub path_since: Vec<String>,
    /// The port that by convention speaks another protocol than the exporter.
    pub other_port: u16,
    /// The port that by convention speaks its own.
    pub own_port: u16,
}

/// Which calls of a server an option of it is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CallShape {
    /// One request, one answer.
    Unary,
    /// Those that stay open.
    Stream,
}

/// What ends a context that a call makes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ContextEnd {
    /// The process is told to stop.
    Signal,
    /// The group that comes with it is waited for: the context is the second result.
    Group,
    /// The function that comes with it, the second result, is called.
    Call,
}

/// Where a setting comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SettingSource {
    /// The environment of the process.
    Environment,
    /// The application's own settings, by whatever means they are given.
    Application,
}

/// A call, variable or annotation that reads a setting.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReadEffect {
    /// Where it comes from.
    pub from: SettingSource,
    /// Its name; of a variable that settings are read from, the index names it.
    #[serde(default = "no_slot")]
    pub key: Slot,
    /// What takes its place where it is not set.
    #[serde(default = "no_slot")]
    pub default: Slot,
}
