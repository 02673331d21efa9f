//! Statements: values fit, what changes is a variable, jumps have something to leave.

use super::{Verifier, expect, same_kind};
use crate::hir::{Block, IndexItem, LocalId, MessagePart, Stmt, Type};
use crate::types::Scalar;

impl Verifier<'_> {
    pub(super) fn block(&mut self, block: &Block) -> Result<(), String> {
        block.stmts.iter().try_for_each(|stmt| self.statement(stmt))?;
        block.value.as_ref().map_or(Ok(()), |value| self.expr(value))
    }

    fn statement(&mut self, stmt: &Stmt) -> Result<(), String> {
        match stmt {
            Stmt::Let { locals, value } => {
                self.expr(value)?;
                let types: Vec<Type> = match (&value.ty, locals.len()) {
                    (ty, 1) => vec![ty.clone()],
                    (Type::Tuple(parts), _) => parts.iter().map(|(_, part)| part.clone()).collect(),
                    (Type::Tensor(_) | Type::List(_), _) => return Err("a let takes a tensor apart".to_string()),
                };
                expect(types.len() == locals.len(), "a let has another number of names than values")?;
                for (local, ty) in locals.iter().zip(&types) {
                    self.define(*local)?;
                    let declared = &self.function.locals[local.0 as usize].ty;
                    expect(same_kind(declared, ty), "a local has another type than its value")?;
                }
                Ok(())
            }
            Stmt::Assert { cond, message, .. } => {
                self.scalar(cond, Scalar::Bool)?;
                for part in message {
                    if let MessagePart::Value(value) = part {
                        self.expr(value)?;
                        expect(value.ty.as_scalar().is_some(), "a message shows no scalar")?;
                    }
                }
                Ok(())
            }
            Stmt::ForAsserts { axes, body } => {
                self.axes(axes, false)?;
                self.parallel(body)
            }
            Stmt::Var { local, value } => {
                if let Some(value) = value {
                    self.expr(value)?;
                    let ty = &self.function.locals[local.0 as usize].ty;
                    expect(fills(&value.ty, ty), "a var has another type than its value")?;
                }
                self.define(*local)?;
                let is_list = self.variable(*local)?.as_list().is_some();
                expect(is_list == value.is_none(), "a list starts empty, nothing else does")
            }
            Stmt::Assign { local, items, value, .. } => {
                let ty = self.variable(*local)?.clone();
                expect(items.len() <= ty.sizes().len(), "too many indices")?;
                expect(ty.as_list().is_none() || items.len() == 1, "a list as a whole is assigned to")?;
                self.items(items)?;
                self.expr(value)?;
                let at = items.iter().filter(|item| matches!(item, IndexItem::At(..))).count();
                let rank = value.ty.as_tensor().map_or(0, |tensor| tensor.dims.len());
                expect(rank == 0 || rank + at == ty.sizes().len(), "an assigned value has another rank")?;
                expect(Some(Self::elem(value)?) == ty.elem(), "an assigned value has another element type")
            }
            Stmt::Push { list, value, .. } => {
                let elem = self.list(*list)?;
                self.scalar(value, elem)
            }
            Stmt::Pop { list, into, .. } => {
                let elem = self.list(*list)?;
                let Some(into) = into else { return Ok(()) };
                self.define(*into)?;
                let ty = &self.function.locals[into.0 as usize].ty;
                expect(ty.as_scalar() == Some(elem), "an element is popped as another type")
            }
            Stmt::Truncate { list, len, .. } => {
                self.list(*list)?;
                self.scalar(len, Scalar::I32)
            }
            Stmt::If { cond, then, otherwise } => {
                self.scalar(cond, Scalar::Bool)?;
                self.no_value(then)?;
                self.no_value(otherwise)
            }
            Stmt::Loop { axis, body, .. } => {
                self.axes(std::slice::from_ref(axis), false)?;
                self.repeated(body)
            }
            Stmt::While { cond, body, .. } => {
                self.scalar(cond, Scalar::Bool)?;
                self.repeated(body)
            }
            Stmt::Break | Stmt::Continue => expect(self.loops > 0, "there is no loop to leave"),
            Stmt::Return { value, .. } => {
                expect(self.may_return, "a `return` in parallel code")?;
                match value {
                    Some(value) => {
                        self.expr(value)?;
                        self.result(value)
                    }
                    None => expect(self.function.results.is_empty(), "a `return` without results"),
                }
            }
        }
    }

    fn repeated(&mut self, body: &Block) -> Result<(), String> {
        self.loops += 1;
        let result = self.no_value(body);
        self.loops -= 1;
        result
    }

    fn no_value(&mut self, body: &Block) -> Result<(), String> {
        self.block(body)?;
        expect(body.value.is_none(), "statements have a value")
    }

    /// The body of parallel code, which is not left before its end.
    pub(super) fn parallel(&mut self, body: &Block) -> Result<(), String> {
        let loops = std::mem::take(&mut self.loops);
        let may_return = std::mem::take(&mut self.may_return);
        let result = self.block(body);
        (self.loops, self.may_return) = (loops, may_return);
        result
    }

    /// The type of a variable that changes.
    pub(super) fn variable(&self, local: LocalId) -> Result<&Type, String> {
        let defined = self.defined.get(local.0 as usize).copied().unwrap_or(false);
        expect(defined, &format!("variable {} is changed before it is defined", local.0))?;
        let local = &self.function.locals[local.0 as usize];
        if local.is_var { Ok(&local.ty) } else { Err(format!("`{}` changes and is no var", local.name)) }
    }

    pub(super) fn list(&self, local: LocalId) -> Result<Scalar, String> {
        let defined = self.defined.get(local.0 as usize).copied().unwrap_or(false);
        expect(defined, &format!("list {} is used before it is defined", local.0))?;
        let ty = self.function.locals[local.0 as usize].ty.as_list();
        ty.map(|list| list.elem).ok_or_else(|| "this is no list".to_string())
    }
}

/// Whether a value of one type is a value of the other, or a scalar that fills it.
fn fills(value: &Type, ty: &Type) -> bool {
    same_kind(value, ty) || (value.as_scalar().is_some() && value.elem() == ty.elem())
}
