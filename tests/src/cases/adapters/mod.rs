//! One adapter per kind of case: parameters and input types in, the text of a `.k` program out.
//!
//! An adapter picks library functions, names parameters and prints literals. It computes no element and knows no
//! algorithm; it never sees a value of an input or of a result. Programs have fixed shapes except those on images, which
//! leave height and width symbolic, as users do.

mod elementwise;
mod images;
mod layout;
mod norm;
mod products;
mod quantise;
mod reduce;

use super::text::{Answer, Request};

/// The program for a case of this kind, or the reason why there is none yet.
pub fn program(kind: &str, request: &Request<'_>) -> Answer {
    match kind {
        "resize_pil" => images::resize_pil(request),
        "preproc" => images::preproc(request),
        "layout" => layout::layout(request),
        "elementwise" => elementwise::elementwise(request),
        "broadcast" => elementwise::broadcasting(request),
        "reduce" => reduce::reduce(request),
        "cumulative" => reduce::cumulative(request),
        "softmax" => norm::softmax(request),
        "norm" => norm::norm(request),
        "matmul" => products::matmul(request),
        "einsum" => products::einsum(request),
        "quantise" => quantise::quantise(request),
        other => Err(later(other).to_string()),
    }
}

/// What a kind waits for.
fn later(kind: &str) -> &'static str {
    match kind {
        "resize_opencv" | "letterbox" => "needs std.cv",
        "resize_torch" | "warp" => "needs torch.interpolate and torch.grid_sample",
        "resize_onnx" => "needs std.onnx",
        "yuv" | "colour" => "needs std.color and std.cv",
        "geometry" => "needs the rest of std.image",
        "filter" | "threshold" | "histogram" => "needs std.cv and the filters of std.image",
        "whisper_logmel" | "mel" | "kaldi_fbank" | "stft" | "fft" | "resample" | "signal" => {
            "needs std.audio and std.signal"
        }
        "silero_vad" | "magika" | "e2e" | "real_detector" => "needs models run by the host",
        "wordpiece" | "byte_bpe" | "clip_bpe" | "sentencepiece" | "detokenise" => "needs std.hf",
        "utf8" | "unicode" | "ngram" => "needs std.text and std.hash",
        "conv" | "pool" | "attention" => "needs the layers of std.nn",
        "topk" | "index" | "linalg" => "needs sorting, scattering and std.linalg",
        "yolo_nms" | "nms" | "db_text" => "needs std.detect",
        "ctc" | "sampling" | "sequence" => "needs sequential code",
        "segmentation" | "keypoints" | "pooling" => "needs std.segment, std.pose and std.embed",
        "onnx_node" | "pipeline" => "needs modules that are not written yet",
        _ => "a kind that this tool does not know",
    }
}
