//! Emits expressions: one instruction sequence each, operands first.

use super::code::Ins;
use super::emit::Emitter;
use super::{cast, divide, lanes, memory, scalar, vector};
use crate::loops::{Access, BufferId, Expr, Load, Ty};
use crate::ops::Op;
use crate::types::{Const, Scalar};
use wasm_encoder::ValType;

impl Emitter<'_> {
    /// Pushes the value of an expression and gives its type.
    pub(super) fn expr(&mut self, e: &Expr) -> Ty {
        match e {
            Expr::Const(value) => {
                scalar::constant(&mut self.code, *value);
                one(value.ty)
            }
            Expr::Var(var) => {
                self.code.get(self.locals[var.0 as usize]);
                self.kernel.vars[var.0 as usize].ty
            }
            Expr::Size(size) => {
                self.size(size);
                one(Scalar::I32)
            }
            Expr::Op(op, args) => self.op(*op, args),
            Expr::Cast(to, value) => {
                let from = self.expr(value);
                if from.lanes == 1 {
                    cast::scalar(&mut self.code, from.scalar, *to);
                } else {
                    cast::lanes(&mut self.code, from.scalar, *to, from.lanes);
                }
                Ty { scalar: *to, ..from }
            }
            Expr::Select(parts) => {
                if let Some(ty) = self.winner(parts) {
                    return ty;
                }
                let [cond, then, other] = &**parts;
                let ty = self.expr(then);
                self.expr(other);
                let cond = self.expr(cond);
                self.code.ins(if cond.lanes == 1 { Ins::Select } else { Ins::V128Bitselect });
                ty
            }
            Expr::Load(load) => self.load(load),
            Expr::Splat(value, n) => self.splat(value, *n),
            Expr::Ramp(base, n) => {
                self.expr(base);
                self.code.ins(Ins::I32x4Splat);
                self.code.v128(lanes::vector_of(4, 0..4));
                self.code.ins(Ins::I32x4Add);
                if *n == 2 {
                    self.code.ins(Ins::I64x2ExtendLowI32x4S);
                }
                Ty { scalar: Scalar::I32, lanes: *n }
            }
            Expr::Lane(value, lane) => {
                let ty = self.expr(value);
                lanes::extract(&mut self.code, ty.scalar, ty.lanes, *lane);
                one(ty.scalar)
            }
        }
    }

    fn op(&mut self, op: Op, args: &[Expr]) -> Ty {
        let ty = self.expr(&args[0]);
        let (elem, n) = (ty.scalar, ty.lanes);
        let result = Ty { scalar: op.result(elem).expect("operands were checked"), lanes: n };
        if op.divides(elem)
            && let Some(divisor) = self.known.constant(&args[1]).map(Const::as_int).filter(|d| divide::has_sequence(*d))
        {
            if n == 1 {
                let not_negative = self.known.not_negative(&args[0]);
                divide::by_constant(&mut self.code, op, elem, divisor, not_negative);
            } else {
                vector::divide_by(&mut self.code, op, elem, n, divisor);
            }
            return result;
        }
        if n > 1
            && matches!(op, Op::Shl | Op::Shr)
            && let Some(count) = self.same_in_all_lanes(&args[1])
        {
            let count = self.expr(&count);
            if scalar::val_type(count.scalar) == ValType::I64 {
                self.code.ins(Ins::I32WrapI64);
            }
            vector::shift_all(&mut self.code, op, elem, n);
            return result;
        }
        for arg in &args[1..] {
            self.expr(arg);
        }
        let is_number = |arg: &Expr| elem.is_float() && self.floats.is_number(arg);
        if op == Op::Bits && is_number(&args[0]) {
            if n == 1 {
                scalar::bits_of_number(&mut self.code, elem);
            } else {
                vector::bits_of_number(&mut self.code, elem, n);
            }
        } else if n == 1 {
            scalar::op(&mut self.code, op, elem);
        } else if elem.is_float() && matches!(op, Op::Min | Op::Max) {
            let is_number = is_number(&args[1]);
            vector::float_min_max(&mut self.code, op, elem == Scalar::F64, is_number);
        } else {
            vector::op(&mut self.code, op, elem, n);
        }
        result
    }

    /// `a < b ? b : a` of float vectors is what one instruction does; likewise with the other comparisons and winners.
    fn winner(&mut self, [cond, then, other]: &[Expr; 3]) -> Option<Ty> {
        let Expr::Op(op @ (Op::Lt | Op::Gt), args) = cond else { return None };
        let ty = crate::loops::build::ty(self.program, &self.kernel.vars, &args[0]);
        let [small, great] = if *op == Op::Lt { [&args[0], &args[1]] } else { [&args[1], &args[0]] };
        let best = match () {
            () if !ty.scalar.is_float() || ty.lanes == 1 => return None,
            () if then == great && other == small => Op::Max,
            () if then == small && other == great => Op::Min,
            () => return None,
        };
        self.expr(other);
        self.expr(then);
        vector::float_min_max(&mut self.code, best, ty.scalar == Scalar::F64, true);
        Some(ty)
    }

    /// The scalar of which a vector is made, if it is the same in every lane.
    fn same_in_all_lanes(&self, e: &Expr) -> Option<Expr> {
        match e {
            Expr::Splat(value, _) => Some((**value).clone()),
            _ => self.known.constant(e).map(Expr::Const),
        }
    }

    fn splat(&mut self, value: &Expr, n: u8) -> Ty {
        if let Some(value) = self.known.constant(value) {
            self.code.v128(lanes::splat_const(value, n));
            return Ty { scalar: value.ty, lanes: n };
        }
        let scalar = match value {
            Expr::Load(load) if load.access == Access::One => {
                let elem = self.program.buffers[load.buffer.0 as usize].elem;
                let offset = self.address(load.buffer, &load.index[0]);
                memory::load_splat(&mut self.code, elem, n, offset);
                loaded(elem)
            }
            _ => {
                let ty = self.expr(value);
                lanes::splat(&mut self.code, ty.scalar, n);
                ty.scalar
            }
        };
        Ty { scalar, lanes: n }
    }

    fn load(&mut self, load: &Load) -> Ty {
        let elem = self.program.buffers[load.buffer.0 as usize].elem;
        let offset = self.address(load.buffer, &load.index[0]);
        let lanes = match &load.access {
            Access::One => {
                memory::load_one(&mut self.code, elem, offset);
                1
            }
            Access::Contiguous(n) => {
                memory::load_contiguous(&mut self.code, elem, *n, offset);
                *n
            }
            Access::Strided { lanes, stride } => {
                memory::load_strided(&mut self.code, elem, *lanes, *stride, offset);
                *lanes
            }
            Access::Gather { lanes, offsets } => {
                self.gather(elem, *lanes, offsets, offset);
                *lanes
            }
        };
        Ty { scalar: loaded(elem), lanes }
    }

    /// Loads lane by lane; the address without element offsets is on the stack.
    fn gather(&mut self, elem: Scalar, n: u8, offsets: &[Expr], offset: u64) {
        let base = self.code.pop(ValType::I32);
        let vector = match offsets {
            [all] if n > 1 => {
                self.expr(all);
                Some(self.code.pop(ValType::V128))
            }
            _ => None,
        };
        let gathered = self.code.temp(ValType::V128);
        self.code.v128(0);
        self.code.set(gathered);
        for lane in 0..n {
            match vector {
                Some(vector) => {
                    self.code.get(vector);
                    lanes::extract(&mut self.code, Scalar::I32, n, lane);
                }
                None => {
                    self.expr(&offsets[usize::from(lane)]);
                }
            }
            if elem.bytes() > 1 {
                self.code.all([Ins::I32Const(elem.bytes().trailing_zeros() as i32), Ins::I32Shl]);
            }
            self.code.get(base);
            self.code.ins(Ins::I32Add);
            self.code.get(gathered);
            memory::load_lane(&mut self.code, elem, n, lane, offset);
            self.code.set(gathered);
        }
        self.code.get(gathered);
        self.code.release([base, gathered]);
        if let Some(vector) = vector {
            self.code.release([vector]);
        }
        memory::from_zero_extended(&mut self.code, elem, n);
    }

    /// Pushes an address inside a buffer and gives the constant that the access must add to it.
    ///
    /// The machine adds that constant without wrapping, so it may be taken out of the sum only where what is left
    /// cannot be negative: see [`Emitter::base`].
    pub(super) fn address(&mut self, buffer: BufferId, offset: &Expr) -> u64 {
        let mut terms = Vec::new();
        let mut constant = 0i64;
        self.collect(offset, false, &mut terms, &mut constant);
        let rest_not_negative = terms
            .iter()
            .map(|(e, negative)| if *negative { None } else { self.known.range(e) })
            .try_fold(0i64, |sum, range| {
                range.filter(|range| range.0 >= 0).map(|range| sum + range.1).filter(|sum| *sum <= 1 << 31)
            });
        let base = self.base(buffer, constant, rest_not_negative.is_some());
        let mut pushed = false;
        if let Some(local) = base.local {
            self.code.get(local);
            pushed = true;
        }
        // Terms that are added first, so that a subtraction has something to its left.
        terms.sort_by_key(|(_, negative)| *negative);
        for (term, negative) in terms {
            if negative && !pushed {
                self.code.i32(0);
                pushed = true;
            }
            self.expr(term);
            if pushed {
                self.code.ins(if negative { Ins::I32Sub } else { Ins::I32Add });
            }
            pushed = true;
        }
        if base.add != 0 || !pushed {
            self.code.i32(base.add);
            if pushed {
                self.code.ins(Ins::I32Add);
            }
        }
        base.offset
    }

    /// Splits a sum into its terms (and whether they are subtracted) and its constant part.
    fn collect<'e>(&self, e: &'e Expr, negative: bool, terms: &mut Vec<(&'e Expr, bool)>, constant: &mut i64) {
        match e {
            Expr::Op(Op::Add, args) => {
                self.collect(&args[0], negative, terms, constant);
                self.collect(&args[1], negative, terms, constant);
            }
            Expr::Op(Op::Sub, args) => {
                self.collect(&args[0], negative, terms, constant);
                self.collect(&args[1], !negative, terms, constant);
            }
            _ => match self.known.constant(e) {
                Some(value) if negative => *constant -= value.as_int() as i64,
                Some(value) => *constant += value.as_int() as i64,
                None => terms.push((e, negative)),
            },
        }
    }
}

fn one(scalar: Scalar) -> Ty {
    Ty { scalar, lanes: 1 }
}

/// The type of a loaded element.
fn loaded(elem: Scalar) -> Scalar {
    if elem == Scalar::F16 { Scalar::F32 } else { elem }
}
