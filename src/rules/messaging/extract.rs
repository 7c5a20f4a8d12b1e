//! `missing-extract`: a server-side handler or filter starts its span without reading the caller's trace.

use super::super::Verdicts;
use super::front;
use super::kind::says_kind;
use super::material::names_key_but;
use crate::finding::{Confidence, Finding};
use crate::ir::{ExprKind, Language};
use crate::knowledge::{self, AnnotationRole, LibraryDescription, NameOf, Slot, TypeRole, speaks_of_tracing};
use crate::link::{FuncRef, ValueRef};
use crate::rules::clients::dark::is_program;
use crate::study::{CallFact, Inbound, Study, Summary, is_aside};
use rustc_hash::FxHashSet;

/// How far the callers of what reads a caller's trace are followed.
const MAX_HELPERS: usize = 3;

/// Finds, in units where nothing reads a caller's trace, the server spans and the spans of filters.
pub(super) fn check(study: &Study<'_>, traced: &FxHashSet<usize>, out: &mut Verdicts) {
    let mut found = Vec::new();
    for function in study.program.all_functions() {
        let unit = study.unit_of(function.file);
        let outside = study.unit(function.file).is_traced_from_outside();
        let decl = study.program.function(function);
        // What stands inside a function that has the request is looked at with it.
        let above = decl.parent.filter(|parent| parent.0 != 0).map(|id| FuncRef { id, ..function });
        let nested = above.is_some_and(|above| {
            study.context_param(above).is_some() || !(hands_out_filters(study, above) || goes_on(study, function))
        });
        if !traced.contains(&unit) || outside || nested || function.id.0 == 0 {
            continue;
        }
        let Some(request) = request_param(study, function) else { continue };
        let summary = study.summary(function);
        let silent = summary.has(Summary::EXTRACTS | Summary::INSTRUMENTS) || !summary.has(Summary::STARTS);
        if silent || study.inbound(function) == Inbound::Root {
            continue;
        }
        if let Some(start) = start_of(study, function).filter(|_| !reads_by_hand(study, function)) {
            found.push((function, finding(study, start, function, request)));
        }
    }
    if !found.is_empty() {
        // Asked last: it looks at every call and every text.
        let readers = readers(study);
        found.retain(|(function, _)| !readers.read_for(study, function.file));
        let functions: Vec<FuncRef> = found.iter().map(|(function, _)| *function).collect();
        let judged = front::foremost(study, &functions);
        out.findings
            .extend(found.into_iter().filter(|(function, _)| judged.contains(function)).map(|(_, finding)| finding));
    }
}

/// Whether a function is given a handler and hands back what goes in front of it, as Go's middleware does.
fn hands_out_filters(study: &Study<'_>, function: FuncRef) -> bool {
    let decl = study.program.function(function);
    let is_handler = |ty: &crate::ir::TypeRef| {
        let role = study.program.role(study.program.type_ref(function.file, ty));
        role == Some(TypeRole::Middleware) || ty.name.ends_with("Handler") || ty.name.ends_with("HandlerFunc")
    };
    decl.params.iter().any(|param| param.ty.as_ref().is_some_and(is_handler)) && decl.results.iter().any(is_handler)
}

/// Whether a function runs the handlers that come after it, as the middleware of some frameworks does.
fn goes_on(study: &Study<'_>, function: FuncRef) -> bool {
    is_given_next(study, function) || study.calls_in(function).any(|fact| fact.effect.goes_on)
}

/// Whether a function is given what runs the handlers that come after it: an interceptor.
fn is_given_next(study: &Study<'_>, function: FuncRef) -> bool {
    let types =
        (0..study.program.function(function).params.len() as u16).filter_map(|n| study.program.param_type(function, n));
    types.into_iter().any(|ty| study.program.knowledge.ty(ty).is_some_and(|(_, ty)| ty.goes_on))
}

