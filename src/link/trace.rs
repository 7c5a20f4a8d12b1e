//! Following a value back to where it was made, one step at a time.

use super::flow::{DefKind, RECEIVER};
use super::program::{FuncRef, Program, ValueRef};
use crate::ir::{ExprKind, Language};
use crate::knowledge::Slot;
use smallvec::SmallVec;
use ustr::Ustr;

/// Several values.
pub type Values = SmallVec<[ValueRef; 2]>;

/// How many values are looked at for the origins of one.
pub const MAX_ORIGINS: usize = 400;

/// Most callers whose arguments for one parameter are followed.
pub const MAX_ARGUMENTS: usize = 32;

/// One step back from a value.
#[derive(Debug, Clone, PartialEq)]
pub enum Step {
    /// It is one of these values.
    Values(Values),
    /// It is this result of a call or object creation.
    Call(ValueRef, u8),
    /// It is a parameter ([`RECEIVER`] for the method's own object).
    Param(FuncRef, u16),
    /// It is a field or global of this owner.
    Field(Ustr, Ustr),
    /// It is an element of a container, or what a manager hands out.
    Part(ValueRef),
    /// It is a zero value, literal or function.
    Literal(ValueRef),
    /// Not known.
    Unknown,
}

/// The end of a chain of steps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// A call that makes it, and which result it is.
    Call(ValueRef, u8),
    /// A parameter of a function.
    Param(FuncRef, u16),
    /// A field or global.
    Field(Ustr, Ustr),
    /// A literal, composite or function.
    Literal(ValueRef),
    /// Not known.
    Unknown,
}

