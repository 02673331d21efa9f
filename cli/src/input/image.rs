//! Pictures → `u8[H, W, C]` (or `u16` from 16-bit files), `u8[H, W]` from grey ones.
//!
//! A missing alpha channel is added as opaque and a grey picture is repeated over colours, and both are said; nothing is ever
//! dropped or rescaled, and orientation tags are not applied.

use crate::param::Param;
use crate::report::guarded;
use image::{DynamicImage, ImageReader};
use kcc_compiler::tensor::eval::TensorValue;
use kcc_compiler::types::Scalar;
use std::io::Cursor;

/// Decodes a picture for a parameter.
pub fn decode(bytes: &[u8], param: &Param, remarks: &mut Vec<String>) -> Result<TensorValue, String> {
    let rank = param.dims.len();
    let wanted = match rank {
        2 => Some(1),
        3 => param.dims[2].fixed,
        _ => return Err(format!("a picture is u8[H, W, C] or u8[H, W], not {}", param.type_text())),
    };
    if bytes.starts_with(&[0xff, 0xd8]) && !jpeg_is_whole(bytes) {
        // The decoder would fill what is missing with grey.
        return Err("it is damaged: the JPEG data end too early".to_string());
    }
    let picture = guarded(|| {
        let reader = ImageReader::new(Cursor::new(bytes)).with_guessed_format().map_err(|error| error.to_string())?;
        reader.decode().map_err(|error| format!("it is damaged or no picture: {error}"))
    })?;
    let (height, width) = (i64::from(picture.height()), i64::from(picture.width()));
    let (elem, channels, data) = samples(picture)?;
    if elem != param.elem {
        return Err(format!("the picture has {elem} samples, `{}` is {}", param.name, param.type_text()));
    }
    let wanted = wanted.unwrap_or(channels);
    let size = elem.bytes() as usize;
    let data = match (channels, wanted) {
        (have, want) if have == want => data,
        (3, 4) => {
            remarks.push("the picture has no alpha channel, alpha is 255".replace("255", opaque(elem)));
            widen(
                &data,
                size,
                |pixel, out| {
                    out.extend_from_slice(pixel);
                    out.extend(vec![255; size]);
                },
                3,
            )
        }
        (1, 3) => {
            remarks.push("the picture is grey, its samples are repeated over 3 colours".to_string());
            widen(&data, size, |pixel, out| out.extend(pixel.repeat(3)), 1)
        }
        (1, 4) => {
            let alpha = opaque(elem);
            remarks.push(format!("the picture is grey, its samples are repeated over 3 colours, alpha is {alpha}"));
            widen(
                &data,
                size,
                |pixel, out| {
                    out.extend(pixel.repeat(3));
                    out.extend(vec![255; size]);
                },
                1,
            )
        }
        (2 | 4, _) => {
            return Err(format!(
                "the picture has an alpha channel, which `{}: {}` cannot take",
                param.name,
                param.type_text()
            ));
        }
        _ => return Err(format!("the picture has {channels} channels, `{}` is {}", param.name, param.type_text())),
    };
    let mut dims = vec![height, width];
    if rank == 3 {
        dims.push(wanted);
    }
    Ok(TensorValue { elem, dims, bytes: data })
}

/// Whether a JPEG file reaches its end marker, followed segment by segment (a preview inside has one of its own).
fn jpeg_is_whole(bytes: &[u8]) -> bool {
    let mut at = 2;
    while let Some(&[first, marker]) = bytes.get(at..at + 2) {
        match (first, marker) {
            (0xff, 0xd9) => return true,
            // Fill bytes, restarts and other markers that stand alone.
            (0xff, 0xff) => at += 1,
            (0xff, 0x00 | 0x01 | 0xd0..=0xd8) => at += 2,
            (0xff, _) => {
                let Some(&[high, low]) = bytes.get(at + 2..at + 4) else { return false };
                at += 2 + usize::from(u16::from_be_bytes([high, low]));
            }
            // Entropy-coded data follow the header of a scan, up to the next marker.
            _ => at += 1,
        }
    }
    false
}

/// Sample type, channels and samples of a picture.
fn samples(picture: DynamicImage) -> Result<(Scalar, i64, Vec<u8>), String> {
    let wide = |samples: Vec<u16>| samples.iter().flat_map(|sample| sample.to_le_bytes()).collect();
    Ok(match picture {
        DynamicImage::ImageLuma8(p) => (Scalar::U8, 1, p.into_raw()),
        DynamicImage::ImageLumaA8(p) => (Scalar::U8, 2, p.into_raw()),
        DynamicImage::ImageRgb8(p) => (Scalar::U8, 3, p.into_raw()),
        DynamicImage::ImageRgba8(p) => (Scalar::U8, 4, p.into_raw()),
        DynamicImage::ImageLuma16(p) => (Scalar::U16, 1, wide(p.into_raw())),
        DynamicImage::ImageLumaA16(p) => (Scalar::U16, 2, wide(p.into_raw())),
        DynamicImage::ImageRgb16(p) => (Scalar::U16, 3, wide(p.into_raw())),
        DynamicImage::ImageRgba16(p) => (Scalar::U16, 4, wide(p.into_raw())),
        other => return Err(format!("pictures with samples of type {:?} are not supported", other.color())),
    })
}

fn opaque(elem: Scalar) -> &'static str {
    if elem == Scalar::U16 { "65535" } else { "255" }
}

/// Rewrites each pixel of `channels` samples of `size` bytes.
fn widen(data: &[u8], size: usize, pixel: impl Fn(&[u8], &mut Vec<u8>), channels: usize) -> Vec<u8> {
    let mut out = Vec::with_capacity(data.len() / channels * 4);
    data.chunks_exact(size * channels).for_each(|chunk| pixel(chunk, &mut out));
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_a_jpeg_is_that_of_the_picture_itself() {
        let preview = [0xff, 0xe1, 0, 6, 0xff, 0xd9, 1, 2];
        let scan = [0xff, 0xda, 0, 3, 9, 0x12, 0xff, 0x00, 0x34, 0xff, 0xd0, 0x56];
        let cut = [&[0xff, 0xd8][..], &preview, &scan].concat();
        assert!(!jpeg_is_whole(&cut));
        assert!(jpeg_is_whole(&[&cut[..], &[0xff, 0xd9]].concat()));
        assert!(jpeg_is_whole(&[&cut[..], &[0xff, 0xff, 0xd9, 0, 0]].concat()));
        for length in 0..cut.len() {
            assert!(!jpeg_is_whole(&cut[..length]));
        }
    }
}
