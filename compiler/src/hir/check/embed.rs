//! Files that become constants: `embed`, `embed_npy`, `embed_safetensors`.
//!
//! The bytes come from the resolver; their type is what the file says.

use super::items::Intrinsic;
use super::{Checked, Checker, expr};
use crate::diag::{Diagnostic, codes};
use crate::formats::{Array, npy, safetensors};
use crate::hir::{ConstDef, ConstValue, Expr, ExprKind, Type};
use crate::size::Size;
use crate::source::Span;
use crate::syntax::ast;
use crate::types::Scalar;

impl Checker<'_> {
    /// `embed("file")`: the file's bytes; `embed_npy("file")`: its tensor; `embed_safetensors("file", "name")`: one of its
    /// tensors.
    pub fn embed(&mut self, intrinsic: Intrinsic, args: &[&ast::Expr], span: Span) -> Checked<Expr> {
        let wanted: &[&str] = match intrinsic {
            Intrinsic::EmbedSafetensors => &["file name", "tensor name"],
            _ => &["file name"],
        };
        if args.len() != wanted.len() {
            return Err(self.wrong_count(
                intrinsic,
                if wanted.len() == 1 { "1 argument" } else { "2 arguments" },
                span,
            ));
        }
        let mut texts = Vec::new();
        for (arg, wanted) in args.iter().zip(wanted) {
            let ast::ExprKind::Text(text) = &arg.kind else {
                let message = format!("`{}` takes a literal {wanted}", intrinsic.name());
                return Err(self.report(
                    Diagnostic::error(codes::ARGUMENT_TYPE, arg.span, message)
                        .at("this is no text in quotes")
                        .help(format!("write the {wanted} in quotes: files are read when the program is built")),
                ));
            };
            texts.push((String::from_utf8_lossy(text).into_owned(), arg.span));
        }
        let (path, place) = &texts[0];
        let from = self.modules.get(self.frame().module).path.clone();
        let bytes = match self.resolver.bytes(&from, path) {
            Ok(bytes) => bytes,
            Err(why) => return Err(self.error(codes::NO_SUCH_FILE, *place, format!("cannot embed \"{path}\": {why}"))),
        };
        let array = match intrinsic {
            Intrinsic::EmbedNpy => npy::parse(&bytes),
            Intrinsic::EmbedSafetensors => safetensors::tensor(&bytes, &texts[1].0),
            _ => Ok(Array { elem: Scalar::U8, dims: vec![bytes.len() as i64], bytes }),
        };
        let array = match array {
            Ok(array) => array,
            Err(why) => return Err(self.error(codes::BAD_FILE, *place, format!("cannot embed \"{path}\": {why}"))),
        };
        let names: Vec<String> = texts.iter().map(|(text, _)| format!("{text:?}")).collect();
        let ty = Type::tensor(array.elem, array.dims.iter().map(|extent| Size::constant(*extent)).collect());
        let name = format!("{}({})", intrinsic.name(), names.join(", "));
        let id = self.add_const(ConstDef {
            name,
            ty: ty.clone(),
            decided: Vec::new(),
            value: ConstValue::Data(array.bytes),
            span,
        });
        Ok(expr(ExprKind::ConstItem(id), ty, span))
    }
}
