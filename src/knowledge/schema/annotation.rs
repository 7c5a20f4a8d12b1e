//! Annotations and decorators, and what weaves them.

use super::{ReadEffect, Slot};
use serde::{Deserialize, Serialize};
use ustr::Ustr;

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
    /// The function runs as a root when a process starts or ends that carries out queued tasks, and in no other process.
    Worker,
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
    /// It names what the container puts into the field or parameter.
    Qualifier,
    /// The type says where its objects stand among others of their kind.
    Order,
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
    /// The container makes the type only where one of the named profiles is on.
    Profile,
    /// The function becomes a context manager or wrapper of its caller (Python `contextmanager`).
    ContextManager,
    /// What it makes of a function is a plain function, also of a coroutine function: whoever asks sees none (decorators).
    Plain,
}

/// An annotation or decorator of a library.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AnnotationDescription {
    /// Qualified names with the same description. For decorators that are methods of an instance: `flask.Flask.route`.
    pub names: Vec<Ustr>,
    /// What it does.
    pub role: AnnotationRole,
    /// Qualified names of which it must be given one to do it (decorators): `post_save` for a receiver of signals.
    #[serde(default)]
    pub when: Vec<Ustr>,
    /// The argument that, when it is false, leaves the span open when the function returns: the function ends it itself.
    #[serde(default)]
    pub open_unless: Ustr,
    /// Its span is over when the function returns, also where that is a generator, which has not begun then.
    #[serde(default)]
    pub over_at_return: bool,
    /// The type that takes the function's place: what is called on the decorated name is a method of it.
    #[serde(default)]
    pub makes: Option<Ustr>,
    /// The container puts a proxy before each instance of the type, which the instance's own calls don't pass and which
    /// overrides neither private nor static nor final methods.
    #[serde(default)]
    pub proxies: bool,
    /// The type handles requests: its own methods do, or those that it overrides of a contract.
    #[serde(default)]
    pub serves: bool,
    /// What gives a `span` annotation its effect, where that can be missing.
    #[serde(default)]
    pub weaving: Option<Weaving>,
    /// The setting that the container puts into what bears it.
    #[serde(default)]
    pub reads: Option<ReadEffect>,
    /// Dependencies by which the framework traces such declarative clients; with none listed, they are not judged.
    #[serde(default)]
    pub traced_by: Vec<String>,
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
