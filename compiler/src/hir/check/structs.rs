//! Structs: flat records of tensors with sizes, `struct Boxes[K] { corner: f32[K, 4], score: f32[K] }`. A value is a
//! tuple that carries its struct's name; a parameter becomes one parameter a field; a result one result a field.

use super::items::Global;
use super::{Checked, Checker, Expect, Frame, Reported, expr};
use crate::diag::Diagnostic;
use crate::diag::codes;
use crate::hir::load::{ItemId, is_private};
use crate::hir::scope::{Binding, did_you_mean};
use crate::hir::{Expr, ExprKind, Parts, Stmt, StructRef, TensorType, Type};
use crate::size::{DimExpr, Size, SizeVar, Subst};
use crate::source::Span;
use crate::syntax::ast::{self, ItemKind, TypeKind};
use std::rc::Rc;

/// A struct item.
#[derive(Debug)]
pub(in crate::hir) struct StructDef {
    /// Its sizes, as they stand in the fields' types.
    pub sizes: Vec<SizeVar>,
    /// Where each size stands alone: field and axis.
    pub places: Vec<(usize, usize)>,
    /// The fields.
    pub fields: Vec<(String, TensorType)>,
}

impl Checker<'_> {
    /// The struct that a type names, if it names one, and the sizes that are written behind it.
    pub fn struct_named<'t>(&self, ty: &'t ast::TypeExpr) -> Option<(ItemId, &'t [ast::DimDecl])> {
        let (name, sizes) = match &ty.kind {
            TypeKind::Name(name) => (name, &[][..]),
            TypeKind::Tensor(name, sizes) => (name, &sizes[..]),
            TypeKind::Fn(..) | TypeKind::List(..) | TypeKind::Error => return None,
        };
        let item = self.struct_item(self.frame().module, &name.text)?;
        Some((item, sizes))
    }

    /// The struct that a name, `Boxes` or `boxes.Boxes`, means in a module.
    pub fn struct_item(&self, module: crate::hir::load::ModuleId, name: &str) -> Option<ItemId> {
        let item = match name.split_once('.') {
            None => match self.global_in(module, name)? {
                Global::Item(item) => item,
                _ => return None,
            },
            Some((of, name)) => match self.global_in(module, of)? {
                Global::Module(of) => self.modules.find(of, name).filter(|_| !is_private(name) || of == module)?,
                _ => return None,
            },
        };
        matches!(self.modules.item(item).kind, ItemKind::Struct { .. }).then_some(item)
    }

    /// Checks a struct item, once.
    pub fn struct_def(&mut self, item: ItemId) -> Checked<Rc<StructDef>> {
        if let Some(known) = self.structs.get(&item) {
            return known.clone();
        }
        let ast = self.modules.get(item.module).ast.clone();
        let ItemKind::Struct { name, sizes, fields } = &ast.items[item.item].kind else {
            unreachable!("only struct items come here")
        };
        self.frames.push(Frame::new(item.module, name.span));
        let def = self.struct_fields(name, sizes, fields).map(Rc::new);
        self.frames.pop();
        self.structs.insert(item, def.clone());
        def
    }

    fn struct_fields(
        &mut self,
        name: &ast::Name,
        sizes: &[ast::Name],
        fields: &[(ast::Name, ast::TypeExpr)],
    ) -> Checked<StructDef> {
        if fields.is_empty() {
            return Err(self.error(codes::BAD_STRUCT, name.span, format!("`{}` has no fields", name.text)));
        }
        let names: Vec<&ast::Name> = sizes.iter().chain(fields.iter().map(|(name, _)| name)).collect();
        for (position, name) in names.iter().enumerate() {
            if let Some(first) = names[..position].iter().find(|first| first.text == name.text) {
                let message = format!("`{}` is defined twice", name.text);
                return Err(self.report(
                    Diagnostic::error(codes::DUPLICATE_NAME, name.span, message).label(first.span, "the first one"),
                ));
            }
        }
        self.frame_mut().scopes.open();
        let mut vars = Vec::new();
        for size in sizes {
            let var = self.program.names.new_size(size.text.clone());
            self.bind(&size.text, Binding::Size(Size::from(var)));
            vars.push(var);
        }
        let mut checked: Vec<(String, TensorType)> = Vec::new();
        for (name, ty) in fields {
            if let Some((inner, _)) = self.struct_named(ty) {
                let inner = self.item_text(inner);
                let message = format!("a field is a scalar or tensor, `{}` is the struct `{inner}`", name.text);
                return Err(self.report(
                    Diagnostic::error(codes::BAD_STRUCT, ty.span, message)
                        .help(format!("write the fields of `{inner}` in its place")),
                ));
            }
            match self.value_type(ty)? {
                Type::Tensor(tensor) => checked.push((name.text.clone(), tensor)),
                Type::Tuple(_) | Type::List(_) => unreachable!("these are no types of values"),
            }
        }
        let mut places = Vec::new();
        for (var, size) in vars.iter().zip(sizes) {
            let alone = checked.iter().enumerate().find_map(|(field, (_, ty))| {
                let axis = ty.dims.iter().position(|dim| dim.as_var() == Some(*var))?;
                Some((field, axis))
            });
            match alone {
                Some(place) => places.push(place),
                None => {
                    let message = format!("no field says what `{}` is", size.text);
                    return Err(self.report(
                        Diagnostic::error(codes::SIZE_UNBOUND, size.span, message)
                            .note("each size of a struct stands alone as an extent of some field"),
                    ));
                }
            }
        }
        Ok(StructDef { sizes: vars, places, fields: checked })
    }

    /// `Boxes[K]` as a type.
    pub fn struct_type(&mut self, item: ItemId, sizes: &[ast::DimDecl], span: Span) -> Checked<Type> {
        let def = self.struct_def(item)?;
        if sizes.len() != def.sizes.len() {
            let name = self.item_text(item);
            let count = |number: usize| if number == 1 { "1 size".to_string() } else { format!("{number} sizes") };
            let message = format!("`{name}` has {}, {} given", count(def.sizes.len()), sizes.len());
            let names: Vec<&str> = def.sizes.iter().map(|var| self.program.names.size(*var)).collect();
            let mut diagnostic = Diagnostic::error(codes::BAD_STRUCT, span, message);
            if !names.is_empty() {
                diagnostic = diagnostic.help(format!("write `{name}[{}]`", names.join(", ")));
            }
            return Err(self.report(diagnostic));
        }
        let sizes = sizes.iter().map(|size| self.extent_decl(size)).collect::<Checked<Vec<Size>>>()?;
        Ok(self.struct_of(item, &def, sizes))
    }

    /// A struct's type for these sizes.
    fn struct_of(&self, item: ItemId, def: &StructDef, sizes: Vec<Size>) -> Type {
        let value = |var: SizeVar| {
            let position = def.sizes.iter().position(|size| *size == var).expect("a size of the struct");
            sizes[position].clone()
        };
        let subst = Subst { size: &value, scalar: &|var, ty| DimExpr::Scalar(var, ty) };
        let fields = def
            .fields
            .iter()
            .map(|(name, ty)| {
                let dims = ty.dims.iter().map(|dim| dim.substitute(&subst)).collect();
                (Some(name.clone()), Type::tensor(ty.elem, dims))
            })
            .collect();
        let name = self.item_text(item);
        Type::Tuple(Parts::of(StructRef { item, name, sizes }, fields))
    }

    /// `Boxes(corner: …, score: …)`.
    pub fn struct_call(&mut self, item: ItemId, args: &[ast::Arg], span: Span) -> Checked<Expr> {
        let def = self.struct_def(item)?;
        let name = self.item_text(item);
        let mut slots: Vec<Option<&ast::Arg>> = def.fields.iter().map(|_| None).collect();
        let mut failed = false;
        for (position, arg) in args.iter().enumerate() {
            let at = match &arg.name {
                None => Some(position).filter(|position| *position < slots.len()),
                Some(field) => def.fields.iter().position(|(known, _)| *known == field.text),
            };
            let problem = match at {
                Some(at) if slots[at].is_none() => {
                    slots[at] = Some(arg);
                    continue;
                }
                Some(at) => {
                    let message = format!("`{}` of `{name}` is given twice", def.fields[at].0);
                    Diagnostic::error(codes::ARGUMENT_NAME, arg.value.span, message)
                }
                None => match &arg.name {
                    Some(field) => {
                        let message = format!("`{name}` has no field `{}`", field.text);
                        let known: Vec<&str> = def.fields.iter().map(|(name, _)| name.as_str()).collect();
                        let diagnostic = Diagnostic::error(codes::ARGUMENT_NAME, field.span, message);
                        match did_you_mean(&field.text, known.iter().copied()) {
                            Some(near) => diagnostic.help(format!("did you mean `{near}`?")),
                            None => diagnostic.note(format!("its fields are {}", known.join(", "))),
                        }
                    }
                    None => {
                        let message = format!("`{name}` has {} fields, {} given", slots.len(), args.len());
                        Diagnostic::error(codes::ARGUMENT_COUNT, arg.value.span, message).at("this one is too many")
                    }
                },
            };
            self.report(problem);
            failed = true;
        }
        let missing: Vec<String> = def
            .fields
            .iter()
            .zip(&slots)
            .filter(|(_, slot)| slot.is_none())
            .map(|((field, _), _)| format!("`{field}`"))
            .collect();
        if !missing.is_empty() && !failed {
            let message = format!("this `{name}` has no {}", missing.join(", "));
            return Err(self.error(codes::ARGUMENT_COUNT, span, message));
        }
        let mut values = Vec::new();
        for (arg, (_, ty)) in slots.into_iter().flatten().zip(&def.fields) {
            match self.expr(&arg.value, &Expect::Elem(ty.elem)) {
                Ok(value) => values.push(self.coerce(value, &Type::Tensor(ty.clone()))),
                Err(Reported) => failed = true,
            }
        }
        if failed {
            return Err(Reported);
        }
        let mut sizes = Vec::new();
        for &(field, axis) in &def.places {
            let value = &values[field];
            match value.ty.as_tensor().and_then(|ty| ty.dims.get(axis)) {
                Some(size) => sizes.push(size.clone()),
                None => {
                    let (field, ty) = &def.fields[field];
                    let (wanted, found) = (self.show_type(&Type::Tensor(ty.clone())), self.show_type(&value.ty));
                    let span = value.span;
                    let message = format!("the field `{field}` of `{name}` is another tensor");
                    return Err(self.report(
                        Diagnostic::error(codes::RANK, span, message)
                            .at(format!("this is {found}"))
                            .note(format!("expected: {wanted}\n   found: {found}")),
                    ));
                }
            }
        }
        let ty = self.struct_of(item, &def, sizes);
        let Type::Tuple(parts) = &ty else { unreachable!("a struct has fields") };
        let declared = crate::hir::load::item_name(self.modules.item(item)).map_or(span, |name| name.span);
        for (value, (field, wanted)) in values.iter().zip(parts.iter()) {
            let field = field.as_deref().unwrap_or("");
            let message = format!("the field `{field}` of `{name}` has another type than declared");
            let wanted = (wanted, declared, "the field");
            self.same_type(codes::ARGUMENT_TYPE, &message, (&value.ty, value.span, "the value"), wanted)?;
        }
        Ok(expr(ExprKind::Tuple(values), ty, span))
    }

    /// The fields of a struct that is an argument, and what must be bound before them so that it is evaluated once.
    pub fn fields_of(&mut self, value: Expr, lets: &mut Vec<Stmt>) -> Vec<Expr> {
        let span = value.span;
        let Type::Tuple(parts) = value.ty.clone() else { unreachable!("a struct has fields") };
        let base = match value.kind {
            ExprKind::Tuple(fields) => return fields,
            ExprKind::Local(_) | ExprKind::ConstItem(_) => value,
            _ => {
                let pure = self.let_pure(&value);
                let local = self.add_local("struct", value.ty.clone(), span, pure);
                lets.push(Stmt::Let { locals: vec![local], value });
                self.local(local, span)
            }
        };
        let field = |(at, ty): (usize, &Type)| expr(ExprKind::Field(Box::new(base.clone()), at), ty.clone(), span);
        parts.types().enumerate().map(field).collect()
    }
}
