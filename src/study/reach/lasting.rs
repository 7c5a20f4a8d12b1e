//! Functions that begin what outlives requests, by their names.

use crate::ir::Language;
use crate::link::FuncRef;
use crate::study::Study;

/// Whether a function says by its name that it makes or starts what outlives requests, and takes no context that says
/// otherwise: a Go constructor, the start of a loop.
pub(super) fn begins(study: &Study<'_>, function: FuncRef) -> bool {
    const STARTS: &[&str] = &["start", "setup", "init", "bootstrap", "serve"];
    const MAKES: &[&str] = &["new", "must", "provide", "register"];
    let decl = study.program.function(study.program.outermost(function));
    let says = |words: &[&str]| {
        words.iter().any(|word| decl.name.get(..word.len()).is_some_and(|start| start.eq_ignore_ascii_case(word)))
    };
    let is_method = decl.owner.is_some() || !decl.owner_name.is_empty();
    says(STARTS) || (study.language() == Language::Go && !is_method && says(MAKES))
}

/// Whether a Go function that takes a context and nothing else says by its name that it begins what lives as long as the
/// context: `Start(ctx)`, `RunLoop(ctx)`.
pub(super) fn lives_on(study: &Study<'_>, function: FuncRef) -> bool {
    const WORDS: &[&str] = &["start", "setup", "init", "bootstrap", "serve", "run", "watch", "listen", "poll", "loop"];
    let decl = study.program.function(function);
    let says = |word: &&str| {
        let rest = decl
            .name
            .get(word.len()..)
            .filter(|_| decl.name.get(..word.len()).is_some_and(|start| start.eq_ignore_ascii_case(word)));
        rest.is_some_and(|rest| !rest.starts_with(|next: char| next.is_lowercase()))
    };
    let takes_context = || study.context_param(function).is_some_and(|param| !param.is_request);
    study.language() == Language::Go && decl.params.len() == 1 && WORDS.iter().any(says) && takes_context()
}
