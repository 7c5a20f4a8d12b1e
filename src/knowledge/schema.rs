//! The vocabulary of library descriptions.
//!
//! Names are qualified without type arguments, pointers or parameters: `net/http.Client.Do`, `requests.Session.get`,
//! `org.springframework.web.client.RestTemplate.exchange`. A constructor, a Go composite literal and a Python class
//! call all carry the type's own name (`net/http.Client`, `requests.Session`). A name may end in `.*`: any method.
//!
//! Generated code has a name of its own in each service. A name that begins with `*` stands for all names that end so:
//! `*Grpc.newStub`. In it a `*` stands for any part of one segment: `*Grpc.*ImplBase`, `*_pb2_grpc.*Stub.*`.

use serde::{Deserialize, Serialize};
use ustr::Ustr;

/// Where in a call something is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Slot {
    /// The value before the dot.
    Receiver,
    /// A positional argument, counted from 0 (Python and Java methods without `self`/`this`).
    Arg(u8),
    /// A keyword argument, or a Go composite literal's field.
    Named(Ustr),
    /// A result, counted from 0.
    Result(u8),
    /// Any argument.
    AnyArg,
    /// A variable of a library that the whole process shares (`net/http.DefaultClient`).
    Global(Ustr),
    /// The ambient context: what is current on this thread, task or goroutine.
    Ambient,
    /// Nothing: the library takes none here (the call variant carries no context).
    None,
}

impl std::fmt::Display for Slot {
    /// Writes it as descriptions do.
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Receiver => out.write_str("receiver"),
            Self::Arg(n) => write!(out, "arg {n}"),
            Self::Named(name) => write!(out, "arg {name}"),
            Self::Result(0) => out.write_str("result"),
            Self::Result(n) => write!(out, "result {n}"),
            Self::AnyArg => out.write_str("args"),
            Self::Global(name) => write!(out, "global {name}"),
            Self::Ambient => out.write_str("ambient"),
            Self::None => out.write_str("none"),
        }
    }
}

impl std::str::FromStr for Slot {
    type Err = String;

    /// Reads `receiver`, `result`, `result 1`, `arg 0`, `arg headers`, `args`, `global net/http.DefaultClient`, `ambient`,
    /// `none`.
    fn from_str(text: &str) -> Result<Self, String> {
        Ok(match text {
            "receiver" => Self::Receiver,
            "result" => Self::Result(0),
            "args" => Self::AnyArg,
            "ambient" => Self::Ambient,
            "none" => Self::None,
            _ => match text.split_once(' ') {
                Some(("result", n)) => Self::Result(n.parse().map_err(|_| format!("`{n}` is no result number"))?),
                Some(("global", name)) => Self::Global(Ustr::from(name)),
                Some(("arg", name)) => name.parse().map_or_else(|_| Self::Named(Ustr::from(name)), Self::Arg),
                _ => {
                    return Err(format!(
                        "`{text}` is no place in a call: receiver, result N, arg N, arg name, args, global name, ambient, none"
                    ));
                }
            },
        })
    }
}

impl<'de> Deserialize<'de> for Slot {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// One library.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LibraryDescription {
    /// Its id, used by stacks' `covers` and by `switches_on`: `net-http`, `requests`, `kafka-clients`.
    pub id: String,
    /// Its name for people.
    pub title: String,
    /// Import prefixes by which code uses it: Go import paths, Python modules, Java packages.
    #[serde(default)]
    pub modules: Vec<String>,
    /// The family of the stacks whose spans it starts, where those of other families are no parents for them.
    #[serde(default)]
    pub family: String,
    /// A trace travels by other libraries only: a file that imports none but passive ones can hold no finding.
    #[serde(default)]
    pub passive: bool,
    /// Only tests use it: a file that imports it is support for them.
    #[serde(default)]
    pub tests: bool,
    /// Whoever uses it may have the ids of the current span on log records, whatever their form says.
    #[serde(default)]
    pub log_ids: bool,
    /// Names in manifests: Go module paths, Python distributions, Java `group:artifact`.
    #[serde(default)]
    pub dependencies: Vec<String>,
    /// Ids of stacks (`rules/stacks/`) whose agent or launcher instruments it without a change in code, beyond those
    /// whose own page says that they cover it.
    #[serde(default)]
    pub covered_by: Vec<String>,
    /// Id of the library by whose clients it sends, made out of sight: what instruments all of those covers this one too.
    #[serde(default)]
    pub through: String,
    /// How to mend an uninstrumented use, for the help text: `wrap its Transport in otelhttp.NewTransport`.
    #[serde(default)]
    pub mend: String,
    /// Settings by which a framework instruments the instances that it makes itself.
    #[serde(default, rename = "setting")]
    pub settings: Vec<SettingDescription>,
    /// Names by which code that is not seen is plugged into an instance: where one is written, nothing can be said.
    #[serde(default)]
    pub plugs: Vec<Ustr>,
    /// Names of the code that is generated for remote services.
    #[serde(default)]
    pub stubs: Option<StubNames>,
    /// The types that matter.
    #[serde(default, rename = "type")]
    pub types: Vec<TypeDescription>,
    /// The functions and methods that matter.
    #[serde(default, rename = "function")]
    pub functions: Vec<FunctionDescription>,
    /// Annotations and decorators that matter.
    #[serde(default, rename = "annotation")]
    pub annotations: Vec<AnnotationDescription>,
}

