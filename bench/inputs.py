"""Makes the inputs of the benchmarks, the same in every run, as raw little-endian files.

Needs nothing but Python, so that kcc can be measured where no peer can be had.
"""

import array
import math
import random


def photo(shape, seed):
    """Bytes of an image: smooth in both directions, with noise, so that filters agree roughly and rounding is exercised."""
    height, width, channels = shape
    rng = random.Random(seed)
    ramp = bytes(
        int(112 + 111 * math.sin(0.01 * (position // channels) + position % channels))
        for position in range((width + height) * channels)
    )
    smooth = b"".join(ramp[y * channels : (y + width) * channels] for y in range(height))
    count = len(smooth)
    # Both parts stay below 256 together, so adding them as one long number carries nothing from byte to byte.
    noise = int.from_bytes(rng.randbytes(count), "little") & int.from_bytes(b"\x1f" * count, "little")
    return (int.from_bytes(smooth, "little") + noise).to_bytes(count, "little")


def normal(shape, seed):
    """Normal f32 numbers with mean 0 and deviation 1."""
    rng = random.Random(seed)
    return array.array("f", (rng.gauss(0.0, 1.0) for _ in range(math.prod(shape)))).tobytes()


KINDS = {"photo": (photo, "u8"), "normal": (normal, "f32")}


def write(jobs, folder):
    """Writes the inputs of the jobs that are not there yet."""
    for job in jobs:
        for name, spec in job.get("inputs", {}).items():
            file = folder / f"{job['name']}.{name}.bin"
            make, _ = KINDS[spec["kind"]]
            if not file.exists():
                file.write_bytes(make(spec["shape"], f"{job['name']}.{name}"))