/// The start of a server's span in a function, or of any span in a filter, also by a helper that starts it itself.
fn start_of(study: &Study<'_>, function: FuncRef) -> Option<ValueRef> {
    let inner = study.with_nested(function);
    let own = || inner.iter().flat_map(|at| study.calls_in(*at)).filter(|fact| fact.effect.span.is_some());
    if let Some(server) = own().find(|fact| is_server_span(study, fact.call)) {
        return Some(server.call);
    }
    let helpers = || inner.iter().flat_map(|at| callees(study, *at));
    if let Some((call, _)) =
        helpers().find(|(call, next)| study.summary(*next).has(Summary::STARTS) && is_server_span(study, *call))
    {
        return Some(call);
    }
    // What a library puts in front of handlers may stand behind what its user puts there.
    if !is_filter(study, function) || is_library(study, study.unit_of(function.file)) {
        return None;
    }
    own().map(|fact| fact.call).next().or_else(|| helped(study, &inner))
}

/// Whether nothing in a unit starts a process but its examples. What Python code is run by may stand anywhere.
fn is_library(study: &Study<'_>, unit: usize) -> bool {
    let mut files = study.program.files.iter().filter(|file| file.source.unit == unit);
    study.language() != Language::Python && !files.any(|file| is_program(file.source) && !is_aside(&file.source.path))
}

/// The first call of an own function that starts a span itself.
fn helped(study: &Study<'_>, inner: &[FuncRef]) -> Option<ValueRef> {
    let starts = |function: &FuncRef| study.calls_in(*function).any(|fact| fact.effect.span.is_some());
    let deep = |function: &FuncRef| starts(function) || callees(study, *function).iter().any(|(_, next)| starts(next));
    inner.iter().flat_map(|function| callees(study, *function)).find(|(_, next)| deep(next)).map(|(call, _)| call)
}

/// The calls of a function that run own functions, with those.
fn callees(study: &Study<'_>, function: FuncRef) -> Vec<(ValueRef, FuncRef)> {
    let Some(file) = study.program.files.get(function.file as usize) else { return Vec::new() };
    let sites = file.flow.calls_of(function.id);
    let calls = sites.map(|site| ValueRef { file: function.file, expr: site.expr });
    calls
        .flat_map(|call| study.program.callee(call).functions.iter().map(|next| (call, *next)).collect::<Vec<_>>())
        .collect()
}

/// Whether a function, or what it calls, names a trace header: it reads the caller's trace without a propagator.
fn reads_by_hand(study: &Study<'_>, function: FuncRef) -> bool {
    let mut seen = FxHashSet::default();
    let mut level = vec![function];
    for _ in 0..4 {
        if level.iter().any(|function| names_key_but(study, *function, |text| is_given_own_id(study, text))) {
            return true;
        }
        let inner = level.iter().flat_map(|function| study.with_nested(*function));
        let next: Vec<_> = inner.flat_map(|function| callees(study, function)).map(|(_, next)| next).collect();
        level = next.into_iter().filter(|function| seen.len() < 100 && seen.insert(*function)).collect();
    }
    false
}

/// Whether a text is the name under which a call is given an id of the service's own span: `String("trace_id",
/// spanContext.TraceID().String())` writes one and reads none.
fn is_given_own_id(study: &Study<'_>, text: ValueRef) -> bool {
    let program = study.program;
    let Some(call) = program.parent(text).filter(|call| matches!(program.expr_kind(*call), ExprKind::Call { .. }))
    else {
        return false;
    };
    let around = program.expr(call).span;
    let mut facts = study.calls_in(program.function_at(call));
    facts.any(|fact| fact.effect.yields_id.is_some() && around.contains(program.expr(fact.call).span))
}

/// Units in which something extracts, or instruments what may be a server.
pub(in crate::rules) fn reading_units(study: &Study<'_>) -> FxHashSet<usize> {
    let readers = readers(study);
    readers.files.into_iter().map(|file| study.unit_of(file)).chain(readers.units).collect()
}

/// Where the traces of whoever asks are read.
struct Readers {
    /// The files in which something extracts, or instruments what may be a server.
    files: FxHashSet<u32>,
    /// The units whose servers something outside of their code instruments, or may.
    units: FxHashSet<usize>,
}

