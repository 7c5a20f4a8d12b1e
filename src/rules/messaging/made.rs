//! Handlers of messages that a Go function makes for a library: `func Traced(next Handler) nats.MsgHandler`.

use super::handlers::consumes;
use crate::ir::Language;
use crate::knowledge::{LibraryDescription, TypeRole};
use crate::link::FuncRef;
use crate::study::Study;

/// The function literals that take a message alone, in functions that hand back a handler by its type, each with the
/// library that will call it.
pub(super) fn made_handlers<'a>(study: &Study<'a>) -> Vec<(FuncRef, &'a LibraryDescription)> {
    let functions = study.program.all_functions().filter(|_| study.language() == Language::Go);
    functions.filter_map(|function| Some((function, library_of(study, function)?))).collect()
}

fn library_of<'a>(study: &Study<'a>, function: FuncRef) -> Option<&'a LibraryDescription> {
    let program = study.program;
    let decl = program.function(function);
    let maker = FuncRef { id: decl.parent.filter(|parent| parent.0 != 0)?, ..function };
    let [_] = &*decl.params else { return None };
    let (library, message) = program.knowledge.ty(program.param_type(function, 0)?)?;
    let is_of_library = |name: &str| {
        library
            .modules
            .iter()
            .any(|module| name.strip_prefix(module.as_str()).is_some_and(|rest| rest.starts_with('.')))
    };
    let results = &program.function(maker).results;
    let hands_back = results.iter().any(|ty| is_of_library(&program.type_ref(maker.file, ty)));
    let has_context = study.context_param(maker).is_some();
    let is_handler = message.role == TypeRole::Message && hands_back && !has_context;
    (is_handler && consumes(library)).then_some(library)
}
