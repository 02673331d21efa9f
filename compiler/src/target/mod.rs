//! From a plan and kernels to artifacts.

pub mod wasm;

/// Which instructions a module may use. Both give the same bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Profile {
    /// 128-bit vectors.
    Simd128,
    /// None beyond the scalar ones.
    Scalar,
}

impl Profile {
    /// The name in the command line and in the manifest.
    pub fn name(self) -> &'static str {
        match self {
            Profile::Simd128 => "simd128",
            Profile::Scalar => "scalar",
        }
    }
}