/// How code that is generated for a remote service is named; a `*` stands for the service's name.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StubNames {
    /// What makes a client of it: the last segment of a function's name, or the last two.
    pub clients: Vec<String>,
    /// What registers an implementation of it, or the type that an implementation extends.
    pub servers: Vec<String>,
}

/// A setting that is off unless the application sets it, and by which a framework instruments a library.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SettingDescription {
    /// Its name in the application's settings.
    pub name: String,
    /// Others that do the same for a part of the instances.
    #[serde(default)]
    pub also: Vec<String>,
    /// The family of the stacks that read it.
    pub family: String,
    /// Dependencies without one of which the instances go by other means, of which the setting says nothing.
    #[serde(default)]
    pub needs: Vec<String>,
    /// Dependencies with any of which the same holds.
    #[serde(default)]
    pub unless: Vec<String>,
    /// Whether it is about those who send or about those who receive.
    pub role: TypeRole,
    /// The types whose instances it is applied to; one that the application makes itself must be told in code.
    pub types: Vec<Ustr>,
}

/// What a type is for the trace.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize, Serialize)]
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
    /// Anything else that types are tracked through.
    Other,
}

/// A type of a library.
#[derive(Debug, Deserialize)]
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
    /// Methods that the library calls for inbound work on whatever extends or implements it: `doGet`, `onMessage`. `*`
    /// stands for every method that overrides one of its own.
    #[serde(default)]
    pub entry_methods: Vec<Ustr>,
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
}

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

