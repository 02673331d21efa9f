//! Integer rows against 128-bit arithmetic, float rows and casts against their definitions.

// The oracle is written with what the subject may not use.
#![allow(clippy::disallowed_methods)]

use super::*;
use crate::ops::{ReduceOp, Takes, fold};

const INTS: [Scalar; 8] =
    [Scalar::I8, Scalar::U8, Scalar::I16, Scalar::U16, Scalar::I32, Scalar::U32, Scalar::I64, Scalar::U64];

/// Values near the ends, near zero, and some pseudo-random ones.
fn samples(ty: Scalar) -> Vec<i128> {
    let (least, greatest) = ty.int_range().unwrap();
    let mut values: Vec<i128> =
        (0..4).flat_map(|d| [least + d, greatest - d, d]).chain([-1, -2, -3, -7, 7, 10, 31, 63]).collect();
    let mut state = 0x9e37_79b9_7f4a_7c15u64;
    for _ in 0..12 {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        values.push(Const::int(ty, i128::from(state)).as_int());
    }
    values.retain(|v| (least..=greatest).contains(v));
    values
}

fn floor_div(a: i128, b: i128) -> i128 {
    let q = a / b;
    if a % b != 0 && (a < 0) != (b < 0) { q - 1 } else { q }
}

#[test]
fn integer_operations_agree_with_wide_arithmetic() {
    for ty in INTS {
        let width = i128::from(ty.bits());
        for &a in &samples(ty) {
            let (least, greatest) = ty.int_range().unwrap();
            let field = (a as u128) & (u128::MAX >> (128 - ty.bits()));
            let one = |op| apply(op, &[Const::int(ty, a)]);
            assert_eq!(one(Op::Neg), Const::int(ty, -a));
            assert_eq!(one(Op::BitNot), Const::int(ty, -1 - a));
            assert_eq!(one(Op::Abs), Const::int(ty, a.abs()));
            assert_eq!(one(Op::Clz), Const::int(ty, i128::from(field.leading_zeros()) - (128 - width)));
            assert_eq!(one(Op::Ctz), Const::int(ty, i128::from(field.trailing_zeros()).min(width)));
            assert_eq!(one(Op::Popcount), Const::int(ty, i128::from(field.count_ones())));
            for &b in &samples(ty) {
                let two = |op| apply(op, &[Const::int(ty, a), Const::int(ty, b)]);
                assert_eq!(two(Op::Add), Const::int(ty, a + b));
                assert_eq!(two(Op::Sub), Const::int(ty, a - b));
                assert_eq!(two(Op::Mul), Const::int(ty, a.wrapping_mul(b)));
                assert_eq!(two(Op::Min), Const::int(ty, a.min(b)));
                assert_eq!(two(Op::Max), Const::int(ty, a.max(b)));
                assert_eq!(two(Op::And), Const::int(ty, a & b));
                assert_eq!(two(Op::Or), Const::int(ty, a | b));
                assert_eq!(two(Op::Xor), Const::int(ty, a ^ b));
                let count = b.rem_euclid(width);
                assert_eq!(two(Op::Shl), Const::int(ty, a << count));
                assert_eq!(two(Op::Shr), Const::int(ty, a >> count));
                assert_eq!(two(Op::Lt), Const::bool(a < b));
                assert_eq!(two(Op::Le), Const::bool(a <= b));
                assert_eq!(two(Op::Gt), Const::bool(a > b));
                assert_eq!(two(Op::Ge), Const::bool(a >= b));
                assert_eq!(two(Op::Eq), Const::bool(a == b));
                assert_eq!(two(Op::Ne), Const::bool(a != b));
                if b != 0 {
                    let quotient = floor_div(a, b);
                    assert_eq!(two(Op::Div), Const::int(ty, quotient), "{a} / {b}: {ty}");
                    assert_eq!(two(Op::Rem), Const::int(ty, a - b * quotient), "{a} % {b}: {ty}");
                    assert_eq!(two(Op::TruncDiv), Const::int(ty, a / b));
                    assert_eq!(two(Op::TruncRem), Const::int(ty, a % b));
                }
            }
            for to in INTS {
                assert_eq!(cast(to, Const::int(ty, a)), Const::int(to, a));
            }
            assert!(least <= a && a <= greatest);
        }
    }
}

#[test]
fn the_table_and_the_functions_take_the_same_types() {
    for &op in Op::ALL {
        for ty in Scalar::ALL {
            let has = match op.arity() {
                1 => unary(op, ty).is_some(),
                _ => binary(op, ty).is_some(),
            };
            assert_eq!(has, op.result(ty).is_some(), "{} on {ty}", op.name());
        }
        assert!(op.takes() != Takes::Any || op.arity() == 2);
    }
}