impl Readers {
    /// Whether something that may run in one process with a file reads what comes in.
    fn read_for(&self, study: &Study<'_>, file: u32) -> bool {
        let unit = study.unit_of(file);
        let beside = |other: &u32| study.unit_of(*other) == unit && study.can_meet(*other, file);
        self.units.contains(&unit) || self.files.iter().any(beside)
    }
}

fn readers(study: &Study<'_>) -> Readers {
    let unit = |fact: &CallFact<'_>| study.unit_of(fact.call.file);
    let of_spans: Vec<_> = (0..study.units.len()).map(|at| span_family(study, at)).collect();
    let spans = |unit: usize| of_spans.get(unit).copied().flatten();
    let reads = |fact: &&CallFact<'_>| {
        (fact.effect.extract.is_some() || may_serve(study, fact))
            && !is_foreign(study, &fact.library.family, spans(unit(fact)))
    };
    let mut files: FxHashSet<u32> = study.calls().iter().filter(reads).map(|fact| fact.call.file).collect();
    let mut helpers: Vec<FuncRef> =
        study.calls().iter().filter(reads).map(|fact| study.program.outermost(fact.function)).collect();
    // A service whose handlers are wrapped by a shared package of the workspace reads what that package reads.
    for _ in 0..MAX_HELPERS {
        let calls = helpers.iter().flat_map(|helper| study.program.callers(*helper));
        helpers = calls.map(|call| study.program.outermost(study.program.function_at(*call))).collect();
        helpers.sort_unstable();
        helpers.dedup();
        files.extend(helpers.iter().map(|helper| helper.file));
    }
    let is_own = |(file, family): &(u32, &str)| !is_foreign(study, family, spans(study.unit_of(*file)));
    files.extend(made_handlers(study).filter(is_own).map(|(file, _)| file));
    files.extend(unseen_readers(study));
    let mut units = FxHashSet::default();
    let server = |role: TypeRole| matches!(role, TypeRole::Server | TypeRole::Request);
    for (at, view) in study.units.iter().enumerate() {
        let libraries = study.program.knowledge.libraries().iter();
        let mut servers = libraries.filter(|library| library.types.iter().any(|ty| server(ty.role)));
        let covers = |library: &LibraryDescription| {
            let found = view.coverage(library);
            found.is_some_and(|found| !is_foreign(study, &found.family, spans(at)))
                || library.dependencies.iter().any(|name| view.has_instrumentation_of(name))
        };
        if servers.any(|library| covers(library) && uses(study, at, library)) {
            units.insert(at);
        }
    }
    Readers { files, units }
}

/// The files that write out a handler which is instrumentation itself (`&ochttp.Handler{…}`), with its family.
fn made_handlers<'a>(study: &'a Study<'_>) -> impl Iterator<Item = (u32, &'a str)> {
    let files = (0u32..).zip(&study.program.files);
    let sites = files.flat_map(|(at, file)| file.flow.calls.iter().map(move |site| (at, file, site)));
    sites.filter_map(|(at, _, site)| {
        let made = study.program.callee(ValueRef { file: at, expr: site.expr }).constructs?;
        let (library, ty) = study.program.knowledge.ty(made)?;
        let is_handler =
            ty.instrumented && matches!(ty.role, TypeRole::Other | TypeRole::Server | TypeRole::Middleware);
        is_handler.then_some((at, library.family.as_str()))
    })
}

/// The files that call a function of another library which extracts, by its name (`ExtractHTTPContext`), and hands a context
/// back, or that give a router what a library about tracing makes: `router.Use(cfg.Otel.Handler())` (Go).
fn unseen_readers<'a>(study: &'a Study<'_>) -> impl Iterator<Item = u32> + 'a {
    let program = study.program;
    let files = (0u32..).zip(&program.files).filter(|_| study.language() == Language::Go);
    let sites = files.flat_map(|(at, file)| file.flow.calls.iter().map(move |site| (at, file, site)));
    sites.filter_map(move |(at, _, site)| {
        let call = ValueRef { file: at, expr: site.expr };
        let callee = program.callee(call);
        let name = callee.name.filter(|name| callee.functions.is_empty() && program.described(*name).is_none())?;
        let last = name.rsplit('.').next()?;
        let is_given = || {
            let given = program.slot(call, Slot::AnyArg).into_iter().filter_map(|value| program.role_of(value));
            given.into_iter().any(|role| matches!(role, TypeRole::Context | TypeRole::Request | TypeRole::Carrier))
        };
        let extracts = last.starts_with("Extract") && is_given();
        (extracts || speaks_of_tracing(&name, NameOf::GoPackage) && is_given_to_server(study, call)).then_some(at)
    })
}

