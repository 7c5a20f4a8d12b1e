//! The team's own wrappers, in the vocabulary of library descriptions.

use super::{Config, Wrapper, WrapperKind};
use crate::ir::Language;
use crate::knowledge::{
    ExtractEffect, FunctionDescription, InjectEffect, Knowledge, Slot, SpanEffect, wrapper_library,
};
use ustr::Ustr;

/// The built-in knowledge of a language with the configuration's wrappers added, or `None` when there are none.
pub fn wrapper_knowledge(config: &Config, language: Language) -> Option<Knowledge> {
    let mut library = wrapper_library();
    library.functions = config.wrappers.iter().filter(|wrapper| wrapper.language == language).map(describe).collect();
    if library.functions.is_empty() {
        return None;
    }
    Some(Knowledge::with(language, library))
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
    }
    out
}
