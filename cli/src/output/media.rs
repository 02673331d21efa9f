//! Pictures and sound.

use image::{ColorType, ImageEncoder, codecs::png::PngEncoder};
use kcc_compiler::tensor::eval::TensorValue;
use kcc_compiler::types::Scalar;
use std::io::Cursor;

use crate::param::value_type;

/// A picture from `[H, W]` or `[H, W, 1..4]` of `u8` or `u16`.
pub fn png(value: &TensorValue) -> Result<Vec<u8>, String> {
    let wrong = || format!("is {}; a picture is u8 or u16 with shape [H, W] or [H, W, 1..4]", value_type(value));
    let (height, width, channels) = match value.dims[..] {
        [height, width] => (height, width, 1),
        [height, width, channels] => (height, width, channels),
        _ => return Err(wrong()),
    };
    let color = match (value.elem, channels) {
        (Scalar::U8, 1) => ColorType::L8,
        (Scalar::U8, 2) => ColorType::La8,
        (Scalar::U8, 3) => ColorType::Rgb8,
        (Scalar::U8, 4) => ColorType::Rgba8,
        (Scalar::U16, 1) => ColorType::L16,
        (Scalar::U16, 2) => ColorType::La16,
        (Scalar::U16, 3) => ColorType::Rgb16,
        (Scalar::U16, 4) => ColorType::Rgba16,
        _ => return Err(wrong()),
    };
    if height == 0 || width == 0 {
        return Err(format!("is empty ({}), a picture cannot be", value_type(value)));
    }
    let mut out = Vec::new();
    PngEncoder::new(&mut out)
        .write_image(&value.bytes, width as u32, height as u32, color.into())
        .map_err(|error| error.to_string())?;
    Ok(out)
}

/// Sound from `[N]` or `[N, channels]` of `i16`, `i32` or `f32`.
pub fn wav(value: &TensorValue, rate: Option<u32>) -> Result<Vec<u8>, String> {
    let channels = match value.dims[..] {
        [_] => Some(1),
        [_, channels] => u16::try_from(channels).ok().filter(|channels| *channels > 0),
        _ => None,
    };
    let (bits, sample_format) = match value.elem {
        Scalar::I16 => (16, hound::SampleFormat::Int),
        Scalar::I32 => (32, hound::SampleFormat::Int),
        Scalar::F32 => (32, hound::SampleFormat::Float),
        _ => (0, hound::SampleFormat::Int),
    };
    let Some(channels) = channels.filter(|_| bits > 0) else {
        return Err(format!("is {}; sound is i16, i32 or f32 with shape [N] or [N, channels]", value_type(value)));
    };
    let sample_rate = rate.ok_or("needs a sample rate: add `--rate 16000`")?;
    let spec = hound::WavSpec { channels, sample_rate, bits_per_sample: bits, sample_format };
    let mut out = Vec::new();
    let mut write = || {
        let mut writer = hound::WavWriter::new(Cursor::new(&mut out), spec)?;
        for sample in super::scalars(value) {
            match sample.ty {
                Scalar::F32 => writer.write_sample(sample.as_f32())?,
                _ => writer.write_sample(sample.as_int() as i32)?,
            }
        }
        writer.finalize()
    };
    let result: hound::Result<()> = write();
    result.map_err(|error| error.to_string())?;
    Ok(out)
}
