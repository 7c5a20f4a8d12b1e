//! Loads the descriptions that are built in, and the team's wrappers.

use super::schema::{AnnotationDescription, FunctionDescription, LibraryDescription, TypeDescription};
use crate::ir::Language;
use rustc_hash::{FxHashMap, FxHashSet};
use std::sync::OnceLock;
use ustr::Ustr;

/// The descriptions as `build.rs` writes them, by language: `[[file name, description], …]`.
const LIBRARIES: [&str; 3] = [
    include_str!(concat!(env!("OUT_DIR"), "/libraries-go.json")),
    include_str!(concat!(env!("OUT_DIR"), "/libraries-python.json")),
    include_str!(concat!(env!("OUT_DIR"), "/libraries-java.json")),
];

/// An entry of one library.
type Entry = (u16, u16);

/// A name of generated code: what its last segments look like, the last one first.
#[derive(Debug)]
struct Pattern(Vec<(String, Option<String>)>);

impl Pattern {
    /// Reads a name that begins with `*`; `None` for a plain one.
    fn new(name: &str) -> Option<Self> {
        name.starts_with('*').then(|| {
            let read = |part: &str| match part.split_once('*') {
                Some((start, end)) => (start.to_owned(), Some(end.to_owned())),
                None => (part.to_owned(), None),
            };
            Self(name.rsplit('.').map(read).collect())
        })
    }

    fn matches(&self, name: &str) -> bool {
        let mut parts = name.rsplit(['.', '/']);
        self.0.iter().all(|segment| parts.next().is_some_and(|part| Self::fits(segment, part)))
    }

    fn fits((start, end): &(String, Option<String>), part: &str) -> bool {
        match end {
            Some(end) => part.len() >= start.len() + end.len() && part.starts_with(start) && part.ends_with(end),
            None => part == start,
        }
    }
}

/// The entry of the first pattern that fits a name.
fn matching<'p>(patterns: &'p [(Pattern, Entry)], name: &str) -> Option<&'p Entry> {
    // Hardly any name fits: most are told by their last segment, which is cut off once for all patterns.
    let last = &name[memchr::memrchr2(b'.', b'/', name.as_bytes()).map_or(0, |at| at + 1)..];
    let may = |pattern: &Pattern| pattern.0.first().is_none_or(|segment| Pattern::fits(segment, last));
    patterns.iter().find(|(pattern, _)| may(pattern) && pattern.matches(name)).map(|(_, entry)| entry)
}

/// Everything known about the libraries of one language, indexed by qualified name.
#[derive(Debug)]
pub struct Knowledge {
    libraries: Vec<LibraryDescription>,
    functions: FxHashMap<Ustr, Entry>,
    any_method: FxHashMap<Ustr, Entry>,
    types: FxHashMap<Ustr, Entry>,
    annotations: FxHashMap<Ustr, Entry>,
    function_patterns: Vec<(Pattern, Entry)>,
    type_patterns: Vec<(Pattern, Entry)>,
    /// Methods that are described for whatever type has them (`*.name`), with the name that each has on a type that is not
    /// known.
    methods_of_any: FxHashMap<Ustr, Ustr>,
    /// Functions that calls of what is not seen are known for by their shape, with the names that they are described by.
    likenesses: Vec<(Ustr, Entry)>,
    /// Every class that a description speaks of; made when it is first asked for.
    classes: OnceLock<FxHashSet<Ustr>>,
}

/// The library that a team's own wrappers are filed under.
pub fn wrapper_library() -> LibraryDescription {
    LibraryDescription {
        id: "wrappers".to_owned(),
        title: "this project's wrappers".to_owned(),
        modules: Vec::new(),
        family: String::new(),
        finds_spans_of_callers: false,
        passive: false,
        tests: false,
        log_ids: false,
        members: Vec::new(),
        dependencies: Vec::new(),
        covered_by: Vec::new(),
        through: String::new(),
        over: Vec::new(),
        keeps_header: None,
        talks_to: String::new(),
        mend: String::new(),
        settings: Vec::new(),
        plugs: Vec::new(),
        conventions: None,
        stubs: None,
        types: Vec::new(),
        functions: Vec::new(),
        annotations: Vec::new(),
    }
}

