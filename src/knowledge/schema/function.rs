//! Functions and methods of a library.

use super::{
    AttributeEffect, CallShape, CloserEffect, ContextEnd, EndpointEffect, ExtractEffect, Hop, InjectEffect, Likeness,
    LogEffect, LogIds, ReadEffect, Registers, Removed, Sampler, Setting, Slot, SpanEffect, Spawn, TypeRole,
};
use serde::Deserialize;
use ustr::Ustr;

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
    /// Types of values that it puts there as they are, without a complaint, and that nothing finds there again.
    #[serde(default)]
    pub binds_in_vain: Vec<Ustr>,
    /// It makes what stands for a span of another process from ids that the code has read itself, of whatever carrier.
    #[serde(default)]
    pub remote_by_hand: bool,
    /// It makes a new client, server, executor, producer: what is configured is in its arguments, later calls and fields.
    #[serde(default)]
    pub makes: Option<TypeRole>,
    /// What it makes is all that it will be: nothing that is done with it later puts anything in front of its calls.
    #[serde(default)]
    pub sealed: bool,
    /// It makes this instrumented: `result`, or something given (`receiver`, `arg 0`).
    #[serde(default)]
    pub instruments: Option<Slot>,
    /// What it instruments asks others: a trace that is there goes on, none becomes current.
    #[serde(default)]
    pub outbound: bool,
    /// What it instruments takes remote calls, or requests of its own framework, alone: HTTP handlers beside it get no trace.
    #[serde(default)]
    pub own_calls_alone: bool,
    /// It switches instrumentation on for these library ids, in the whole process.
    #[serde(default)]
    pub switches_on: Vec<String>,
    /// It takes the place of these constructors: only what is made by them afterwards is instrumented.
    #[serde(default)]
    pub replaces: Vec<Ustr>,
    /// It has no effect on an app that has started.
    #[serde(default)]
    pub before_start: bool,
    /// The process has one of what it switches on, for the instance in this slot: later calls are ignored.
    #[serde(default)]
    pub first_alone: Option<Slot>,
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
    /// It tells the kind of a span that is about to be started.
    #[serde(default)]
    pub gives_kind: bool,
    /// What it hands out stands in where nothing is traced: it does nothing, and nobody has to end it.
    #[serde(default)]
    pub stands_in: bool,
    /// It begins this span, which an earlier call only made.
    #[serde(default)]
    pub begins: Option<Slot>,
    /// What is not seen and looks like this is taken for it.
    #[serde(default)]
    pub like: Option<Likeness>,
    /// It ends this span.
    #[serde(default)]
    pub ends: Option<Slot>,
    /// It tells this span of an error, or of how its work went.
    #[serde(default)]
    pub records: Option<Slot>,
    /// It makes this span or context current; the result is the scope or token.
    #[serde(default)]
    pub activates: Option<Slot>,
    /// What ends the scope ends the span that was made current as well.
    #[serde(default)]
    pub scope_ends_span: bool,
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
    /// Its steps do their work where they run, and hand no further pipeline back: what is current on that thread counts.
    #[serde(default)]
    pub blocks: bool,
    /// It wraps this task, executor or callable so that the context goes along.
    #[serde(default)]
    pub carries: Option<Slot>,
    /// It gives the executor on which listeners to events run from then on.
    #[serde(default)]
    pub runs_listeners: Option<Slot>,
    /// It hands this event to the listeners that take its type.
    #[serde(default)]
    pub publishes: Option<Slot>,
    /// It runs the handlers that come after the one that it stands in: that one is a filter before them.
    #[serde(default)]
    pub goes_on: bool,
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
    /// It asks the sampler in this slot to decide.
    #[serde(default)]
    pub asks_sampler: Option<Slot>,
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
    /// What it hands back is described by the conventions whose address is in this slot.
    #[serde(default)]
    pub conventions: Option<Slot>,
    /// What it hands back is described by the conventions that the library itself knows.
    #[serde(default)]
    pub own_conventions: bool,
    /// It fails where what it is given is described by several versions of the conventions.
    #[serde(default)]
    pub joins_conventions: bool,
    /// Its result holds spans back to export many at once.
    #[serde(default)]
    pub batches: bool,
    /// It holds spans back to export many at once, until what it hands out for that is asked to end it (Go).
    #[serde(default)]
    pub closer: Option<CloserEffect>,
    /// It exports at once what is held back.
    #[serde(default)]
    pub flushes: bool,
    /// It makes an option of a server or channel for these of its calls alone.
    #[serde(default)]
    pub for_calls: Option<CallShape>,
    /// It makes an option of which a client has one: of several that it is given, the last counts.
    #[serde(default)]
    pub last_counts: bool,
    /// The context that it makes is over at some moment, and what ends it.
    #[serde(default)]
    pub context_end: Option<ContextEnd>,
    /// It runs the function in this slot once, for all who ask.
    #[serde(default)]
    pub once: Option<Slot>,
    /// What follows it runs when a context is over: it waits for that, or for the work of a group.
    #[serde(default)]
    pub awaits_end: bool,
    /// Later versions of its library do not have it.
    #[serde(default)]
    pub removed: Option<Removed>,
    /// It logs.
    #[serde(default)]
    pub log: Option<LogEffect>,
    /// It puts ids on log records, if it is told to.
    #[serde(default)]
    pub log_ids: Option<LogIds>,
    /// It records a measurement, as an example of which the span of the context in this slot is kept.
    #[serde(default)]
    pub measures: Option<Slot>,
    /// Places of a name that it gives a span.
    #[serde(default)]
    pub span_name: Vec<Slot>,
    /// The function in this slot gives spans their names.
    #[serde(default)]
    pub names_spans: Option<Slot>,
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
    /// What it makes starts a new trace for every call that comes in, with a link to the caller's, unless it is given one
    /// of these options.
    #[serde(default)]
    pub distrusts_unless: Vec<Ustr>,
    /// What it leaves out by a filter that it is given goes out without a header.
    #[serde(default)]
    pub filtered_bare: bool,
    /// Its result is an identifier of the current trace: `trace`, `span`.
    #[serde(default)]
    pub yields_id: Option<Ustr>,
    /// Its result is what stands here, byte by byte in hexadecimal digits.
    #[serde(default)]
    pub encodes: Option<Slot>,
    /// That identifier is a number, which as plain text is decimal.
    #[serde(default)]
    pub yields_number: bool,
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
    /// Places of the names of headers that browsers of other origins may send to the server.
    #[serde(default)]
    pub allows_headers: Vec<Slot>,
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
    /// What it hands out is the one of the whole process, which does nothing before somebody has set it.
    #[serde(default)]
    pub of_process: bool,
    /// Its result is an id that it makes up.
    #[serde(default)]
    pub makes_id: bool,
    /// It copies or reads the MDC (logging context) so that another thread can set it.
    #[serde(default)]
    pub copies_mdc: bool,
    /// It puts an id into the MDC (logging context).
    #[serde(default)]
    pub puts_mdc: bool,
    /// It reads an id from the MDC (logging context), by the name in its first argument.
    #[serde(default)]
    pub reads_mdc: bool,
    /// It takes ids out of the MDC (logging context) again.
    #[serde(default)]
    pub clears_mdc: bool,
}
