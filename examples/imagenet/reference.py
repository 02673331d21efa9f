"""What Pillow and torchvision's arithmetic make of photo.png: prints the SHA-256 of the tensor's bytes.

Needs Pillow 13 and NumPy. Resize(256), CenterCrop(224), ToTensor() and Normalize() of torchvision are the lines below.
"""

import hashlib
from pathlib import Path

import numpy as np
from PIL import Image

photo = Image.open(Path(__file__).with_name("photo.png")).convert("RGB")
width, height = photo.size
size = (256, 256 * height // width) if width <= height else (256 * width // height, 256)
small = photo.resize(size, Image.Resampling.BILINEAR)
left, top = round((small.width - 224) / 2), round((small.height - 224) / 2)
crop = np.asarray(small)[top : top + 224, left : left + 224]
mean = np.array([0.485, 0.456, 0.406], dtype=np.float32)
std = np.array([0.229, 0.224, 0.225], dtype=np.float32)
tensor = ((crop.astype(np.float32) / np.float32(255) - mean) / std).transpose(2, 0, 1)
print(list(tensor.shape), f"first {tensor.flat[0]:.6f} sum {tensor.astype(np.float64).sum():.6f}")
print(hashlib.sha256(np.ascontiguousarray(tensor).tobytes()).hexdigest())
