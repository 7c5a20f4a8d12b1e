//! How a call stands by what makes its client.

use super::super::Verdict;
use super::calls::Judged;
use super::life::{Life, Lives};
use super::strangers;
use crate::ir::{ExprKind, Language, TypeField};
use crate::knowledge::TypeRole;
use crate::link::{Calls, Origin, ValueRef};
use crate::study::Study;

/// How many calls of a chain are looked at.
const MAX_CHAIN: usize = 12;

/// The verdict on a call by what its client is made of. Where makers of clients are shared, what other callers do with
/// theirs is left aside.
pub(super) fn judge_client(lives: &Lives<'_, '_>, call: ValueRef, client: ValueRef) -> Judged {
    let client = embedded(lives.study, client).unwrap_or(client);
    let found = judge_for_all(lives, call, client);
    match found.ruling.verdict {
        Verdict::Broken => found,
        _ => judge_alone(lives, client).unwrap_or(found),
    }
}

/// The client that a Go object of the service's own has embedded, where it is put there in one place: the methods that are
/// called on the object are the client's (`&Proxy{ReverseProxy: proxy}`).
fn embedded(study: &Study<'_>, object: ValueRef) -> Option<ValueRef> {
    let program = study.program;
    let owner = program.type_of(object).filter(|_| program.language == Language::Go)?;
    let ty = program.own_type(owner)?;
    let role = |field: &TypeField| program.role(program.type_ref(ty.file, field.ty.as_ref()?));
    let is_client =
        |field: &&TypeField| field.embedded && matches!(role(field), Some(TypeRole::HttpClient | TypeRole::RpcChannel));
    let field = program.type_decl(ty).fields.iter().find(is_client)?;
    match program.all_writes(owner, field.name)[..] {
        [(value, None | Some(0))] => Some(value),
        _ => None,
    }
}

/// The verdict where all that a Go client may be comes from the service's own functions, and is plain as these make it for
/// those who call them here.
fn judge_alone(lives: &Lives<'_, '_>, client: ValueRef) -> Option<Judged> {
    let study = lives.study;
    let mut causes = Vec::new();
    let ends = match study.language() {
        Language::Go => study.program.origins_along(client, &Calls::new(), |_, _| {}),
        _ => return None,
    };
    for (origin, calls) in ends {
        let (Origin::Call(made, _) | Origin::Literal(made)) = origin else { return None };
        let asked = calls.first().filter(|_| is_construction(study, made) && !covered(study, made))?;
        let is_plain = lives.of_construction_through(made, &calls) == Life::Plain;
        if !is_plain
            || is_built_with_tracing(study, *asked)
            || strangers::goes_to_third_party(study, made)
            || strangers::goes_to_third_party(study, *asked)
        {
            return None;
        }
        causes.push(*asked);
    }
    (!causes.is_empty())
        .then(|| Judged::broken("its client is made plain by a maker that others get theirs from", causes))
}

/// Whether a client is made at the end of a chain of own methods (`factory.WithTracing().Connect()`) of which one calls
/// something of a tracing library: what it puts into the object is for the client.
fn is_built_with_tracing(study: &Study<'_>, asked: ValueRef) -> bool {
    let program = study.program;
    let above = |call: &ValueRef| {
        let member = program.parent(*call)?;
        let is_method = matches!(program.expr_kind(member), ExprKind::Member { base, .. } if *base == call.expr);
        program.parent(member).filter(|_| is_method)
    };
    let last = std::iter::successors(Some(asked), above).take(MAX_CHAIN).last();
    let chain = std::iter::successors(last, |call| program.receiver(*call)).take(MAX_CHAIN);
    let calls = chain.take_while(|value| matches!(program.expr_kind(*value), ExprKind::Call { .. }));
    calls.into_iter().any(|call| {
        let functions = &program.callee(call).functions;
        functions.iter().any(|function| study.calls_in(*function).any(|fact| !fact.library.family.is_empty()))
    })
}

fn judge_for_all(lives: &Lives<'_, '_>, call: ValueRef, client: ValueRef) -> Judged {
    let study = lives.study;
    let mut causes = Vec::new();
    let mut life = Life::Plain;
    let mut because = "where the client is made is not seen";
    let shared = handed_on(study, client);
    for origin in study.program.origins(client, true) {
        match origin {
            Origin::Call(made, _) | Origin::Literal(made) if is_construction(study, made) => {
                if covered(study, made) {
                    return Judged::carried("what traces the service that makes the client covers its library");
                }
                match lives.of_construction(made) {
                    Life::Plain if strangers::goes_to_third_party(study, made) => {
                        life = Life::Unknown;
                        because = "the client is made for a stranger's service";
                    }
                    Life::Plain => causes.push(made),
                    other => {
                        life = other;
                        because = "what the client is made of, or what becomes of it, is not wholly seen";
                    }
                }
            }
            Origin::Field(owner, name) if lives.named(owner, name) == Life::Plain => match &shared[..] {
                [] => causes.push(call),
                places => causes.extend(places),
            },
            Origin::Literal(nil) if matches!(study.program.expr_kind(nil), ExprKind::Lit(_)) => {}
            _ => life = Life::Unknown,
        }
    }
    let stubs = if life == Life::Instrumented { lives.plain_stubs(client) } else { Vec::new() };
    match life {
        Life::Plain if !causes.is_empty() => Judged::broken("its client is made plain and stays so", causes),
        Life::Instrumented if !stubs.is_empty() => {
            Judged::broken("what instruments other stubs of its channel was left out at this one", stubs)
        }
        Life::Instrumented if causes.is_empty() => Judged::carried("its client is instrumented"),
        Life::Instrumented => Judged::unknown("one of the clients that it may use is instrumented, another is not"),
        _ => Judged::unknown(because),
    }
}

pub(super) fn is_construction(study: &Study<'_>, call: ValueRef) -> bool {
    let role = study.fact(call).and_then(|fact| fact.effect.makes);
    matches!(role, Some(TypeRole::HttpClient | TypeRole::RpcChannel))
}

fn covered(study: &Study<'_>, call: ValueRef) -> bool {
    study.fact(call).is_some_and(|fact| study.unit(call.file).covers_every_client(fact.library))
}

/// The places at which Go code hands on a client that everybody shares, from which a client comes: one cause for all that is
/// sent through it.
fn handed_on(study: &Study<'_>, client: ValueRef) -> Vec<ValueRef> {
    let mut out = Vec::new();
    if study.language() == Language::Go {
        study.program.origins_noting(client, true, |value, ends| {
            let is_shared = ends.iter().any(|end| matches!(end, Origin::Field(..)));
            let is_named = matches!(study.program.expr_kind(value), ExprKind::Member { .. });
            out.extend((is_shared && is_named && value != client).then_some(value));
        });
    }
    out
}
