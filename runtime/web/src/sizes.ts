// Arguments of a plan: sizes from their names or from the shapes of inputs, and the scalars that reach a size.

import { KccError, type Value, shapeText } from "./errors.js";
import type { Pipeline, PlanArg, Tensor } from "./manifest.js";
import { toArgument } from "./value.js";

/** Sizes by name. */
export type Sizes = { readonly [name: string]: number };
/** Shapes of parameters by name. */
export type Shapes = { readonly [name: string]: readonly number[] };
/** Scalar parameters that reach a size, by name. */
export type Scalars = { readonly [name: string]: Value };

/** The value of each size argument, in the order of `plan_args`; scalars are left open. */
type Found = readonly (number | undefined)[];

const MAX_SIZE = 0x7fffffff;

/** Sizes given by name. */
export function fromSizes(pipeline: Pipeline, sizes: Sizes): Found {
  for (const name of Object.keys(sizes)) {
    if (!pipeline.plan_args.some((arg) => arg.kind === "size" && arg.name === name)) {
      throw new KccError("shape", `pipeline \`${pipeline.name}\` has no size \`${name}\`, it has ${names(pipeline)}`);
    }
  }
  return pipeline.plan_args.map((arg) => {
    if (arg.kind !== "size") return undefined;
    const value = Object.hasOwn(sizes, arg.name) ? sizes[arg.name] : undefined;
    if (value === undefined) {
      const text = `size \`${arg.name}\` of pipeline \`${pipeline.name}\` is missing, it has ${names(pipeline)}`;
      throw new KccError("shape", text);
    }
    return size(arg.name, value);
  });
}

/** Sizes that follow from the shapes of parameters; all shapes must agree. */
export function fromShapes(pipeline: Pipeline, shapes: Shapes): Found {
  return pipeline.plan_args.map((arg, position) => (arg.kind === "size" ? solve(pipeline, arg, position, shapes) : undefined));
}

/** Adds the scalars, each of which must be given. */
export function takeScalars(pipeline: Pipeline, found: Found, scalars: Scalars): (number | bigint)[] {
  for (const name of Object.keys(scalars)) {
    if (!pipeline.plan_args.some((arg) => arg.kind === "scalar" && arg.name === name)) {
      throw new KccError("argument", `\`${name}\` is no scalar that the plan of \`${pipeline.name}\` takes`);
    }
  }
  return pipeline.plan_args.map((arg, position) => {
    if (arg.kind === "size") return found[position] ?? 0;
    const value = Object.hasOwn(scalars, arg.name) ? scalars[arg.name] : undefined;
    if (value !== undefined) return toArgument(value, arg.elem, arg.name);
    const text = `scalar \`${arg.name}: ${arg.elem}\` decides sizes of \`${pipeline.name}\` and must be given to its plan`;
    throw new KccError("argument", text);
  });
}

/** Position of a parameter; its rank and fixed extents must be those of `shape`. */
export function checkRank(pipeline: Pipeline, name: string, shape: readonly number[]): number {
  const position = pipeline.params.findIndex((param) => param.name === name);
  const param = pipeline.params[position];
  if (param === undefined) {
    const known = pipeline.params.map((candidate) => `\`${candidate.name}\``).join(", ") || "none";
    throw new KccError("no-tensor", `pipeline \`${pipeline.name}\` has no \`${name}\`, it has ${known}`);
  }
  const fits =
    param.dims.length === shape.length &&
    param.dims.every(({ value }, axis) => !("fixed" in value) || value.fixed === shape[axis]);
  if (fits) return position;
  throw new KccError("shape", `\`${name}\` has shape ${shapeText(shape)}, expected ${typeText(param)}`);
}

/** A tensor's type as written: `u8[H, W, 4]`. */
export function typeText(tensor: Tensor): string {
  return tensor.dims.length === 0 ? tensor.elem : `${tensor.elem}[${tensor.dims.map((dim) => dim.text).join(", ")}]`;
}

/** Finds a size from the shapes in which it occurs. */
function solve(pipeline: Pipeline, arg: PlanArg, position: number, shapes: Shapes): number {
  let found: { readonly value: number; readonly given: string; readonly axis: number } | undefined;
  for (const [given, shape] of Object.entries(shapes)) {
    const param = pipeline.params.find((candidate) => candidate.name === given);
    for (const [axis, dim] of (param?.dims ?? []).entries()) {
      const extent = shape[axis];
      if (extent === undefined || !("arg" in dim.value) || dim.value.arg.arg !== position) continue;
      const value = (extent - dim.value.arg.offset) / dim.value.arg.scale;
      if (!Number.isInteger(value) || value < 0) {
        throw new KccError("shape", `axis ${axis} of \`${given}\` is ${extent}, which \`${dim.text}\` cannot be`);
      }
      if (found !== undefined && found.value !== value) {
        const before = `${found.value} by axis ${found.axis} of \`${found.given}\``;
        const text = `size \`${arg.name}\` is ${before} and ${value} by axis ${axis} of \`${given}\``;
        throw new KccError("shape", text);
      }
      found ??= { value: size(arg.name, value), given, axis };
    }
  }
  if (found !== undefined) return found.value;
  throw new KccError("shape", `size \`${arg.name}\` of \`${pipeline.name}\` does not follow from the shapes given`);
}

/** A size as `plan` takes it. */
function size(name: string, value: number): number {
  if (Number.isInteger(value) && value <= MAX_SIZE && value >= -MAX_SIZE) return value;
  throw new KccError("shape", `size \`${name}\` cannot be ${value}, at most ${MAX_SIZE}`);
}

/** Names of a pipeline's sizes for a message. */
function names(pipeline: Pipeline): string {
  const sizes = pipeline.plan_args.filter((arg) => arg.kind === "size").map((arg) => arg.name);
  return sizes.length === 0 ? "none" : sizes.join(", ");
}