fn ambient() -> Slot {
    Slot::Ambient
}
fn receiver() -> Slot {
    Slot::Receiver
}
fn no_slot() -> Slot {
    Slot::None
}
fn result() -> Slot {
    Slot::Result(0)
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
    /// The port that by convention speaks another protocol than the exporter.
    pub other_port: u16,
    /// The port that by convention speaks its own.
    pub own_port: u16,
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

/// A function or method of a library.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FunctionDescription {
    /// Qualified names with the same description.
    pub names: Vec<Ustr>,
    /// Types of its results: one string each, empty for one that is not tracked.
    #[serde(default)]
    pub returns: Vec<Ustr>,
    /// The result continues this value: a derived context, the next builder of a chain, a wrapper around it.
    #[serde(default)]
    pub derives: Option<Slot>,
    /// The result is a fresh root context.
    #[serde(default)]
    pub root_context: bool,
    /// It sends on a request as it came in, with its headers: a trace header that came in goes out again unchanged.
    #[serde(default)]
    pub forwards: bool,
    /// The result keeps the values (and the trace) of this context but not its cancellation.
    #[serde(default)]
    pub detaches: Option<Slot>,
    /// The result is the context inside this value (a request's context, a server call's context).
    #[serde(default)]
    pub context_of: Option<Slot>,
    /// The call puts this context (or span) into its result or receiver: `req.WithContext(ctx)`, `ContextWithSpan(ctx, s)`.
    #[serde(default)]
    pub binds_context: Option<Slot>,
    /// It makes a new client, server, executor, producer: what is configured is in its arguments, later calls and fields.
    #[serde(default)]
    pub makes: Option<TypeRole>,
    /// It makes this instrumented: `result`, or something given (`receiver`, `arg 0`).
    #[serde(default)]
    pub instruments: Option<Slot>,
    /// It switches instrumentation on for these library ids, in the whole process.
    #[serde(default)]
    pub switches_on: Vec<String>,
    /// It takes the place of these constructors: only what is made by them afterwards is instrumented.
    #[serde(default)]
    pub replaces: Vec<Ustr>,
    /// It has no effect on an app that has started.
    #[serde(default)]
    pub before_start: bool,
    /// A boundary is crossed here.
    #[serde(default)]
    pub hop: Option<Hop>,
    /// Families of stacks whose instrumentation makes a span here that is over before the caller can do anything: nothing
    /// is current for what comes after it.
    #[serde(default)]
    pub over_under: Vec<String>,
    /// It starts a span.
    #[serde(default)]
    pub span: Option<SpanEffect>,
    /// It begins this span, which an earlier call only made.
    #[serde(default)]
    pub begins: Option<Slot>,
    /// It ends this span.
    #[serde(default)]
    pub ends: Option<Slot>,
    /// It makes this span or context current; the result is the scope or token.
    #[serde(default)]
    pub activates: Option<Slot>,
    /// It closes this scope or detaches this token.
    #[serde(default)]
    pub closes: Option<Slot>,
    /// It injects.
    #[serde(default)]
    pub inject: Option<InjectEffect>,
    /// It extracts.
    #[serde(default)]
    pub extract: Option<ExtractEffect>,
    /// It runs something elsewhere.
    #[serde(default)]
    pub spawns: Option<Spawn>,
    /// It runs these functions later, as steps of a pipeline in which nothing is current unless the library is told to
    /// put it there.
    #[serde(default)]
    pub steps: Option<Slot>,
    /// It wraps this task, executor or callable so that the context goes along.
    #[serde(default)]
    pub carries: Option<Slot>,
    /// It gives the executor on which listeners to events run from then on.
    #[serde(default)]
    pub runs_listeners: Option<Slot>,
    /// It hands this event to the listeners that take its type.
    #[serde(default)]
    pub publishes: Option<Slot>,
    /// It registers a handler.
    #[serde(default)]
    pub registers: Option<Registers>,
    /// It sets something process-wide.
    #[serde(default)]
    pub sets: Option<Setting>,
    /// Its result is a sampler.
    #[serde(default)]
    pub sampler: Option<Sampler>,
    /// It uses the sampler in this slot.
    #[serde(default)]
    pub uses_sampler: Option<Slot>,
    /// Its result exports every span at once on the calling thread.
    #[serde(default)]
    pub simple_processor: bool,
    /// It makes a tracer provider.
    #[serde(default)]
    pub tracer_provider: bool,
    /// The argument that, when it is false, leaves the provider's spans behind when the process ends; a provider without
    /// one always does.
    #[serde(default)]
    pub ends_unless: Ustr,
    /// It describes the service to the provider in this slot.
    #[serde(default)]
    pub resource: Option<Slot>,
    /// Its result holds spans back to export many at once.
    #[serde(default)]
    pub batches: bool,
    /// It exports at once what is held back.
    #[serde(default)]
    pub flushes: bool,
    /// Later versions of its library do not have it.
    #[serde(default)]
    pub removed: Option<Removed>,
    /// It logs.
    #[serde(default)]
    pub log: Option<LogEffect>,
    /// Places of a name that it gives a span.
    #[serde(default)]
    pub span_name: Vec<Slot>,
    /// It gives a span an attribute, or makes one.
    #[serde(default)]
    pub attribute: Option<AttributeEffect>,
    /// Log records are written in the form that stands in one of these, alone or in a table.
    #[serde(default)]
    pub log_format: Vec<Slot>,
    /// Log records pass through the functions listed here.
    #[serde(default)]
    pub log_processors: Option<Slot>,
    /// It writes whatever else a record holds, too.
    #[serde(default)]
    pub log_extras: bool,
    /// It leaves out the requests of which the function in this slot says no.
    #[serde(default)]
    pub filters: Option<Slot>,
    /// What it leaves out by a filter that it is given goes out without a header.
    #[serde(default)]
    pub filtered_bare: bool,
    /// Its result is an identifier of the current trace: `trace`, `span`.
    #[serde(default)]
    pub yields_id: Option<Ustr>,
    /// It starts a new root span or drops the parent on purpose (`WithNewRoot`, `setNoParent`).
    #[serde(default)]
    pub drops_parent: bool,
    /// Where this parent is `null`, the span is a root, whatever is current.
    #[serde(default)]
    pub root_if_none: Option<Slot>,
    /// It ties a span to another trace by a link, as a new root that is meant does.
    #[serde(default)]
    pub links: bool,
    /// It gives an exporter the address of the collector.
    #[serde(default)]
    pub endpoint: Option<EndpointEffect>,
    /// Places of the address (URL, or host and port) of whom it talks to, or whom what it makes talks to.
    #[serde(default)]
    pub address: Vec<Slot>,
    /// Places of the name of the topic, queue, subject or exchange.
    #[serde(default)]
    pub channel: Vec<Slot>,
    /// Places of the full name of a remote method: `/shop.Till/Pay`.
    #[serde(default)]
    pub method: Vec<Slot>,
    /// Its result is a setting.
    #[serde(default)]
    pub reads: Option<ReadEffect>,
    /// Its result is this text, with the arguments behind it in the places of `%s` or `{}`.
    #[serde(default)]
    pub formats: Option<Slot>,
    /// It copies or reads the MDC (logging context) so that another thread can set it.
    #[serde(default)]
    pub copies_mdc: bool,
    /// It puts an id into the MDC (logging context).
    #[serde(default)]
    pub puts_mdc: bool,
}