impl Knowledge {
    /// The built-in descriptions of a language, read once a process.
    pub fn built_in(language: Language) -> &'static Self {
        static ALL: [OnceLock<Knowledge>; 3] = [OnceLock::new(), OnceLock::new(), OnceLock::new()];
        ALL[language as usize].get_or_init(|| Self::new(built_in(language)))
    }

    /// The built-in descriptions of a language and one more library.
    pub fn with(language: Language, library: LibraryDescription) -> Self {
        Self::new(built_in(language).chain(std::iter::once(library)))
    }

    /// An index over these libraries; where two describe one name, the later wins.
    pub fn new(libraries: impl IntoIterator<Item = LibraryDescription>) -> Self {
        let mut out = Self {
            libraries: libraries.into_iter().collect(),
            functions: FxHashMap::default(),
            any_method: FxHashMap::default(),
            types: FxHashMap::default(),
            annotations: FxHashMap::default(),
            function_patterns: Vec::new(),
            type_patterns: Vec::new(),
            methods_of_any: FxHashMap::default(),
            likenesses: Vec::new(),
            classes: OnceLock::new(),
        };
        for (at, library) in out.libraries.iter().enumerate() {
            let at = at as u16;
            for (n, function) in library.functions.iter().enumerate() {
                if function.like.is_some() {
                    out.likenesses.extend(function.names.first().map(|name| (*name, (at, n as u16))));
                }
                for name in &function.names {
                    if let Some(pattern) = Pattern::new(name) {
                        if let Some(method) = name.strip_prefix("*.").filter(|rest| !rest.contains(['.', '*'])) {
                            out.methods_of_any.insert(Ustr::from(method), Ustr::from(&format!("?.{method}")));
                        }
                        out.function_patterns.push((pattern, (at, n as u16)));
                        continue;
                    }
                    match name.strip_suffix(".*") {
                        Some(owner) => out.any_method.insert(Ustr::from(owner), (at, n as u16)),
                        None => out.functions.insert(*name, (at, n as u16)),
                    };
                }
            }
            for (n, ty) in library.types.iter().enumerate() {
                for name in &ty.names {
                    match Pattern::new(name) {
                        Some(pattern) => out.type_patterns.push((pattern, (at, n as u16))),
                        None => {
                            out.types.insert(*name, (at, n as u16));
                        }
                    }
                }
            }
            for (n, annotation) in library.annotations.iter().enumerate() {
                out.annotations.extend(annotation.names.iter().map(|name| (*name, (at, n as u16))));
            }
        }
        out
    }

    /// What is known of a function by its qualified name: itself, or any method of its owner.
    pub fn function(&self, name: Ustr) -> Option<(&LibraryDescription, &FunctionDescription)> {
        let any_method = || {
            let (owner, _) = name.rsplit_once('.')?;
            self.any_method.get(&Ustr::from_existing(owner)?)
        };
        let entry =
            self.functions.get(&name).or_else(any_method).or_else(|| matching(&self.function_patterns, &name))?;
        let library = &self.libraries[entry.0 as usize];
        Some((library, &library.functions[entry.1 as usize]))
    }

    /// The name of a method on a value whose type is not known, where it is described for whatever type has it.
    pub fn method_of_any(&self, method: Ustr) -> Option<Ustr> {
        self.methods_of_any.get(&method).copied()
    }

    /// The functions that a call of what is not seen may be known for by its shape, with their names.
    pub fn likenesses(&self) -> impl Iterator<Item = (Ustr, &FunctionDescription)> {
        let entries = self.likenesses.iter();
        entries.map(|(name, entry)| (*name, &self.libraries[entry.0 as usize].functions[entry.1 as usize]))
    }

    /// What is known of a type.
    pub fn ty(&self, name: Ustr) -> Option<(&LibraryDescription, &TypeDescription)> {
        let entry = self.types.get(&name).or_else(|| matching(&self.type_patterns, &name))?;
        let library = &self.libraries[entry.0 as usize];
        Some((library, &library.types[entry.1 as usize]))
    }

    /// What is known of an annotation or decorator.
    pub fn annotation(&self, name: Ustr) -> Option<(&LibraryDescription, &AnnotationDescription)> {
        let entry = self.annotations.get(&name)?;
        let library = &self.libraries[entry.0 as usize];
        Some((library, &library.annotations[entry.1 as usize]))
    }

    /// Whether a description speaks of a class: as a type, as an annotation, as one that is made, or by one of its methods.
    /// A name that a whole package was imported for is known by this.
    pub fn speaks_of_class(&self, name: Ustr) -> bool {
        self.classes.get_or_init(|| self.all_classes()).contains(&name) || self.ty(name).is_some()
    }

    fn all_classes(&self) -> FxHashSet<Ustr> {
        let is_class = |name: &str| {
            let last = name.rsplit('.').next().unwrap_or(name);
            last.starts_with(|first: char| first.is_ascii_uppercase())
        };
        let owner_or_made = |name: &Ustr| match name.rsplit_once('.') {
            Some((owner, _)) if is_class(owner) => Some(Ustr::from(owner)),
            _ => Some(*name).filter(|name| is_class(name)),
        };
        let functions = self.functions.keys().filter_map(owner_or_made);
        let nested = self.functions.keys().copied().filter(|name| is_class(name));
        functions.chain(nested).chain(self.any_method.keys().copied()).chain(self.annotations.keys().copied()).collect()
    }

    /// The modules (Go: import paths) by which a trace can travel, those of described names included, as a team's
    /// wrappers are known by their names alone.
    pub fn active_modules(&self) -> impl Iterator<Item = String> {
        let active = || self.libraries.iter().filter(|library| !library.passive);
        let named = active().flat_map(|library| library.functions.iter().flat_map(|function| &function.names));
        let module = |name: &Ustr| {
            let last = name.rfind('/').map_or(0, |at| at + 1);
            let end = name[last..].find('.').map_or(name.len(), |dot| last + dot);
            name[..end].to_owned()
        };
        active().flat_map(|library| library.modules.iter().cloned()).chain(named.map(module))
    }

    /// All libraries, in file order.
    pub fn libraries(&self) -> &[LibraryDescription] {
        &self.libraries
    }
}

