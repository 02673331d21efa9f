"""The native peers of the benchmarks: answers one JSON request a line, as `kcc-bench serve` does.

A peer is a function of the job's inputs that gives a function without arguments, which does the work once and gives the
result as an array. Peers are written as someone would who wants them fast: no copy that can be avoided, operations in
place. All run on one thread.
"""

import json
import pathlib
import sys
import time

MISSING = {}
VERSIONS = {}
try:
    import numpy as np

    VERSIONS["NumPy"] = np.__version__
except ImportError as error:
    MISSING["NumPy"] = str(error)
try:
    import PIL
    from PIL import Image

    VERSIONS["Pillow"] = PIL.__version__
except ImportError as error:
    MISSING["Pillow"] = str(error)
try:
    import cv2

    cv2.setNumThreads(1)
    VERSIONS["opencv-python"] = cv2.__version__
except ImportError as error:
    MISSING["opencv-python"] = str(error)

ELEMENTS = {"photo": "u1", "normal": "<f4"}


def normalised(rgb):
    """u8 [224, 224, 3] as normalised planes, with the operations and the order of the kernel."""
    planes = rgb.transpose(2, 0, 1).astype(np.float32)
    planes /= np.float32(255.0)
    planes -= np.array([0.485, 0.456, 0.406], np.float32)[:, None, None]
    planes /= np.array([0.229, 0.224, 0.225], np.float32)[:, None, None]
    return planes


def size_and_corner(height, width):
    """Shorter side to 256 and where the middle 224 begin, as torchvision does."""
    if width <= height:
        size = (256, int(256 * height / width))
    else:
        size = (int(256 * width / height), 256)
    return size, (round((size[0] - 224) / 2), round((size[1] - 224) / 2))


def pillow_preprocess(photo):
    height, width, _ = photo.shape
    size, (left, top) = size_and_corner(height, width)

    def call():
        # "RGBX" has the bytes of RGBA and resizes without multiplying by the fourth channel first.
        image = Image.frombuffer("RGBX", (width, height), photo, "raw", "RGBX", 0, 1)
        small = image.resize(size, Image.Resampling.BILINEAR).crop((left, top, left + 224, top + 224))
        return normalised(np.asarray(small)[..., :3])

    return call


def opencv_preprocess(photo):
    height, width, _ = photo.shape
    size, (left, top) = size_and_corner(height, width)

    def call():
        small = cv2.resize(photo, size, interpolation=cv2.INTER_AREA)
        return normalised(small[top : top + 224, left : left + 224, :3])

    return call


def numpy_matmul(a, b):
    out = np.empty((a.shape[0], b.shape[1]), np.float32)
    return lambda: np.matmul(a, b, out=out)


def numpy_softmax(x):
    out = np.empty_like(x)

    def call():
        np.subtract(x, x.max(axis=1, keepdims=True), out=out)
        np.exp(out, out=out)
        return np.divide(out, out.sum(axis=1, keepdims=True), out=out)

    return call


def numpy_arithmetic(x):
    out = np.empty_like(x)

    def call():
        np.multiply(x, np.float32(1.5), out=out)
        np.add(out, np.float32(0.25), out=out)
        np.clip(out, np.float32(-2.0), np.float32(2.0), out=out)
        np.multiply(out, out, out=out)
        np.subtract(out, np.float32(0.5), out=out)
        return np.multiply(out, np.float32(0.125), out=out)

    return call


def numpy_gelu(x):
    y, inner = np.empty_like(x), np.empty_like(x)

    def call():
        np.multiply(x, np.float32(0.75), out=y)
        np.add(y, np.float32(0.125), out=y)
        np.multiply(y, y, out=inner)
        np.multiply(inner, y, out=inner)
        np.multiply(inner, np.float32(0.044715), out=inner)
        np.add(inner, y, out=inner)
        np.multiply(inner, np.float32(0.7978845608), out=inner)
        np.tanh(inner, out=inner)
        np.add(inner, np.float32(1.0), out=inner)
        np.multiply(y, inner, out=y)
        return np.multiply(y, np.float32(0.5), out=y)

    return call


def open_job(job, call, folder):
    inputs = {}
    for name, spec in job["inputs"].items():
        data = np.fromfile(folder / f"{job['name']}.{name}.bin", ELEMENTS[spec["kind"]])
        inputs[name] = data.reshape(spec["shape"])
    return globals()[call](**inputs)


def serve(jobs, folder):
    jobs = {job["name"]: job for job in jobs}
    opened = {}
    print(json.dumps({"versions": VERSIONS, "missing": MISSING}), flush=True)
    for line in sys.stdin:
        request = json.loads(line)
        try:
            key = (request["job"], request["call"])
            if key not in opened:
                opened[key] = open_job(jobs[key[0]], key[1], folder)
            call = opened[key]
            if request["op"] == "time":
                start = time.process_time_ns()
                for _ in range(request["repeat"]):
                    call()
                answer = {"ms": (time.process_time_ns() - start) / 1e6 / request["repeat"]}
            else:
                np.ascontiguousarray(call()).tofile(request["file"])
                answer = {}
        except Exception as error:
            answer = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    serve(json.loads(pathlib.Path(sys.argv[1]).read_text("utf-8")), pathlib.Path(sys.argv[2]))