/// What an annotation or decorator does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum AnnotationRole {
    /// The method is called for inbound work.
    Entry,
    /// Every public method of the type is called for inbound work.
    EntryType,
    /// The method runs as a root by design (schedule, start-up, shutdown, signal, test, CLI command).
    Root,
    /// The method's result is managed by the container, where a stack's post-processor can instrument it.
    Bean,
    /// The container makes instances of the type.
    Component,
    /// The method runs on another thread when it is called.
    Async,
    /// The method has a span of its own, made current, where something weaves it.
    Span,
    /// A consumer of messages.
    Consumer,
    /// A task that is queued when called through its library.
    Task,
    /// The container fills the field or parameter.
    Inject,
    /// A declarative client.
    Client,
    /// The method is called for each event of the type that it takes, on the publisher's thread unless its bus has an
    /// executor.
    Listener,
    /// Turns asynchronous method execution on.
    EnablesAsync,
    /// The container makes only what the application names or what registers itself.
    Assembles,
    /// The container looks for what it makes among the application's classes.
    Scans,
    /// The function becomes a context manager or wrapper of its caller (Python `contextmanager`).
    ContextManager,
}

/// An annotation or decorator of a library.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AnnotationDescription {
    /// Qualified names with the same description. For decorators that are methods of an instance: `flask.Flask.route`.
    pub names: Vec<Ustr>,
    /// What it does.
    pub role: AnnotationRole,
    /// The argument that, when it is false, leaves the span open when the function returns: the function ends it itself.
    #[serde(default)]
    pub open_unless: Ustr,
    /// The type that takes the function's place: what is called on the decorated name is a method of it.
    #[serde(default)]
    pub makes: Option<Ustr>,
    /// The container puts a proxy before each instance of the type, which the instance's own calls don't pass and which
    /// overrides neither private nor static nor final methods.
    #[serde(default)]
    pub proxies: bool,
    /// What gives a `span` annotation its effect, where that can be missing.
    #[serde(default)]
    pub weaving: Option<Weaving>,
    /// The setting that the container puts into what bears it.
    #[serde(default)]
    pub reads: Option<ReadEffect>,
    /// Places of the name or address of the service that a declarative client talks to.
    #[serde(default)]
    pub address: Vec<Slot>,
    /// Places of the name of the topic or queue that the function takes messages from.
    #[serde(default)]
    pub channel: Vec<Slot>,
    /// Settings that tell more of such a name, which takes the place of `{}` in theirs: its address, its topic.
    #[serde(default)]
    pub settings: Vec<String>,
}

/// What gives an annotation its effect: a proxy of the container, or something that rewrites the method itself.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Weaving {
    /// Families of the stacks that apply it where they configure themselves.
    pub families: Vec<String>,
    /// An agent rewrites the methods that have it, wherever they stand.
    #[serde(default)]
    pub by_agent: bool,
    /// Dependencies with which a compiler or class loader may rewrite the methods.
    #[serde(default)]
    pub unless: Vec<String>,
    /// Dependencies without one of which the container makes no proxy for it; those that bring one along included.
    #[serde(default)]
    pub needs: Vec<String>,
    /// Classes of which an instance, made by the application, is enough for the container to apply it.
    #[serde(default)]
    pub aspects: Vec<Ustr>,
    /// Settings without which nothing applies it.
    #[serde(default)]
    pub switch: Option<WeavingSwitch>,
}

/// A setting that is off unless the application sets it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WeavingSwitch {
    /// Its name.
    pub name: String,
    /// Others that do the same.
    #[serde(default)]
    pub also: Vec<String>,
    /// The group of the dependencies whose version decides: `org.springframework.boot`.
    pub platform: String,
    /// The first version that asks for the setting: `3.5`.
    pub from: String,
}
