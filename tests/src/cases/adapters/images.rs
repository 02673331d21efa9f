//! Kinds `resize_pil` and `preproc`: programs with symbolic height and width, as users write them.

use crate::cases::text::{Answer, Request, pipeline};
use kcc_compiler::types::Scalar;

/// Bounds of the symbolic sizes.
const BOUNDS: &str = "H >= 1, W >= 1, H <= 8192, W <= 8192";

pub(super) fn resize_pil(request: &Request<'_>) -> Answer {
    let filter = request.text("filter")?;
    if !matches!(filter, "nearest" | "box" | "bilinear" | "hamming" | "bicubic" | "lanczos") {
        return Err(format!("filter {filter}"));
    }
    let (h, w) = (request.int("out_h")?, request.int("out_w")?);
    let photo = request.inputs.first().ok_or("no image")?;
    let elem = photo.elem;
    if !matches!(elem, Scalar::U8 | Scalar::F32) {
        return Err(format!("images of {elem}"));
    }
    let resize = |image: &str| format!("pil.resize_{filter}({image}, {h}, {w})");
    let (params, result, body) = match photo.dims.as_slice() {
        [_, _] => (
            format!("photo: {elem}[H, W]"),
            format!("{elem}[{h}, {w}]"),
            format!("reshape({}, {h}, {w})", resize("reshape(photo, H, W, 1)")),
        ),
        [_, _, 4] if request.params["mode"] == "RGBA" && filter != "nearest" => (
            format!("photo: {elem}[H, W, 4]"),
            format!("{elem}[{h}, {w}, 4]"),
            format!("pil.unpremultiply({})", resize("pil.premultiply(photo)")),
        ),
        [_, _, c] => (format!("photo: {elem}[H, W, {c}]"), format!("{elem}[{h}, {w}, {c}]"), resize("photo")),
        other => return Err(format!("an image of shape {other:?}")),
    };
    Ok(pipeline(&["pil"], &params, &result, BOUNDS, &body))
}

pub(super) fn preproc(request: &Request<'_>) -> Answer {
    let steps: Vec<&str> = request.params["pipeline"]
        .as_array()
        .ok_or("no list of steps")?
        .iter()
        .filter_map(|step| step.as_str())
        .collect();
    let first = *steps.first().ok_or("no steps")?;
    if steps.iter().any(|step| step.contains("cv2")) {
        return Err("needs std.cv".to_string());
    }
    if !first.starts_with("resize shorter side") || !first.contains("antialias, u8") {
        return Err("not on a Pillow image (needs torch.interpolate)".to_string());
    }
    let function = if first.contains("bicubic") {
        "clip_eval"
    } else if first.contains("bilinear") {
        "imagenet_eval"
    } else {
        return Err(format!("step {first}"));
    };
    let (resize, crop) = (request.int("resize")?, request.int("crop")?);
    let body = format!(
        "torch.{function}(photo, {resize}, {crop}, mean: {}, std: {})",
        request.table("mean")?,
        request.table("std")?
    );
    Ok(pipeline(&["torch"], "photo: u8[H, W, 3]", &format!("f32[3, {crop}, {crop}]"), BOUNDS, &body))
}
