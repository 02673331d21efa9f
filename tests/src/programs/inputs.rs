//! Elements of inputs: small numbers with ties, ordinary ones, and special ones.

use super::random::Random;
use crate::array::Array;
use kcc_compiler::ops::eval;
use kcc_compiler::types::{Const, Scalar};

/// An array of random elements; `call` 0 has no special ones.
pub fn array(random: &mut Random, elem: Scalar, dims: Vec<usize>, call: usize) -> Array {
    let count: usize = dims.iter().product();
    let special = [0, 8, 30][call.min(2)];
    let bytes = (0..count)
        .flat_map(|_| {
            let is_special = random.percent(special);
            element(random, elem, is_special).to_le_bytes()
        })
        .collect();
    Array { elem, dims, bytes }
}

fn element(random: &mut Random, elem: Scalar, is_special: bool) -> Const {
    if elem == Scalar::Bool {
        return Const::bool(random.percent(50));
    }
    if elem.is_float() {
        return float(random, elem, is_special);
    }
    let (low, high) = elem.int_range().expect("an integer type");
    let value = match (is_special, random.below(4)) {
        (true, 0) => low,
        (true, 1) => high,
        (true, 2) => i128::from(random.bits()),
        (true, _) => high / 2 + random.below(3) as i128,
        (false, 0) => random.below(100) as i128,
        (false, _) => random.below(9) as i128 - if elem.is_signed() { 3 } else { 0 },
    };
    Const::int(elem, value)
}

fn float(random: &mut Random, elem: Scalar, is_special: bool) -> Const {
    let value = if is_special {
        let tiny = f64::from(f32::from_bits(1));
        let values = [
            f64::NAN,
            f64::INFINITY,
            f64::NEG_INFINITY,
            0.0,
            -0.0,
            tiny,
            -tiny,
            f64::from(f32::MAX),
            f64::from(f32::MIN_POSITIVE),
            2147483648.0,
            -2147483648.5,
            65504.0,
            1.0e300,
            255.5,
            0.1,
        ];
        random.pick(&values)
    } else if random.percent(50) {
        // Ties of `round`, of comparisons and of `argmax`.
        random.below(17) as f64 * 0.5 - 4.0
    } else {
        (random.bits() >> 11) as f64 / (1u64 << 53) as f64 * 8.0 - 4.0
    };
    let value = eval::cast(elem, Const::f64(value));
    // Inputs hold the canonical NaN only by chance: payloads must not matter.
    match elem {
        Scalar::F32 if value.as_f32().is_nan() && random.percent(30) => Const { ty: elem, bits: 0xffc0_0001 },
        _ => value,
    }
}
