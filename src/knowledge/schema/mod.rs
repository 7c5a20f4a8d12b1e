//! The vocabulary of library descriptions.
//!
//! Names are qualified without type arguments, pointers or parameters: `net/http.Client.Do`, `requests.Session.get`,
//! `org.springframework.web.client.RestTemplate.exchange`. A constructor, a Go composite literal and a Python class
//! call all carry the type's own name (`net/http.Client`, `requests.Session`). A name may end in `.*`: any method.
//!
//! Generated code has a name of its own in each service. A name that begins with `*` stands for all names that end so:
//! `*Grpc.newStub`. In it a `*` stands for any part of one segment: `*Grpc.*ImplBase`, `*_pb2_grpc.*Stub.*`.

mod annotation;
mod effect;
mod function;
mod slot;
mod types;

pub use annotation::*;
pub use effect::*;
pub use function::FunctionDescription;
pub use slot::Slot;
pub use types::{TypeDescription, TypeRole};

use serde::Deserialize;
use ustr::Ustr;

/// The names that a module has.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Members {
    /// The module.
    pub module: String,
    /// What it can be asked for.
    pub names: Vec<String>,
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
    /// It takes spans that stand in variables of the callers for the parents of those that it makes: none needs to be made
    /// current.
    #[serde(default)]
    pub finds_spans_of_callers: bool,
    /// A trace travels by other libraries only: a file that imports none but passive ones can hold no finding.
    #[serde(default)]
    pub passive: bool,
    /// Only tests use it: a file that imports it is support for them.
    #[serde(default)]
    pub tests: bool,
    /// Whoever uses it may have the ids of the current span on log records, whatever their form says.
    #[serde(default)]
    pub log_ids: bool,
    /// Every name that one of its modules has, in one version or another.
    #[serde(default)]
    pub members: Vec<Members>,
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
    /// Ids of the libraries by which it may ask a database: what instruments one of them shows what it asks, too.
    #[serde(default)]
    pub over: Vec<String>,
    /// The header of its requests that the service which it asks keeps on the message itself.
    #[serde(default)]
    pub keeps_header: Option<KeptHeader>,
    /// What it talks to, where several libraries do the same and a program uses one of them: `postgresql`, `mysql`.
    #[serde(default)]
    pub talks_to: String,
    /// How to mend an uninstrumented use, for the help text: `wrap its Transport in otelhttp.NewTransport`.
    #[serde(default)]
    pub mend: String,
    /// Settings by which a framework instruments the instances that it makes itself.
    #[serde(default, rename = "setting")]
    pub settings: Vec<SettingDescription>,
    /// Names by which code that is not seen is plugged into an instance: where one is written, nothing can be said.
    #[serde(default)]
    pub plugs: Vec<Ustr>,
    /// The conventions that it describes things by, of which each of its versions knows one version.
    #[serde(default)]
    pub conventions: Option<Conventions>,
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

impl LibraryDescription {
    /// Whether it sets up a tracing API of its own, and so no propagator of another one.
    pub fn is_other_api(&self) -> bool {
        let has = |role: TypeRole| self.types.iter().any(|ty| ty.role == role);
        has(TypeRole::Tracer) && !self.functions.iter().any(|effect| effect.sets == Some(Setting::TracerProvider))
    }
}

/// The conventions that versions of a library describe things by: what is described by several of them does not fit together.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Conventions {
    /// The dependency whose version counts.
    pub dependency: String,
    /// What the packages of the conventions begin with, before their version.
    pub packages: String,
    /// The errors that say so: whoever names one of them goes on all the same.
    pub errors: Vec<Ustr>,
    /// From which version (`1.28`) on which one is known, in order.
    pub since: Vec<(String, String)>,
    /// The first version of which nothing is known yet.
    pub until: String,
}

/// A header of requests that send messages which the service puts on the message: the trace crosses by it, though nobody
/// writes it there.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeptHeader {
    /// The format of the header, as `rules/formats.toml` names it.
    pub format: String,
    /// The packages by which the requests get the headers of the process's propagator.
    pub by: Vec<String>,
}

/// How code that is generated for a remote service is named; a `*` stands for the service's name.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StubNames {
    /// What makes a client of it: the last segment of a function's name, or the last two.
    pub clients: Vec<String>,
    /// What registers an implementation of it, or the type that an implementation extends.
    pub servers: Vec<String>,
    /// The type of what a call that stays open is handled with.
    #[serde(default)]
    pub streams: Vec<String>,
    /// The methods of what a client's call hands out that stays open (Go).
    #[serde(default)]
    pub on_streams: Vec<String>,
    /// The types of generated code that an implementation embeds (Go).
    #[serde(default)]
    pub embedded: Vec<String>,
    /// What registers a generated gateway to it that opens a channel of its own, with the options in its last argument (Go).
    #[serde(default)]
    pub gateways: Vec<String>,
    /// The interfaces of generated code for which a method of the program hands back what that code runs (Go).
    #[serde(default)]
    pub resolvers: Vec<String>,
    /// The type that an implementation extends, whose methods take a request and the call's own context (Python).
    #[serde(default)]
    pub servicers: Vec<String>,
}

/// A setting that is off unless the application sets it, and by which a framework instruments a library.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SettingDescription {
    /// Its name in the application's settings; empty where the stacks of the family instrument the instances that the
    /// framework makes without one.
    #[serde(default)]
    pub name: String,
    /// How an instance is told in code, where that depends on the family.
    #[serde(default)]
    pub mend: String,
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
