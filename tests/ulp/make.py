"""Makes table.txt: arguments and exact values of the functions of std/math.k, for tests/ulp.rs.

    pip install mpmath==1.4.1 && python make.py > table.txt

A line is: function, type, bits of the arguments, bits of the result rounded to nearest, and how far the exact result
lies from that, in units in the last place (exact + offset * ulp). Exact values are computed by mpmath with 300 bits.
"""

import math
import random
import struct

import mpmath as mp

mp.mp.prec = 300
TYPES = {"f32": ("<f", "<I", 24, -149), "f64": ("<d", "<Q", 53, -1074)}


def bits(ty, value):
    return struct.unpack(TYPES[ty][1], struct.pack(TYPES[ty][0], value))[0]


def value(ty, raw):
    return struct.unpack(TYPES[ty][0], struct.pack(TYPES[ty][1], raw))[0]


def rounded(ty, value_):
    return value(ty, bits(ty, value_))


def sigmoid(x):
    return mp.exp(x) / (1 + mp.exp(x)) if x < 0 else 1 / (1 + mp.exp(-x))


# Special results that mpmath has no notion of follow IEEE 754 and are decided before: see `special`.
ONE = {
    "exp": mp.exp, "exp2": lambda x: mp.mpf(2) ** x, "expm1": mp.expm1, "log": mp.log,
    "log2": lambda x: mp.log(x) / mp.log(2), "log10": lambda x: mp.log(x) / mp.log(10), "log1p": mp.log1p,
    "sin": mp.sin, "cos": mp.cos, "tan": mp.tan, "asin": mp.asin, "acos": mp.acos, "atan": mp.atan,
    "sinh": mp.sinh, "cosh": mp.cosh, "tanh": mp.tanh, "erf": mp.erf, "sigmoid": sigmoid,
    "logit": lambda p: mp.log(p) - mp.log1p(-p), "softplus": lambda x: max(x, 0) + mp.log1p(mp.exp(-abs(x))),
}
TWO = {"atan2": lambda y, x: mp.atan2(y, x), "pow": lambda x, y: x ** y, "hypot": lambda x, y: mp.sqrt(x * x + y * y), "fmod": None}
# Where results are interesting: ranges of x for f32 and f64.
RANGES = {
    "exp": ((-104, 89), (-746, 710)), "exp2": ((-150, 128), (-1076, 1024)), "expm1": ((-20, 89), (-40, 710)),
    "sinh": ((-90, 90), (-711, 711)), "cosh": ((-90, 90), (-711, 711)), "tanh": ((-10, 10), (-20, 20)),
    "erf": ((-4, 4), (-6, 6)), "sigmoid": ((-104, 20), (-746, 40)), "softplus": ((-104, 20), (-746, 40)),
    "sin": ((-100, 100),) * 2, "cos": ((-100, 100),) * 2, "tan": ((-100, 100),) * 2, "atan": ((-10, 10),) * 2,
    "asin": ((-1, 1),) * 2, "acos": ((-1, 1),) * 2, "logit": ((0, 1),) * 2, "log1p": ((-1, 2),) * 2,
    "log": ((0, 3),) * 2, "log2": ((0, 3),) * 2, "log10": ((0, 3),) * 2,
}
# The greatest errors that a search over all f32 and over millions of f64 found, and the hardest reductions of angles.
WORST = {
    "exp": [-16.9399261, 320.59831646702878], "exp2": [-0.493956029, 367.50577736029686],
    "expm1": [0.372630179, 0.38278172210356315], "log": [0.706977546, 1.4006033576169179],
    "log2": [0.70610857, 1.4124603993721347], "log10": [0.663695991, 1.3335001980399133],
    "log1p": [0.441906482, 0.43057943714438746], "sin": [-2.47092439e20, -0.84079007003128925, 6381956970095103.0 * 2.0**797],
    "cos": [-1.79894733e35, 548.9971211186762, 6381956970095103.0 * 2.0**797],
    "tan": [-160724.125, 242.64418187320257, 6381956970095103.0 * 2.0**797],
    "tanh": [-0.00776717532, -0.20572387128208386], "sinh": [1.41622996, -1.4267590895530655],
    "cosh": [4.55041027, -7.3204825258024246], "sigmoid": [-3.46511626, -1.1079340973204113],
    "softplus": [-0.751221061, -0.44205422866357119], "logit": [0.27120927, 0.27914482897475029],
    "erf": [-0.912146211, 0.85278888671039521], "asin": [0.501067102, -0.50523686401688872],
    "acos": [-0.507278025, -0.50595569472655555], "atan": [-0.458594233, 0.4756480596183818],
}
SPECIAL = [0.0, -0.0, 1.0, -1.0, 0.5, -0.5, 0.25, 0.75, 2.0, 10.0, 1e-5, -1e-5, math.inf, -math.inf, math.nan]
ZERO_AT_ZERO = {"expm1", "log1p", "sin", "tan", "asin", "atan", "sinh", "tanh", "erf"}