#[test]
fn bool_operations() {
    for a in [false, true] {
        assert_eq!(apply(Op::Not, &[Const::bool(a)]), Const::bool(!a));
        for b in [false, true] {
            let two = |op| apply(op, &[Const::bool(a), Const::bool(b)]);
            assert_eq!(two(Op::And), Const::bool(a && b));
            assert_eq!(two(Op::Or), Const::bool(a || b));
            assert_eq!(two(Op::Xor), Const::bool(a != b));
            assert_eq!(two(Op::Eq), Const::bool(a == b));
            assert_eq!(two(Op::Ne), Const::bool(a != b));
        }
    }
}

#[test]
fn float_minimum_and_maximum_keep_nan_and_the_first_of_equals() {
    let nan = f32::from_bits(0xffc1_2345);
    let max = |a: f32, b: f32| apply(Op::Max, &[Const::f32(a), Const::f32(b)]);
    let min = |a: f64, b: f64| apply(Op::Min, &[Const::f64(a), Const::f64(b)]);
    assert_eq!(max(nan, 1.0), Const::f32(f32::from_bits(0x7fc0_0000)));
    assert_eq!(max(1.0, nan), Const::f32(f32::from_bits(0x7fc0_0000)));
    assert_eq!(max(-0.0, 0.0), Const::f32(-0.0));
    assert_eq!(max(0.0, -0.0), Const::f32(0.0));
    assert_eq!(max(1.0, 2.0), Const::f32(2.0));
    assert_eq!(min(-0.0, 0.0), Const::f64(-0.0));
    assert_eq!(min(0.0, -0.0), Const::f64(0.0));
    assert_eq!(min(f64::NAN, 0.0).as_f64().to_bits(), 0x7ff8_0000_0000_0000);
    assert_eq!(min(1.0, f64::NEG_INFINITY), Const::f64(f64::NEG_INFINITY));
}

#[test]
fn rounding_bits_and_signs() {
    let f = |op, v: f32| apply(op, &[Const::f32(v)]);
    for (value, even) in [(0.5, 0.0), (1.5, 2.0), (2.5, 2.0), (-0.5, -0.0), (-2.5, -2.0), (8_388_609.0, 8_388_609.0)] {
        assert_eq!(f(Op::Round, value), Const::f32(even));
        assert_eq!(apply(Op::Round, &[Const::f64(f64::from(value))]), Const::f64(f64::from(even)));
    }
    assert_eq!(f(Op::Floor, -0.5), Const::f32(-1.0));
    assert_eq!(f(Op::Ceil, -0.5), Const::f32(-0.0));
    assert_eq!(f(Op::Trunc, -1.5), Const::f32(-1.0));
    assert_eq!(f(Op::Sqrt, 2.0), Const::f32(f32::from_bits(0x3fb5_04f3)));
    assert_eq!(f(Op::Sqrt, -1.0), Const::f32(f32::from_bits(0x7fc0_0000)));
    assert_eq!(f(Op::Bits, f32::from_bits(0xff80_0001)), Const::int(Scalar::U32, 0x7fc0_0000));
    assert_eq!(f(Op::Bits, -1.0), Const::int(Scalar::U32, 0xbf80_0000));
    assert_eq!(apply(Op::FromBits, &[Const::int(Scalar::U64, 0x3ff0 << 48)]), Const::f64(1.0));
    let copysign = |a: f32, b: f32| apply(Op::CopySign, &[Const::f32(a), Const::f32(b)]);
    assert_eq!(copysign(-2.0, 0.0), Const::f32(2.0));
    assert_eq!(copysign(2.0, -0.0), Const::f32(-2.0));
    assert_eq!(copysign(-2.0, f32::from_bits(0xffc0_0000)), Const::f32(2.0));
    let less = apply(Op::Lt, &[Const::f32(f32::NAN), Const::f32(0.0)]);
    assert_eq!(less, Const::bool(false));
    assert_eq!(apply(Op::Ne, &[Const::f64(f64::NAN), Const::f64(f64::NAN)]), Const::bool(true));
}

/// Truncation and saturation by comparing with the exact value in 128 bits.
fn to_int(to: Scalar, value: f64) -> Const {
    let (least, greatest) = to.int_range().unwrap();
    Const::int(to, if value.is_nan() { 0 } else { (value as i128).clamp(least, greatest) })
}

