//! The parameters by which contexts come into functions.

use super::Study;
use crate::finding::Place;
use crate::knowledge::TypeRole;
use crate::link::FuncRef;
use ustr::Ustr;

/// A parameter that brings a context in.
#[derive(Debug, Clone, Copy)]
pub struct ContextParam {
    /// The function that has it: the asked one, or one around it.
    pub function: FuncRef,
    /// Its name.
    pub name: Ustr,
    /// Where it stands.
    pub place: Place,
    /// It is a request, whose context must be asked for.
    pub is_request: bool,
    /// Nothing can use it, as it has no name; `name` is the one that it could have.
    pub is_unnamed: bool,
    /// How a request of its type is asked, where that is described.
    asked_by: Ustr,
}

impl ContextParam {
    /// How code says the context that it brings: `ctx`, `r.Context()`, `c.Request.Context()`.
    pub fn context(&self) -> String {
        match (self.is_request, self.asked_by.as_str()) {
            (false, _) => self.name.to_string(),
            (true, "") => format!("{}.Context()", self.name),
            (true, asked) => format!("{}.{asked}", self.name),
        }
    }
}

impl Study<'_> {
    /// The parameter by which a context comes into a function or a function around it: a context or a request.
    pub fn context_param(&self, function: FuncRef) -> Option<ContextParam> {
        self.find_context_param(function, |name| name != "_")
    }

    /// The parameter by which a context comes into a Go function that does not name it: `_ context.Context`. It bears the
    /// name that such a parameter has by custom.
    pub fn unnamed_context_param(&self, function: FuncRef) -> Option<ContextParam> {
        let found = self.find_context_param(function, |name| name == "_")?;
        let name = Ustr::from(if found.is_request { "r" } else { "ctx" });
        Some(ContextParam { name, is_unnamed: true, ..found })
    }

    fn find_context_param(&self, function: FuncRef, is_meant: impl Fn(&str) -> bool) -> Option<ContextParam> {
        let mut at = Some(function.id);
        while let Some(id) = at {
            let current = FuncRef { file: function.file, id };
            let decl = self.program.function(current);
            for (n, param) in decl.params.iter().enumerate() {
                let Some(ty) = self.program.param_type(current, n as u16) else { continue };
                let role = self.program.role(ty);
                if matches!(role, Some(TypeRole::Context | TypeRole::Request))
                    && !param.name.is_empty()
                    && is_meant(&param.name)
                {
                    return Some(ContextParam {
                        function: current,
                        name: param.name,
                        place: self.program.place_of(function.file, param.span),
                        is_request: role == Some(TypeRole::Request),
                        is_unnamed: false,
                        asked_by: self.program.knowledge.ty(ty).map(|(_, ty)| ty.asked_by).unwrap_or_default(),
                    });
                }
            }
            at = decl.parent.filter(|parent| parent.0 != 0);
        }
        None
    }
}