impl Program<'_> {
    /// One step back.
    pub fn step(&self, value: ValueRef) -> Step {
        let at = |expr| ValueRef { file: value.file, expr };
        match self.expr_kind(value) {
            ExprKind::Name(name) => self.step_name(value, *name),
            ExprKind::Call { .. } | ExprKind::New { .. } => Step::Call(value, 0),
            ExprKind::Member { base, name, .. } => match self.type_of(at(*base)) {
                Some(owner) => Step::Field(owner, *name),
                None => match self.qualify(value).and_then(|name| {
                    let (owner, name) = name.rsplit_once('.')?;
                    Some(Step::Field(Ustr::from(owner), Ustr::from(name)))
                }) {
                    Some(step) => step,
                    None => Step::Unknown,
                },
            },
            ExprKind::Await(inner)
            | ExprKind::Cast { value: inner, .. }
            | ExprKind::Assign { value: inner, .. }
            | ExprKind::Unary { operand: inner, .. } => Step::Values(SmallVec::from_slice(&[at(*inner)])),
            ExprKind::Conditional { then, otherwise, .. } => {
                Step::Values(SmallVec::from_slice(&[at(*then), at(*otherwise)]))
            }
            ExprKind::Binary { op, left, right } if op == "or" || op == "||" => {
                Step::Values(SmallVec::from_slice(&[at(*left), at(*right)]))
            }
            ExprKind::Index { base, .. } | ExprKind::Receive(base) => Step::Part(at(*base)),
            ExprKind::Zero(_) if self.is_shared(value) => Step::Unknown,
            ExprKind::Zero(_)
            | ExprKind::Composite { .. }
            | ExprKind::Str(_)
            | ExprKind::Lit(_)
            | ExprKind::Closure(_)
            | ExprKind::MethodRef { .. }
            | ExprKind::Type(_) => Step::Literal(value),
            ExprKind::Binary { .. } | ExprKind::Yield(_) | ExprKind::Unknown(_) => Step::Unknown,
        }
    }

    fn step_name(&self, value: ValueRef, name: Ustr) -> Step {
        let reaching = self.reaching(value);
        if reaching.is_empty() {
            if self.files[value.file as usize].flow.is_local(value.expr) {
                return Step::Unknown;
            }
            return self.step_global(value, name);
        }
        if let [only] = reaching {
            return self.step_def(value.file, *only);
        }
        let mut values = Values::new();
        for def in reaching {
            match self.step_def(value.file, *def) {
                // A declaration without a value adds nothing to the others.
                Step::Values(more) if more.iter().all(|value| self.is_zero(*value)) => {}
                Step::Values(more) => values.extend(more),
                Step::Call(call, 0) => values.push(call),
                Step::Literal(literal) => values.push(literal),
                other => {
                    if reaching.len() == 1 {
                        return other;
                    }
                    // A declaration without a value adds nothing to the others.
                    if !matches!(self.def(value.file, *def).kind, DefKind::Declared) {
                        return Step::Unknown;
                    }
                }
            }
        }
        if values.is_empty() { Step::Unknown } else { Step::Values(values) }
    }

    fn is_zero(&self, value: ValueRef) -> bool {
        matches!(self.expr_kind(value), ExprKind::Zero(_))
    }

    /// Whether the variable that a zero value is declared in is given by address to a function that is not seen, which
    /// may fill it.
    fn is_shared(&self, zero: ValueRef) -> bool {
        let flow = &self.files[zero.file as usize].flow;
        flow.defs_from(zero.expr).flat_map(|(_, def)| &flow.vars[def.var.0 as usize].uses).any(|used| {
            let Some(parent) = self.parent(ValueRef { expr: *used, ..zero }) else { return false };
            let by_address = matches!(self.expr_kind(parent), ExprKind::Unary { op, .. } if op == "&");
            let call = self.parent(parent).filter(|call| matches!(self.expr_kind(*call), ExprKind::Call { .. }));
            by_address && call.is_some_and(|call| self.callee(call).functions.is_empty())
        })
    }

    /// One step back from a definition.
    pub fn step_def(&self, file: u32, def: super::flow::DefId) -> Step {
        let def = *self.def(file, def);
        let at = |expr| ValueRef { file, expr };
        match def.kind {
            DefKind::Param(n) => Step::Param(FuncRef { file, id: def.function }, n),
            DefKind::Value { value, index: None } => Step::Values(SmallVec::from_slice(&[at(value)])),
            DefKind::Value { value, index: Some(n) } => {
                let mut value = at(value);
                while let ExprKind::Await(inner) = self.expr_kind(value) {
                    value = ValueRef { file, expr: *inner };
                }
                match self.expr_kind(value) {
                    ExprKind::Call { .. } => Step::Call(value, n),
                    ExprKind::Composite { ty: None, fields } => match fields.get(n as usize) {
                        Some(field) => Step::Values(SmallVec::from_slice(&[at(field.value)])),
                        None => Step::Unknown,
                    },
                    ExprKind::Cast { value: inner, .. } if n == 0 => Step::Values(SmallVec::from_slice(&[at(*inner)])),
                    _ => Step::Part(value),
                }
            }
            DefKind::Element(value) => Step::Part(at(value)),
            DefKind::Entered(value) => match self.expr_kind(at(value)) {
                ExprKind::Call { .. } | ExprKind::New { .. } => Step::Call(at(value), 0),
                _ => Step::Values(SmallVec::from_slice(&[at(value)])),
            },
            DefKind::Declared | DefKind::Opaque => Step::Unknown,
        }
    }

    fn step_global(&self, value: ValueRef, name: Ustr) -> Step {
        if self.language == Language::Java
            && let Some(ty) = self.enclosing_type(self.function_covering(value))
        {
            let mut owner = Some(ty);
            while let Some(ty) = owner {
                if self.has_field(ty, name) {
                    return Step::Field(self.type_name(ty), name);
                }
                owner = self.type_decl(ty).owner.map(|id| super::program::TypeIndex { file: ty.file, id });
            }
            return Step::Field(self.type_name(ty), name);
        }
        match self.qualify(value).as_deref().and_then(|name| name.rsplit_once('.')) {
            Some((owner, name)) => Step::Field(Ustr::from(owner), Ustr::from(name)),
            None => Step::Unknown,
        }
    }

    /// Where a value was made: the ends of all chains of steps through locals, fields with seen writes, parameters
    /// (`through_params`: into the callers' arguments) and the results of the service's own functions. At most `limit`
    /// steps in all; what lies behind is unknown.
    pub fn origins(&self, value: ValueRef, through_params: bool) -> Vec<Origin> {
        self.origins_noting(value, through_params, |_, _| {})
    }

    /// Like [`Self::origins`]; tells of each value on the way with the ends that were found at it.
    pub fn origins_noting(
        &self,
        value: ValueRef,
        through_params: bool,
        mut note: impl FnMut(ValueRef, &[Origin]),
    ) -> Vec<Origin> {
        let mut out = Vec::new();
        let mut work = vec![value];
        let mut seen = rustc_hash::FxHashSet::default();
        while let Some(value) = work.pop() {
            if !seen.insert(value) {
                continue;
            }
            if seen.len() > MAX_ORIGINS {
                out.push(Origin::Unknown);
                break;
            }
            let before = out.len();
            for step in self.steps(value) {
                self.follow(step, through_params, &mut work, &mut out);
            }
            note(value, &out[before..]);
        }
        out
    }

    /// One step back along each definition that reaches a name, or the one step of any other value.
    pub(super) fn steps(&self, value: ValueRef) -> SmallVec<[Step; 2]> {
        let reaching = self.reaching(value);
        if reaching.len() < 2 || !matches!(self.expr_kind(value), ExprKind::Name(_)) {
            return SmallVec::from_iter([self.step(value)]);
        }
        let adds = |def: &&super::flow::DefId| !matches!(self.def(value.file, **def).kind, DefKind::Declared);
        let steps = reaching.iter().filter(adds).map(|def| self.step_def(value.file, *def));
        // A declaration without a value adds nothing to the others.
        steps
            .filter(|step| !matches!(step, Step::Values(values) if values.iter().all(|value| self.is_zero(*value))))
            .collect()
    }

    pub(super) fn follow(&self, step: Step, through_params: bool, work: &mut Vec<ValueRef>, out: &mut Vec<Origin>) {
        match step {
            Step::Values(values) => work.extend(values),
            Step::Literal(value) => out.push(Origin::Literal(value)),
            Step::Part(container) => work.push(container),
            Step::Unknown => out.push(Origin::Unknown),
            Step::Param(function, n) => {
                let arguments = if through_params { self.arguments(function, n) } else { Values::new() };
                if arguments.is_empty() {
                    out.push(Origin::Param(function, n));
                }
                work.extend(arguments);
            }
            Step::Field(owner, name) => {
                let writes = self.all_writes(owner, name);
                if writes.is_empty() && !self.computed(owner, name, work, out) {
                    out.push(Origin::Field(owner, name));
                }
                for (value, index) in writes {
                    match index {
                        None | Some(0) => work.push(value),
                        Some(n) => self.call_result(value, n, work, out),
                    }
                }
            }
            Step::Call(call, n) => self.call_result(call, n, work, out),
        }
    }

    /// What the property hands back that is read by this name; false where there is none.
    fn computed(&self, owner: Ustr, name: Ustr, work: &mut Vec<ValueRef>, out: &mut Vec<Origin>) -> bool {
        if self.language != Language::Python {
            return false;
        }
        let inherited = || self.supertypes(owner).iter().take(8).find_map(|ty| self.property(*ty, name));
        let property = self.property(owner, name).or_else(inherited);
        property.is_some_and(|property| self.returned_values(&[property], 0, work, out))
    }

    /// The writes to a field, also through the supertypes that declare it.
    pub fn all_writes(&self, owner: Ustr, name: Ustr) -> Vec<(ValueRef, Option<u8>)> {
        let mut found = self.writes((owner, name)).to_vec();
        if found.is_empty() {
            for ty in self.supertypes(owner).iter().take(6) {
                found.extend_from_slice(self.writes((*ty, name)));
            }
        }
        if found.len() > 1 {
            found.retain(|(value, _)| !self.is_zero(*value));
        }
        let is_spare = |value: &ValueRef| match self.step(*value) {
            Step::Param(function, _) => self.is_spare(function),
            _ => false,
        };
        if self.language == Language::Java && found.len() > 1 && !found.iter().all(|(value, _)| is_spare(value)) {
            found.retain(|(value, _)| !is_spare(value));
        }
        found.truncate(24);
        found
    }

    /// Whether a constructor is there for tests: nothing of the service calls it or marks it, and another one of its type is
    /// called, marked, or the one without parameters that containers and platforms call.
    fn is_spare(&self, function: FuncRef) -> bool {
        let is_used = |one: FuncRef| !self.callers(one).is_empty() || !self.function(one).annotations.is_empty();
        let serves = |one: &FuncRef| *one != function && (is_used(*one) || self.function(*one).params.is_empty());
        let all = || self.enclosing_type(function).and_then(|owner| self.constructors(self.type_name(owner)));
        self.function(function).flags.is_constructor
            && !is_used(function)
            && all().is_some_and(|all| all.iter().any(serves))
    }

    pub(super) fn call_result(&self, call: ValueRef, n: u8, work: &mut Vec<ValueRef>, out: &mut Vec<Origin>) {
        let callee = self.callee(call);
        if let Some((_, description)) = callee.name.and_then(|name| self.described(name)) {
            match description.derives.filter(|_| n == 0 && description.makes.is_none()) {
                Some(slot) => work.extend(self.slot(call, slot)),
                None => out.push(Origin::Call(call, n)),
            }
            return;
        }
        if callee.constructs.is_some() {
            match self.converted(call) {
                Some(value) => work.push(value),
                None => out.push(Origin::Call(call, n)),
            }
            return;
        }
        if !self.returned_values(&callee.functions, n, work, out) {
            out.push(Origin::Call(call, n));
        }
    }

    /// What the functions that a call runs hand back as their n-th result; false when none of it is seen.
    fn returned_values(&self, functions: &[FuncRef], n: u8, work: &mut Vec<ValueRef>, out: &mut Vec<Origin>) -> bool {
        let mut found = false;
        for function in functions {
            let flow = &self.files[function.file as usize].flow;
            for returned in flow.returns_of(function.id) {
                let at = |expr| ValueRef { file: function.file, expr };
                match returned.values.as_slice() {
                    [one] if n > 0 => {
                        if matches!(self.expr_kind(at(*one)), ExprKind::Call { .. }) {
                            found = true;
                            out.push(Origin::Call(at(*one), n));
                        }
                    }
                    values => {
                        if let Some(value) = values.get(n as usize) {
                            found = true;
                            work.push(at(*value));
                        }
                    }
                }
            }
        }
        found
    }

    /// What functions of the service hand back as their first results.
    pub fn first_results(&self, functions: &[FuncRef]) -> impl Iterator<Item = ValueRef> {
        functions.iter().flat_map(|function| {
            let flow = self.files.get(function.file as usize).map(|file| &file.flow);
            let returned = flow.into_iter().flat_map(|flow| flow.returns_of(function.id));
            let first = returned.filter_map(|found| found.values.first());
            first.map(|expr| ValueRef { file: function.file, expr: *expr })
        })
    }

    /// The value that a Go type conversion `T(x)` passes on: to a type whose own methods do nothing of their own.
    pub fn converted(&self, call: ValueRef) -> Option<ValueRef> {
        if self.language != Language::Go {
            return None;
        }
        let ExprKind::Call { args, callee } = self.expr_kind(call) else { return None };
        let [arg] = &**args else { return None };
        let target = self.callee(call).constructs?;
        if self.qualify(ValueRef { expr: *callee, ..call }) != Some(target) || self.has_methods(target) {
            return None;
        }
        Some(ValueRef { expr: arg.value, ..call })
    }

    /// What the callers pass for a parameter; empty when there are none or one of them passes something that is not seen.
    pub fn arguments(&self, function: FuncRef, n: u16) -> Values {
        let mut out = Values::new();
        let params = &self.function(function).params;
        let is_open = self.language == Language::Go && params.get(n as usize).is_some_and(|param| param.variadic);
        for call in self.callers(function) {
            if is_open {
                out.extend(self.rest(*call, n));
                if out.len() > MAX_ARGUMENTS {
                    return Values::new();
                }
                continue;
            }
            let Some(value) = self.argument(*call, function, n) else { return Values::new() };
            out.push(value);
            if out.len() > MAX_ARGUMENTS {
                return Values::new();
            }
        }
        out
    }

    /// What all calls that are seen pass for a parameter, however many.
    pub fn all_arguments(&self, function: FuncRef, n: u16) -> impl Iterator<Item = ValueRef> {
        let params = &self.function(function).params;
        let is_open = self.language == Language::Go && params.get(n as usize).is_some_and(|param| param.variadic);
        self.callers(function).iter().flat_map(move |call| {
            let one = (!is_open).then(|| self.argument(*call, function, n)).flatten();
            let rest = is_open.then(|| self.rest(*call, n));
            one.into_iter().chain(rest.into_iter().flatten())
        })
    }

    /// What a Go call passes for a parameter that takes any number of values: all that follow, perhaps none.
    fn rest(&self, call: ValueRef, n: u16) -> impl Iterator<Item = ValueRef> {
        let args = match self.expr_kind(call) {
            ExprKind::Call { args, .. } => &args[..],
            _ => &[],
        };
        args.iter().skip(n as usize).map(move |arg| ValueRef { expr: arg.value, ..call })
    }

    /// What one call passes for a parameter of the function that it runs.
    pub fn argument(&self, call: ValueRef, function: FuncRef, n: u16) -> Option<ValueRef> {
        let at = |expr| ValueRef { file: call.file, expr };
        if n == RECEIVER {
            return self.receiver(call);
        }
        let (ExprKind::Call { args, .. } | ExprKind::New { args, .. }) = self.expr_kind(call) else { return None };
        let decl = self.function(function);
        let name = decl.params.get(n as usize)?.name;
        if let Some(arg) = args.iter().find(|arg| arg.name == Some(name)) {
            return Some(at(arg.value));
        }
        let bound = self.language == Language::Python && decl.owner.is_some() && !decl.flags.is_static;
        if bound && n == 0 {
            return self.receiver(call);
        }
        let position = n as usize - usize::from(bound);
        let arg = args.iter().filter(|arg| arg.name.is_none()).nth(position)?;
        Some(at(arg.value))
    }

    /// The value before the dot of a call.
    pub fn receiver(&self, call: ValueRef) -> Option<ValueRef> {
        let ExprKind::Call { callee, .. } = self.expr_kind(call) else { return None };
        let mut callee = ValueRef { file: call.file, expr: *callee };
        while let ExprKind::Index { base, .. } = self.expr_kind(callee) {
            callee = ValueRef { file: call.file, expr: *base };
        }
        match self.expr_kind(self.bound(callee)) {
            ExprKind::Member { base, .. } => Some(ValueRef { file: call.file, expr: *base }),
            _ => None,
        }
    }

    /// The values in a slot of a call, object creation or composite.
    pub fn slot(&self, call: ValueRef, slot: Slot) -> Values {
        let at = |expr| ValueRef { file: call.file, expr };
        if let ExprKind::Composite { fields, .. } = self.expr_kind(call) {
            return match slot {
                Slot::Named(name) => fields
                    .iter()
                    .filter(|field| {
                        field.key.is_some_and(|key| matches!(self.expr_kind(at(key)), ExprKind::Name(n) if *n == name))
                    })
                    .map(|field| at(field.value))
                    .collect(),
                Slot::AnyArg => fields.iter().map(|field| at(field.value)).collect(),
                _ => Values::new(),
            };
        }
        let (ExprKind::Call { args, .. } | ExprKind::New { args, .. }) = self.expr_kind(call) else {
            return Values::new();
        };
        let positional = |n: u8| args.iter().filter(|arg| arg.name.is_none()).nth(n as usize);
        let named = |name| args.iter().filter(move |arg| arg.name == Some(name)).map(|arg| at(arg.value));
        match slot {
            Slot::Receiver => self.receiver(call).into_iter().collect(),
            Slot::Arg(n) => positional(n).map(|arg| at(arg.value)).into_iter().collect(),
            Slot::Named(name) => named(name).collect(),
            Slot::Param(n, name) => positional(n).map(|arg| at(arg.value)).into_iter().chain(named(name)).collect(),
            Slot::AnyArg => args.iter().map(|arg| at(arg.value)).collect(),
            Slot::Result(_) => SmallVec::from_slice(&[call]),
            Slot::Global(_) | Slot::Ambient | Slot::None => Values::new(),
        }
    }
}