/// Whether what a call makes is given to a server or router: an argument of a call of one of its methods.
fn is_given_to_server(study: &Study<'_>, call: ValueRef) -> bool {
    let program = study.program;
    let Some(taker) = program.parent(call) else { return false };
    let is_argument = matches!(program.expr_kind(taker), ExprKind::Call { args, .. } if args.iter().any(|arg| arg.value == call.expr));
    let role = program.receiver(taker).and_then(|receiver| program.role_of(receiver));
    is_argument && role == Some(TypeRole::Server)
}

/// The family whose spans the code of a unit starts, where it starts those of one only, and one that keeps them apart.
fn span_family<'a>(study: &Study<'a>, unit: usize) -> Option<&'a str> {
    let starts = study.calls().iter().filter(|fact| fact.effect.span.is_some());
    let mut families =
        starts.filter(|fact| study.unit_of(fact.call.file) == unit).map(|fact| fact.library.family.as_str());
    let first = families.next().filter(|family| !family.is_empty())?;
    families.all(|family| family == first).then_some(first)
}

/// Whether a family is another one than that whose spans are started: what it reads is no parent for them.
fn is_foreign(study: &Study<'_>, family: &str, spans: Option<&str>) -> bool {
    let is_apart = || study.program.knowledge.libraries().iter().any(|library| library.family == family);
    spans.is_some_and(|spans| spans != family) && !family.is_empty() && is_apart()
}

/// Whether a unit's files import a library.
fn uses(study: &Study<'_>, unit: usize, library: &LibraryDescription) -> bool {
    study.program.files.iter().filter(|file| file.source.unit == unit).any(|file| {
        file.scope.targets().any(|target| {
            library.modules.iter().any(|module| {
                let rest = target.strip_prefix(module.as_str());
                rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '/']))
            })
        })
    })
}

/// An instrumenting call that is not seen to be about a client.
fn may_serve(study: &Study<'_>, fact: &CallFact<'_>) -> bool {
    if fact.effect.outbound || fact.effect.instruments.is_none() && fact.effect.switches_on.is_empty() {
        return false;
    }
    if fact.effect.instruments.is_none() && !switches_servers(study, fact) {
        return false;
    }
    let client = |role: TypeRole| {
        matches!(role, TypeRole::HttpClient | TypeRole::RpcChannel | TypeRole::Producer | TypeRole::Executor)
    };
    let mut values = study.slot(fact.call, Slot::AnyArg);
    values.extend(study.slot(fact.call, Slot::Receiver));
    values.push(fact.call);
    !values.into_iter().filter_map(|value| study.program.role_of(value)).any(client) && !goes_into_client(study, fact)
}

/// Whether a process-wide switch is about a library that takes requests or messages, or one of which nothing is known.
fn switches_servers(study: &Study<'_>, fact: &CallFact<'_>) -> bool {
    let takes = |library: &LibraryDescription| {
        library.types.iter().any(|ty| matches!(ty.role, TypeRole::Server | TypeRole::Request | TypeRole::Consumer))
            || library.annotations.iter().any(|found| found.role == AnnotationRole::Task)
    };
    fact.effect.switches_on.iter().any(|id| {
        let mut named = study.program.knowledge.libraries().iter().filter(|library| library.id == *id).peekable();
        id == "*" || named.peek().is_none() || named.any(takes)
    })
}