/// Every built-in description of a language with its file's name.
fn parse_all(language: Language) -> serde_json::Result<Vec<(String, LibraryDescription)>> {
    serde_json::from_str(LIBRARIES[language as usize])
}

/// The built-in descriptions; none when one does not fit the schema, which a test rules out.
fn built_in(language: Language) -> impl Iterator<Item = LibraryDescription> {
    parse_all(language).unwrap_or_default().into_iter().map(|(_, library)| library)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_stand_for_the_ends_of_names() {
        let pattern = Pattern::new("*Grpc.*ImplBase.*").expect("a pattern");
        assert!(pattern.matches("com.acme.GreeterGrpc.GreeterImplBase.hello"));
        assert!(!pattern.matches("com.acme.GreeterGrpc.GreeterStub.hello"));
        assert!(!pattern.matches("GreeterImplBase.hello"));
        assert!(
            Pattern::new("*_pb2_grpc.add_*Servicer_to_server")
                .expect("a pattern")
                .matches("a.b_pb2_grpc.add_GreeterServicer_to_server")
        );
        assert!(Pattern::new("io.grpc.Channel.*").is_none());
    }

    #[test]
    fn every_description_parses_and_names_each_thing_once() {
        for language in [Language::Go, Language::Python, Language::Java] {
            let mut seen = FxHashMap::default();
            let libraries = parse_all(language).unwrap_or_else(|error| panic!("{language:?}: {error}"));
            assert!(!libraries.is_empty());
            for (file, library) in libraries {
                for name in library.functions.iter().flat_map(|function| &function.names) {
                    if let Some(other) = seen.insert(*name, file.clone()) {
                        panic!("{name} is described in {other} and in {file}");
                    }
                }
            }
        }
    }
}
