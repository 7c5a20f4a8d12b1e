//! The team's own wrappers, in the vocabulary of library descriptions.

use super::{Config, Wrapper, WrapperKind};
use crate::ir::Language;
use crate::knowledge::{
    ExtractEffect, FunctionDescription, InjectEffect, Knowledge, Slot, SpanEffect, TypeDescription, TypeRole,
    wrapper_library,
};
use ustr::Ustr;

/// The built-in knowledge of a language with the configuration's wrappers added, or `None` when there are none.
pub fn wrapper_knowledge(config: &Config, language: Language) -> Option<Knowledge> {
    let mut library = wrapper_library();
    let own = || config.wrappers.iter().filter(|wrapper| wrapper.language == language);
    library.functions = own().filter(|wrapper| wrapper.does != WrapperKind::Extends).map(describe).collect();
    library.types = own().filter(|wrapper| wrapper.does == WrapperKind::Extends).filter_map(extends).collect();
    if library.functions.is_empty() && library.types.is_empty() {
        return None;
    }
    Some(Knowledge::with(language, library))
}

/// A type of the team's own, which is for the trace what the one is that it extends.
fn extends(wrapper: &Wrapper) -> Option<TypeDescription> {
    let of = Ustr::from(wrapper.of.as_deref()?);
    let role = Knowledge::built_in(wrapper.language).ty(of).map_or(TypeRole::Other, |(_, known)| known.role);
    Some(TypeDescription {
        names: vec![Ustr::from(&wrapper.function)],
        supers: vec![of],
        role,
        ..TypeDescription::default()
    })
}

fn describe(wrapper: &Wrapper) -> FunctionDescription {
    let argument = Slot::Arg(wrapper.argument.and_then(|n| u8::try_from(n).ok()).unwrap_or(0));
    let result = Slot::Result(wrapper.result.and_then(|n| u8::try_from(n).ok()).unwrap_or(0));
    let mut out = FunctionDescription { names: vec![Ustr::from(&wrapper.function)], ..FunctionDescription::default() };
    match wrapper.does {
        WrapperKind::StartsSpan => {
            out.span = Some(SpanEffect {
                context: argument,
                span: result,
                derived: Slot::None,
                current: true,
                must_end: true,
                is_found: false,
                unbegun: false,
                has_kind: false,
            });
        }
        WrapperKind::EndsSpan => out.ends = Some(argument),
        WrapperKind::Injects => out.inject = Some(InjectEffect { context: Slot::Ambient, carrier: argument }),
        WrapperKind::Extracts => out.extract = Some(ExtractEffect { carrier: argument, context: result }),
        WrapperKind::Instruments => out.instruments = Some(argument),
        WrapperKind::MakesClient => out.instruments = Some(result),
        WrapperKind::Propagates => {
            out.derives = Some(argument);
            out.carries = Some(argument);
        }
        WrapperKind::Detaches => out.detaches = Some(argument),
        WrapperKind::Extends => {}
    }
    out
}