def special(name, x):
    """The result where mpmath has none or knows no signed zero; None otherwise."""
    if math.isnan(x):
        return math.nan
    if x == 0 and name in ZERO_AT_ZERO:
        return x
    if math.isinf(x):
        up = x > 0
        return {
            "exp": math.inf if up else 0.0, "exp2": math.inf if up else 0.0, "expm1": math.inf if up else -1.0,
            "log": math.inf if up else math.nan, "log2": math.inf if up else math.nan,
            "log10": math.inf if up else math.nan, "log1p": math.inf if up else math.nan,
            "sinh": x, "cosh": math.inf, "tanh": 1.0 if up else -1.0, "erf": 1.0 if up else -1.0,
            "sigmoid": 1.0 if up else 0.0, "softplus": math.inf if up else 0.0,
            "atan": mp.pi / 2 if up else -mp.pi / 2,
        }.get(name, math.nan)
    if name in ("log", "log2", "log10") and x <= 0:
        return -math.inf if x == 0 else math.nan
    if name == "log1p" and x <= -1:
        return -math.inf if x == -1 else math.nan
    if name in ("asin", "acos") and abs(x) > 1:
        return math.nan
    if name == "logit" and not 0 < x < 1:
        return -math.inf if x == 0 else math.inf if x == 1 else math.nan
    return None


def special_two(name, a, b):
    if name == "fmod":
        try:
            return math.fmod(a, b)
        except ValueError:
            return math.nan
    if name == "hypot":
        if math.isinf(a) or math.isinf(b):
            return math.inf
        return math.nan if math.isnan(a) or math.isnan(b) else None
    if name == "atan2":
        if math.isnan(a) or math.isnan(b):
            return math.nan
        if a == 0 or b == 0 or math.isinf(a) or math.isinf(b):
            # Python follows IEEE 754 here; the exact value is a multiple of a quarter of pi.
            quarters = round(math.atan2(a, b) * 4 / math.pi)
            return mp.pi * quarters / 4 if quarters else math.copysign(0.0, a)
        return None
    if any(map(math.isnan, (a, b))) or any(map(math.isinf, (a, b))) or a == 0 or b == 0:
        try:
            return math.pow(a, b)
        except (ValueError, OverflowError):
            odd = b == math.floor(b) and b % 2 == 1
            return math.copysign(math.inf, a) if odd and a == 0 else math.inf if a == 0 else math.nan
    if a < 0 and b != math.floor(b):
        return math.nan
    return None


def nearest(ty, exact):
    """The float nearest to an exact value, and the rest in its ulps."""
    _, _, precision, least = TYPES[ty]
    if isinstance(exact, float):
        return exact, 0.0
    if exact == 0:
        return 0.0, 0.0
    limit = mp.mpf(2) ** (128 if ty == "f32" else 1024)
    if abs(exact) >= limit:
        return (math.inf if exact > 0 else -math.inf), 0.0
    exponent = max(int(mp.floor(mp.log(abs(exact), 2))) - precision + 1, least)
    scaled = exact / mp.mpf(2) ** exponent
    whole = mp.nint(scaled)
    if abs(whole) * mp.mpf(2) ** exponent >= limit:
        return (math.inf if exact > 0 else -math.inf), 0.0
    return float(whole * mp.mpf(2) ** exponent), float(scaled - whole)


def line(name, ty, args, exact):
    near, offset = nearest(ty, exact)
    raw = "nan" if math.isnan(near) else f"{bits(ty, near):x}"
    print(name, ty, *(f"{bits(ty, arg):x}" for arg in args), raw, f"{offset:+.4f}")


def main():
    rng = random.Random(1)
    for name, function in ONE.items():
        for index, ty in enumerate(TYPES):
            low, high = RANGES[name][index]
            points = SPECIAL + WORST[name]
            points += [low + (high - low) * rng.random() for _ in range(24)]
            points += [math.ldexp(1 + rng.random(), -rng.randrange(60)) * rng.choice([1, -1]) for _ in range(12)]
            points += [1 + (rng.random() - 0.5) * 2.0 ** -rng.randrange(12) for _ in range(6)]
            raws = [rng.getrandbits(32 if ty == "f32" else 64) for _ in range(12)]
            points += [value(ty, raw) for raw in raws]
            tiny = TYPES[ty][3]
            points += [2.0**tiny, -(2.0**tiny), 3 * 2.0 ** (tiny + 20)]
            for x in points:
                if abs(x) > 3.4e38 and ty == "f32" and math.isfinite(x):
                    continue
                x = rounded(ty, x)
                exact = special(name, x)
                line(name, ty, [x], function(mp.mpf(x)) if exact is None else exact)
    corners = [0.0, -0.0, 1.0, -1.0, 0.5, -0.5, 2.0, -3.0, math.inf, -math.inf, math.nan]
    for name, function in TWO.items():
        for ty in TYPES:
            wide = 120 if ty == "f32" else 1000
            pairs = [(a, b) for a in corners for b in corners]
            for _ in range(60):
                a = math.ldexp(1 + rng.random(), rng.randrange(-wide, wide)) * rng.choice([1, 1, -1])
                b = math.ldexp(abs(a) * (0.25 + rng.random()), rng.randrange(-4, 4)) * rng.choice([1, -1])
                if name == "pow":
                    a = abs(a)
                    b = (2 * rng.random() - 1) * wide * 1.08 / max(abs(math.log2(a)), 1e-3)
                if name == "fmod":
                    b = math.ldexp(b, -rng.randrange(wide))
                pairs.append((a, b))
            for _ in range(12 if name == "pow" else 0):
                pairs.append((1 + (rng.random() - 0.5) * 1e-3, (rng.random() - 0.5) * 1e5))
                pairs.append((-float(rng.randrange(1, 9)), float(rng.randrange(-30, 30))))
            for a, b in pairs:
                a, b = rounded(ty, a), rounded(ty, b)
                exact = special_two(name, a, b)
                line(name, ty, [a, b], function(mp.mpf(a), mp.mpf(b)) if exact is None else exact)


main()