/// Whether what a call makes is given, where it is made, to what makes a client:
/// `grpc.NewClient(address, grpc.WithStatsHandler(otelgrpc.NewClientHandler()))`.
fn goes_into_client(study: &Study<'_>, fact: &CallFact<'_>) -> bool {
    const DEPTH: usize = 4;
    let around = std::iter::successors(study.program.parent(fact.call), |at| study.program.parent(*at)).take(DEPTH);
    let makes = around.filter_map(|at| study.fact(at)?.effect.makes);
    makes.into_iter().any(|role| matches!(role, TypeRole::HttpClient | TypeRole::RpcChannel | TypeRole::Producer))
}

/// The request that a function is given; of an interceptor, the context in which the request's headers are.
fn request_param(study: &Study<'_>, function: FuncRef) -> Option<ustr::Ustr> {
    let decl = study.program.function(function);
    let of_role = |role: TypeRole| {
        decl.params.iter().enumerate().find_map(|(n, param)| {
            let ty = study.program.param_type(function, n as u16)?;
            (study.program.role(ty) == Some(role)).then_some(param.name)
        })
    };
    let typed =
        of_role(TypeRole::Request).or_else(|| of_role(TypeRole::Context).filter(|_| is_given_next(study, function)));
    typed.or_else(|| decl.params.get(1).filter(|_| is_filter_by_shape(study, function)).map(|param| param.name))
}

/// Whether a Python method has the shape of what stands in front of an application, without a type to tell it.
fn is_filter_by_shape(study: &Study<'_>, function: FuncRef) -> bool {
    let program = study.program;
    let decl = program.function(function);
    if study.language() != Language::Python || decl.owner.is_none() {
        return false;
    }
    let params: Vec<&str> = decl.params.iter().skip(1).map(|param| param.name.as_str()).collect();
    let made_with = |name: &str| {
        let Some(owner) = program.enclosing_type(function).map(|ty| program.type_name(ty)) else { return false };
        let makers = program.methods(owner, "__init__".into());
        makers.iter().any(|init| program.function(*init).params.iter().any(|param| param.name == name))
    };
    knowledge::is_filter(&decl.name, &params, made_with)
}

/// Whether the span is said to be a server's.
fn is_server_span(study: &Study<'_>, call: ValueRef) -> bool {
    says_kind(study, call, &["SERVER"])
}

/// Whether a function is a filter or middleware: it is given what comes after it.
pub(super) fn is_filter(study: &Study<'_>, function: FuncRef) -> bool {
    let decl = study.program.function(function);
    let given = decl.params.iter().any(|param| {
        let ty = param.ty.as_ref().map_or("", |ty| ty.name.as_str());
        matches!(param.name.as_str(), "next" | "chain" | "filterChain" | "call_next" | "get_response")
            || ty.ends_with("Chain")
    });
    let owner = study.program.enclosing_type(function).map(|owner| study.program.type_name(owner));
    let role = owner.and_then(|owner| study.program.role(owner));
    let above = decl.parent.filter(|parent| parent.0 != 0).map(|id| FuncRef { id, ..function });
    given
        || is_filter_by_shape(study, function)
        || goes_on(study, function)
        || above.is_some_and(|above| hands_out_filters(study, above))
        || (role == Some(TypeRole::Middleware) && study.inbound(function) != Inbound::Unknown)
}

fn finding(study: &Study<'_>, start: ValueRef, function: FuncRef, request: ustr::Ustr) -> Finding {
    let starts = study.callee_text(start);
    let name = study.function_name(function);
    let service = study.unit(start.file).name.clone();
    let mut found = study.finding("missing-extract", start, Confidence::Likely);
    found.message = format!("`{name}` starts its span without reading the caller's trace from `{request}`");
    found.label = format!("`{request}`'s trace headers are not read");
    found.effect = "every request starts a new trace here, and the caller's trace ends at its client span".to_owned();
    found.help = format!(
        "extract the context from the headers of `{request}` and make it the parent in `{starts}` (assumed: nothing in front of `{service}` reads them)"
    );
    found.confirm = format!("send a request with a known trace header: the span of `{name}` is not in that trace");
    let span = study.program.function(function).name_span;
    found.related.push(crate::finding::Related {
        place: study.program.place_of(function.file, span),
        message: format!("the request arrives in `{request}`"),
    });
    found
}
