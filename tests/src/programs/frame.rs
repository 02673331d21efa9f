//! What the generator knows while it writes one body: names in scope with their types, how much is computed already, and
//! which indices may have their range inferred.

use super::items::Signature;
use super::random::Random;
use super::sizes::Sizes;
use super::tree::{self, Expr, Item};
use kcc_compiler::size::Size;
use kcc_compiler::types::Scalar;

/// A tensor type; without extents a scalar.
#[derive(Clone, Debug, PartialEq)]
pub struct Tensor {
    /// Element type.
    pub elem: Scalar,
    /// Extents.
    pub dims: Vec<Size>,
}

/// What a name is.
#[derive(Clone, Debug)]
pub enum Kind {
    /// A tensor or scalar.
    Value(Tensor),
    /// An index, never negative; and what it stays below, if that is known.
    Index(Option<Size>),
    /// A size used as a value.
    Size,
    /// A parameter that is a function of scalars.
    Function(Vec<Scalar>, Scalar),
}

/// A name in scope.
#[derive(Clone, Debug)]
pub struct Local {
    /// The name.
    pub name: String,
    /// What it is.
    pub kind: Kind,
    /// Whether something reads it.
    pub used: bool,
}

/// An index whose range may be inferred: the extents of the accesses that decide it.
#[derive(Clone, Debug)]
pub struct Open {
    /// The index.
    pub name: String,
    /// Conditions around its comprehension.
    pub conditions: usize,
    /// Extents of the accesses in which it stands alone and which always run.
    pub found: Vec<Size>,
}

/// The body that is being written.
#[derive(Clone, Debug, Default)]
pub struct Frame {
    /// Names in scope.
    pub locals: Vec<Local>,
    /// Extents to choose from.
    pub pool: Vec<Size>,
    /// Conditions around what is being written.
    pub conditions: usize,
    /// Indices whose range is open.
    pub open: Vec<Open>,
    /// How often what is being written runs, at most.
    pub work: u64,
    /// The greatest `work` so far.
    pub most_work: u64,
    /// The type that is written `T`, and what may be done with it.
    pub generic: Option<(Scalar, Class)>,
    /// Nodes that may still be written before only leaves are.
    pub budget: i32,
    /// Whether nothing that can fail may be written: functions, constants.
    pub is_total: bool,
}

/// A constraint of a type parameter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// `number`
    Number,
    /// `float`
    Float,
    /// `integer`
    Integer,
}

impl Class {
    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Class::Number => "number",
            Class::Float => "float",
            Class::Integer => "integer",
        }
    }

    /// The types that a call may put in its place.
    pub fn types(self) -> &'static [Scalar] {
        use Scalar::*;
        match self {
            Class::Number => &[F32, I32, F64, I64, U32, U64],
            Class::Float => &[F32, F64],
            Class::Integer => &[I32, U32, I64, U64],
        }
    }
}

/// The greatest number of times that anything runs.
pub const MOST_WORK: u64 = 4096;

/// Writes one program.
#[derive(Debug)]
pub struct Generator {
    /// Choices.
    pub random: Random,
    /// Size variables.
    pub sizes: Sizes,
    /// Finished items.
    pub items: Vec<Item>,
    /// Functions that may be called.
    pub functions: Vec<Signature>,
    /// Constants: names that every body sees.
    pub constants: Vec<Local>,
    /// The body being written.
    pub frame: Frame,
    /// Numbers of fresh names.
    pub fresh: usize,
    /// Calls of functions of std that may still be written: they are long.
    pub std_calls: usize,
    /// Whether `use std.nn` is needed.
    pub uses_nn: bool,
}

impl Generator {
    /// A new name.
    pub fn fresh(&mut self, prefix: &str) -> String {
        self.fresh += 1;
        format!("{prefix}{}", self.fresh)
    }

    /// Binds a name.
    pub fn bind(&mut self, name: &str, kind: Kind) {
        self.frame.locals.push(Local { name: name.to_string(), kind, used: false });
    }