#[test]
fn floats_to_integers_truncate_and_saturate() {
    let values = [0.0, -0.9, 0.9, 1.5, -1.5, 127.5, 128.0, -128.9, -129.0, 255.9, 256.0, 65535.9, 2147483647.0];
    let far = [2147483648.0, -2147483649.0, 4294967295.5, 9.3e18, -9.3e18, 1.9e19, 1e300, f64::INFINITY, f64::NAN];
    for value in values.into_iter().chain(far).flat_map(|v| [v, -v]) {
        for to in INTS {
            assert_eq!(cast(to, Const::f64(value)), to_int(to, value), "{value} to {to}");
            let single = value as f32;
            assert_eq!(cast(to, Const::f32(single)), to_int(to, f64::from(single)), "{single} to {to}");
        }
    }
}

#[test]
fn integers_to_floats_round_once() {
    // Just above half a unit of f32: through f64 it would become a tie and round down.
    let value = (1u64 << 63) + (1 << 39) + 1;
    assert_eq!(cast(Scalar::F32, Const::int(Scalar::U64, i128::from(value))).bits, 0x5f00_0001);
    assert_eq!(cast(Scalar::F32, Const::int(Scalar::U64, i128::from(value - 1))).bits, 0x5f00_0000);
    assert_eq!(cast(Scalar::F32, Const::i32(16_777_217)), Const::f32(16_777_216.0));
    assert_eq!(cast(Scalar::F64, Const::int(Scalar::I64, -3)), Const::f64(-3.0));
    assert_eq!(cast(Scalar::F32, Const::bool(true)), Const::f32(1.0));
    assert_eq!(cast(Scalar::Bool, Const::f32(-0.0)), Const::bool(false));
    assert_eq!(cast(Scalar::Bool, Const::i32(256)), Const::bool(true));
}

#[test]
fn f16_rounds_to_even_over_all_values_and_midpoints() {
    let value = |bits: u16| -> f64 {
        let (exponent, mantissa) = (i32::from(bits >> 10), f64::from(bits & 0x3ff));
        if exponent == 0 { mantissa * 2f64.powi(-24) } else { (1024.0 + mantissa) * 2f64.powi(exponent - 25) }
    };
    for bits in 0..0x7c00u16 {
        let exact = value(bits) as f32;
        assert_eq!(f16_to_f32(bits), exact);
        assert_eq!(f16_from_f32(exact), bits);
        assert_eq!(f16_from_f32(-exact), bits | 0x8000);
        let middle = ((value(bits) + value(bits + 1)) / 2.0) as f32;
        assert_eq!(f16_from_f32(middle), bits + (bits & 1));
        assert_eq!(f16_from_f32(f32::from_bits(middle.to_bits() + 1)), bits + 1);
        assert_eq!(f16_from_f32(f32::from_bits(middle.to_bits() - 1)), bits);
    }
    assert_eq!(f16_from_f32(f32::NEG_INFINITY), 0xfc00);
    assert_eq!(f16_to_f32(0xfc00), f32::NEG_INFINITY);
    assert!(f16_to_f32(0x7e00).is_nan());
    assert_eq!(cast(Scalar::F16, Const::f64(f64::NAN)).bits, 0x7e00);
    assert_eq!(cast(Scalar::I32, Const { ty: Scalar::F16, bits: 0xc500 }), Const::i32(-5));
}

#[test]
fn reducers_start_at_their_identity() {
    for op in ReduceOp::ALL {
        for elem in Scalar::ALL {
            let (Some(ty), Some(combine)) = (fold::result(op, elem), fold::combine(op)) else { continue };
            let identity = fold::identity(op, elem).unwrap();
            assert_eq!(identity.ty, ty);
            let one = cast(ty, Const::i32(1));
            let minus = cast(ty, Const::i32(-5));
            for value in [one, minus] {
                assert_eq!(apply(combine, &[identity, value]), value, "{} of {elem}", op.name());
            }
        }
    }
    assert_eq!(fold::identity(ReduceOp::Max, Scalar::F32), Some(Const::f32(f32::NEG_INFINITY)));
    assert_eq!(fold::identity(ReduceOp::Min, Scalar::I8), Some(Const::int(Scalar::I8, 127)));
    let replaces = fold::replaces(ReduceOp::ArgMax, Scalar::F32).unwrap();
    let wins = |best: f32, next: f32| replaces(Const::f32(best).bits, Const::f32(next).bits) == 1;
    assert!(wins(1.0, 2.0) && !wins(1.0, 1.0) && !wins(-0.0, 0.0));
    assert!(wins(f32::INFINITY, f32::NAN) && !wins(f32::NAN, f32::INFINITY) && !wins(f32::NAN, f32::NAN));
    let replaces = fold::replaces(ReduceOp::ArgMin, Scalar::U8).unwrap();
    assert!(replaces(3, 2) == 1 && replaces(2, 2) == 0);
}
