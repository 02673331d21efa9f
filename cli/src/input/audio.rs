//! Sound files → samples: `i16[N]` or `f32[N]` from one channel, `[N, C]` interleaved as in the file from several.
//!
//! Integer samples for an `f32` parameter are divided by 2^(bits-1), as soundfile and torchaudio do, and that is said.

use crate::param::Param;
use crate::report::guarded;
use hound::{SampleFormat, WavReader};
use kcc_compiler::tensor::eval::TensorValue;
use kcc_compiler::types::Scalar;
use std::io::Cursor;

/// Decodes a sound file for a parameter; also gives its sample rate.
pub fn decode(bytes: &[u8], param: &Param, remarks: &mut Vec<String>) -> Result<(TensorValue, u32), String> {
    let (spec, data) = guarded(|| read(bytes, param, remarks))?;
    let channels = i64::from(spec.channels);
    let count = (data.len() / param.elem.bytes() as usize) as i64;
    let dims = match param.dims.len() {
        1 if channels == 1 => vec![count],
        1 => return Err(format!("it has {channels} channels, `{}: {}` takes one", param.name, param.type_text())),
        2 if count % channels == 0 => vec![count / channels, channels],
        2 => return Err("its last frame is incomplete".to_string()),
        _ => return Err(format!("sound is [N] or [N, channels], not {}", param.type_text())),
    };
    Ok((TensorValue { elem: param.elem, dims, bytes: data }, spec.sample_rate))
}

fn read(bytes: &[u8], param: &Param, remarks: &mut Vec<String>) -> Result<(hound::WavSpec, Vec<u8>), String> {
    let damaged = |error: hound::Error| format!("it is damaged or no sound file: {error}");
    let mut reader = WavReader::new(Cursor::new(bytes)).map_err(damaged)?;
    let spec = reader.spec();
    let bits = u32::from(spec.bits_per_sample);
    if spec.channels == 0 {
        return Err("it has no channels".to_string());
    }
    let mut out = Vec::new();
    match (spec.sample_format, param.elem) {
        (SampleFormat::Float, Scalar::F32) => {
            for sample in reader.samples::<f32>() {
                out.extend(sample.map_err(damaged)?.to_le_bytes());
            }
        }
        (SampleFormat::Int, Scalar::F32) => {
            let scale = (1u64 << (bits.clamp(1, 32) - 1)) as f32;
            remarks.push(format!("its {bits}-bit samples are divided by {scale}"));
            for sample in reader.samples::<i32>() {
                // Exact up to 24 bits; 32-bit samples round to the nearest.
                out.extend((sample.map_err(damaged)? as f32 / scale).to_le_bytes());
            }
        }
        (SampleFormat::Int, Scalar::I16) if bits <= 16 => {
            for sample in reader.samples::<i16>() {
                out.extend(sample.map_err(damaged)?.to_le_bytes());
            }
        }
        (SampleFormat::Int, Scalar::I32) => {
            for sample in reader.samples::<i32>() {
                out.extend(sample.map_err(damaged)?.to_le_bytes());
            }
        }
        (format, _) => {
            let kind = if format == SampleFormat::Float { "float" } else { "integer" };
            return Err(format!("its samples are {bits}-bit {kind}, `{}` is {}", param.name, param.type_text()));
        }
    }
    Ok((spec, out))
}
