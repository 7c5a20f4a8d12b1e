//! Types of a library: clients, servers, contexts, spans.

use super::SettingSource;
use serde::{Deserialize, Serialize};
use ustr::Ustr;

/// What a type is for the trace.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum TypeRole {
    /// Go `context.Context`, `io.opentelemetry.context.Context`.
    Context,
    /// An inbound or outbound request that has a context (`*http.Request`, `gin.Context`, Django's request).
    Request,
    /// An outbound HTTP client or session, or its builder.
    HttpClient,
    /// A transport, interceptor, hook or option that can carry instrumentation into a client or server.
    Middleware,
    /// An RPC channel, connection or stub.
    RpcChannel,
    /// An RPC or HTTP server, router or app.
    Server,
    /// A message producer or publisher.
    Producer,
    /// A message consumer.
    Consumer,
    /// A message, record or delivery.
    Message,
    /// An executor, pool or scheduler.
    Executor,
    /// A thread or process object.
    Thread,
    /// A span.
    Span,
    /// What identifies a span elsewhere: whoever writes it into a message writes the trace.
    SpanContext,
    /// What must be closed to stop being current.
    Scope,
    /// Something that starts spans.
    Tracer,
    /// Something that injects and extracts.
    Propagator,
    /// A carrier of headers.
    Carrier,
    /// A logger.
    Logger,
    /// A tracer provider, exporter, processor.
    Provider,
    /// The invocation of a command line, or a step in the life of the process: whoever takes one works for an operator
    /// or at start-up, not for a request.
    Command,
    /// What hands out moments by itself, or the channel on which it does (Go `time.Ticker`): what waits for them over and
    /// over runs by the clock, for no request.
    Clock,
    /// Settings and policies of a client or server, which can hold nothing that traces: timeouts, retries, routes.
    Settings,
    /// Anything else that types are tracked through.
    #[default]
    Other,
}

/// A type of a library.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TypeDescription {
    /// Qualified names with the same description.
    pub names: Vec<Ustr>,
    /// What it is for the trace.
    pub role: TypeRole,
    /// Supertypes whose methods it has.
    #[serde(default)]
    pub supers: Vec<Ustr>,
    /// Types of its fields.
    #[serde(default)]
    pub fields: std::collections::BTreeMap<Ustr, Ustr>,
    /// What a field stands for while it is not set: a variable of the library that the whole process shares.
    #[serde(default)]
    pub defaults: std::collections::BTreeMap<Ustr, Ustr>,
    /// Having a value of this type (or deriving from it) is instrumentation itself.
    #[serde(default)]
    pub instrumented: bool,
    /// A request type that is also a context, but hands out the request's values only when this field is set.
    #[serde(default)]
    pub context_switch: Ustr,
    /// How code asks a request type for its context, after a dot: `Request.Context()`; `Context()` where nothing is said.
    #[serde(default)]
    pub asked_by: Ustr,
    /// Fields of a message that name where the answer to it goes: what is sent there ends a conversation whose trace the
    /// asking side has.
    #[serde(default)]
    pub reply_to: Vec<Ustr>,
    /// Methods that the library calls for inbound work on whatever extends or implements it: `doGet`, `onMessage`. `*`
    /// stands for every method that overrides one of its own.
    #[serde(default)]
    pub entry_methods: Vec<Ustr>,
    /// Fields of whatever extends it that list, by their names, further methods which the library calls for inbound work.
    #[serde(default)]
    pub entry_lists: Vec<Ustr>,
    /// Methods that it calls as roots by design: jobs, start-up, shutdown, health checks.
    #[serde(default)]
    pub root_methods: Vec<Ustr>,
    /// It is an address whose text, from this major version of the library on, ends with a slash where it has no path:
    /// no port can be put after it.
    #[serde(default)]
    pub ends_with_slash_from: Option<u32>,
    /// The fields of whatever extends it are settings of their names, in capitals, from here.
    #[serde(default)]
    pub fields_from: Option<SettingSource>,
    /// The executors that it hands to methods of whatever extends or implements it run work as it is, without a trace.
    #[serde(default)]
    pub plain_executors: bool,
    /// Whatever implements it is given all that a container makes, and may instrument it (Java).
    #[serde(default)]
    pub sees_all_beans: bool,
    /// The names under which a container hands out a plain one of its own, where the application makes none (Java).
    #[serde(default)]
    pub provided_as: Vec<Ustr>,
    /// The method by which whatever extends it, a sampler of the program's own, says whether a trace is kept.
    #[serde(default)]
    pub samples_by: Ustr,
    /// Whatever implements it says where it stands among others of its kind.
    #[serde(default)]
    pub ordered: bool,
    /// It reads files, though what makes it also opens connections to others.
    #[serde(default)]
    pub reads_files: bool,
    /// Methods that the library calls, on whatever implements it, with the events that somebody publishes.
    #[serde(default)]
    pub listener_methods: Vec<Ustr>,
    /// Methods that it runs, for each request that it is given, on what one of its fields holds, by the field.
    #[serde(default)]
    pub runs: std::collections::BTreeMap<Ustr, Ustr>,
    /// Methods by which it hands out another one like itself, each with the calls that ask for it: what embeds it and adds
    /// something needs those of its own (Go).
    #[serde(default)]
    pub hands_out: std::collections::BTreeMap<Ustr, Vec<Ustr>>,
    /// It runs the handlers that come after the function that is given it: that one is a filter before them.
    #[serde(default)]
    pub goes_on: bool,
    /// There is one only while a request that came in is served: whatever takes it runs for inbound work.
    #[serde(default)]
    pub inbound: bool,
}