    /// A use of the local at this position.
    pub fn use_local(&mut self, position: usize) -> Expr {
        let local = &mut self.frame.locals[position];
        local.used = true;
        tree::ident(&local.name)
    }

    /// The positions of locals that fit; those which nothing uses alone, with some chance.
    pub fn locals(&mut self, fits: impl Fn(&Local) -> bool) -> Vec<usize> {
        let all: Vec<usize> =
            (0..self.frame.locals.len()).filter(|position| fits(&self.frame.locals[*position])).collect();
        let unused: Vec<usize> = all.iter().copied().filter(|position| !self.frame.locals[*position].used).collect();
        if !unused.is_empty() && self.random.percent(60) { unused } else { all }
    }

    /// The name of an element type here.
    pub fn elem_name(&self, elem: Scalar) -> &'static str {
        match self.frame.generic {
            Some((generic, _)) if generic == elem => "T",
            _ => elem.name(),
        }
    }

    /// The class of an element type here, if it is the generic one.
    pub fn class(&self, elem: Scalar) -> Option<Class> {
        self.frame.generic.filter(|(generic, _)| *generic == elem).map(|(_, class)| class)
    }

    /// An element type to compute with: a number.
    pub fn number(&mut self) -> Scalar {
        use Scalar::*;
        let weights = [30, 16, 8, 8, 6, 6, 6, 8, 6, 6];
        let all = [F32, I32, F64, U8, I8, I16, U16, U32, I64, U64];
        if let Some((elem, _)) = self.frame.generic
            && self.random.percent(60)
        {
            return elem;
        }
        // Often one that is there to be read.
        let tensors = self.frame.locals.iter().filter_map(|local| match &local.kind {
            Kind::Value(t) if !t.dims.is_empty() && all.contains(&t.elem) => Some(t.elem),
            _ => None,
        });
        let present: Vec<Scalar> = tensors.collect();
        if !present.is_empty() && self.random.percent(45) {
            return self.random.pick(&present);
        }
        all[self.random.weighted(&weights)]
    }

    /// Writes with more repetitions around, or not at all if these were too many.
    pub fn repeated<T>(&mut self, times: i64, write: impl FnOnce(&mut Self) -> T) -> T {
        let before = self.frame.work;
        self.frame.work = before.saturating_mul(times.max(1) as u64);
        self.frame.most_work = self.frame.most_work.max(self.frame.work);
        let result = write(self);
        self.frame.work = before;
        result
    }

    /// Whether so many repetitions more are affordable.
    pub fn affords(&self, times: i64) -> bool {
        self.frame.work.saturating_mul(times.max(1) as u64) <= MOST_WORK
    }

    /// Writes under a condition.
    pub fn conditional<T>(&mut self, write: impl FnOnce(&mut Self) -> T) -> T {
        self.frame.conditions += 1;
        let result = write(self);
        self.frame.conditions -= 1;
        result
    }

    /// Writes in a scope of its own. What was used inside stays used.
    pub fn scoped<T>(&mut self, write: impl FnOnce(&mut Self) -> T) -> T {
        let depth = self.frame.locals.len();
        let result = write(self);
        self.frame.locals.truncate(depth);
        result
    }

    /// Writes something that may turn out to be impossible: then nothing counts as used, and no access as written.
    pub fn attempt<T>(&mut self, write: impl FnOnce(&mut Self) -> Option<T>) -> Option<T> {
        let (locals, open) = (self.frame.locals.clone(), self.frame.open.clone());
        let result = write(self);
        if result.is_none() {
            (self.frame.locals, self.frame.open) = (locals, open);
        }
        result
    }

    /// Whether a type of this body can stand where a callee's type parameter has a constraint.
    pub fn satisfies(&self, elem: Scalar, class: Class) -> bool {
        match self.class(elem) {
            Some(own) => own == class || class == Class::Number,
            None => class.types().contains(&elem),
        }
    }

    /// Takes a node off the budget; false if only leaves should be written.
    pub fn spend(&mut self) -> bool {
        self.frame.budget -= 1;
        self.frame.budget > 0
    }
}
