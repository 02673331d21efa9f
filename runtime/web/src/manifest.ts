// The manifest: its types (those of the crate kcc-abi) and a parser that assumes nothing about the text.
//
// Guarantees that what it returns has this runtime's ABI major version, requires nothing unknown and has only steps
// that this runtime can run. Unknown fields of a newer minor version are ignored. Whether the manifest fits its module
// is for check.ts.

import { type Elem, isElem } from "./element.js";
import { KccError, badManifest, reason } from "./errors.js";

/** Name of the custom section that holds the manifest. */
export const SECTION = "kcc.manifest";
/** Version of the ABI that this runtime speaks: major, minor. */
export const ABI: readonly [number, number] = [0, 1];
/** Address of the error block. */
export const ERROR_BLOCK = 16;
/** Number of 64-bit values in the error block. */
export const ERROR_VALUES = 8;

/** Entries of `requires` that this runtime offers; the engine itself refuses what it cannot do. */
const FEATURES: readonly unknown[] = ["simd128", "bulk-memory"];

/** A module's description of itself. */
export interface Manifest {
  readonly abi: readonly [number, number];
  readonly language: string;
  readonly compiler: string;
  readonly profile: string;
  readonly requires: readonly string[];
  readonly source_hash: string;
  readonly memory: { readonly initial_pages: number; readonly max_pages: number | null };
  readonly pipelines: readonly Pipeline[];
  readonly failures: readonly Failure[];
}

/** An entry point. */
export interface Pipeline {
  readonly name: string;
  readonly doc: string;
  /** Export that takes sizes and scalars as in `plan_args`; null if there is nothing to plan. */
  readonly plan: string | null;
  readonly plan_args: readonly PlanArg[];
  readonly run: string;
  readonly params: readonly Tensor[];
  readonly results: readonly Tensor[];
  /** Address of the i32 that changes whenever views become stale. */
  readonly generation_at: number | null;
  readonly steps: readonly Step[];
}

/** An argument of a plan: a size variable, or a scalar parameter that reaches a size. */
export type PlanArg =
  | { readonly kind: "size"; readonly name: string; readonly max: number | null }
  | { readonly kind: "scalar"; readonly name: string; readonly elem: Elem };

/** A parameter or result. */
export interface Tensor {
  readonly name: string;
  readonly elem: Elem;
  /** Extents, outermost first; row-major, no gaps. */
  readonly dims: readonly Dim[];
  readonly address: Address;
}

/** An extent. */
export interface Dim {
  /** As written: `H`, `2*H + 1`, `3`. */
  readonly text: string;
  readonly value: DimValue;
}

/**
 * A constant, `scale * (plan argument) + offset`, the i32 at an address once a plan succeeded, or, where the data decides, the
 * i32 at an address after each successful run.
 */
export type DimValue =
  | { readonly fixed: number }
  | { readonly arg: { readonly arg: number; readonly scale: number; readonly offset: number } }
  | { readonly at: number }
  | { readonly decided: Address };

/** Always here, or at the address in the u32 here once a plan succeeded. */
export type Address = { readonly fixed: number } | { readonly at: number };

/** A step of a pipeline. */
export interface Step {
  readonly name: string;
  readonly binding: string;
  readonly kind: string;
}

/** What a status code means. */
export interface Failure {
  readonly status: number;
  readonly kind: string;
  readonly message: string;
  /** Element types of the values in the error block. */
  readonly values: readonly string[];
  readonly pipeline: string;
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

/** Text of the manifest section → manifest. */
export function parseManifest(text: string): Manifest {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    throw badManifest(`not JSON: ${reason(error)}`);
  }
  // Version and features first: a manifest of another version need not have this version's fields.
  const root = object(json, "the manifest");
  const abi = root["abi"];
  if (!Array.isArray(abi) || abi.length !== 2 || !abi.every((part) => isInteger(part, 0, 0xffffffff))) {
    throw badManifest("`abi` is not a pair of numbers");
  }
  const [major, minor] = abi as [number, number];
  if (major !== ABI[0]) {
    throw new KccError(
      "abi",
      `the module was built for ABI ${major}.${minor}, this runtime has ABI ${ABI[0]}.${ABI[1]}`,
    );
  }
  const requires = array(root["requires"], "requires");
  const unknown = requires.filter((feature) => !FEATURES.includes(feature));
  if (unknown.length > 0) throw refuse(unknown.map((feature) => textOf(feature)).join(", "));
  const memory = object(root["memory"], "memory");
  return {
    abi: [major, minor],
    language: string(root["language"], "language"),
    compiler: string(root["compiler"], "compiler"),
    profile: string(root["profile"], "profile"),
    requires: strings(requires, "requires"),
    source_hash: string(root["source_hash"], "source_hash"),
    memory: {
      initial_pages: u32(memory["initial_pages"], "memory.initial_pages"),
      max_pages: optional(memory["max_pages"], "memory.max_pages", u32),
    },
    pipelines: each(root["pipelines"], "pipelines", pipeline),
    failures: each(root["failures"], "failures", failure),
  };
}

function pipeline(json: unknown, at: string): Pipeline {
  const from = object(json, at);
  const name = string(from["name"], `${at}.name`);
  const steps = each(from["steps"], `${at}.steps`, step);
  for (const { kind, name: stepName } of steps) {
    if (kind !== "wasm") throw refuse(`steps of kind \`${kind}\` (pipeline \`${name}\`, step \`${stepName}\`)`);
  }
  return {
    name,
    doc: from["doc"] === undefined ? "" : string(from["doc"], `${at}.doc`),
    plan: optional(from["plan"], `${at}.plan`, string),
    plan_args: each(from["plan_args"], `${at}.plan_args`, planArg),
    run: string(from["run"], `${at}.run`),
    params: each(from["params"], `${at}.params`, tensor),
    results: each(from["results"], `${at}.results`, tensor),
    generation_at: optional(from["generation_at"], `${at}.generation_at`, u32),
    steps,
  };
}

function planArg(json: unknown, at: string): PlanArg {
  const from = object(json, at);
  const name = string(from["name"], `${at}.name`);
  switch (from["kind"]) {
    case "size":
      return { kind: "size", name, max: optional(from["max"], `${at}.max`, u32) };
    case "scalar":
      return { kind: "scalar", name, elem: elem(from["elem"], `${at}.elem`) };
    default:
      throw badManifest(`\`${at}.kind\` is ${textOf(from["kind"])}, neither size nor scalar`);
  }
}

function tensor(json: unknown, at: string): Tensor {
  const from = object(json, at);
  return {
    name: string(from["name"], `${at}.name`),
    elem: elem(from["elem"], `${at}.elem`),
    dims: each(from["dims"], `${at}.dims`, dim),
    address: address(from["address"], `${at}.address`),
  };
}

function dim(json: unknown, at: string): Dim {
  const from = object(json, at);
  return { text: string(from["text"], `${at}.text`), value: dimValue(from["value"], `${at}.value`) };
}

function dimValue(json: unknown, at: string): DimValue {
  const [kind, content] = variant(json, at);
  if (kind === "decided") return { decided: address(content, `${at}.decided`) };
  if (kind !== "arg") return place(kind, content, at);
  const from = object(content, `${at}.arg`);
  return {
    arg: {
      arg: u32(from["arg"], `${at}.arg.arg`),
      scale: integer(from["scale"], `${at}.arg.scale`),
      offset: integer(from["offset"], `${at}.arg.offset`),
    },
  };
}

function address(json: unknown, at: string): Address {
  const [kind, content] = variant(json, at);
  return place(kind, content, at);
}

function place(kind: string, content: unknown, at: string): Address {
  switch (kind) {
    case "fixed":
      return { fixed: u32(content, `${at}.fixed`) };
    case "at":
      return { at: u32(content, `${at}.at`) };
    default:
      throw badManifest(`\`${at}\` has the unknown form \`${kind}\``);
  }
}

function step(json: unknown, at: string): Step {
  const from = object(json, at);
  return {
    name: string(from["name"], `${at}.name`),
    binding: string(from["binding"], `${at}.binding`),
    kind: string(from["kind"], `${at}.kind`),
  };
}

function failure(json: unknown, at: string): Failure {
  const from = object(json, at);
  return {
    status: integer(from["status"], `${at}.status`),
    kind: string(from["kind"], `${at}.kind`),
    message: string(from["message"], `${at}.message`),
    values: strings(array(from["values"], `${at}.values`), `${at}.values`),
    pipeline: string(from["pipeline"], `${at}.pipeline`),
    file: string(from["file"], `${at}.file`),
    line: u32(from["line"], `${at}.line`),
    column: u32(from["column"], `${at}.column`),
  };
}

function refuse(what: string): KccError {
  return new KccError("requires", `the module requires what this runtime does not offer: ${what}`);
}

function textOf(json: unknown): string {
  return typeof json === "string" ? json : String(JSON.stringify(json));
}

function object(json: unknown, at: string): Record<string, unknown> {
  if (typeof json === "object" && json !== null && !Array.isArray(json)) return json as Record<string, unknown>;
  throw badManifest(`\`${at}\` is ${json === undefined ? "missing" : "not an object"}`);
}

function array(json: unknown, at: string): readonly unknown[] {
  if (Array.isArray(json)) return json;
  throw badManifest(`\`${at}\` is ${json === undefined ? "missing" : "not an array"}`);
}

function each<T>(json: unknown, at: string, parse: (json: unknown, at: string) => T): readonly T[] {
  return array(json, at).map((item, position) => parse(item, `${at}[${position}]`));
}

/** The one key and its content of an object that stands for a variant. */
function variant(json: unknown, at: string): [string, unknown] {
  const entries = Object.entries(object(json, at));
  const [first] = entries;
  if (first === undefined || entries.length !== 1) throw badManifest(`\`${at}\` has ${entries.length} forms`);
  return first;
}

function strings(json: readonly unknown[], at: string): readonly string[] {
  return json.map((item, position) => string(item, `${at}[${position}]`));
}

function string(json: unknown, at: string): string {
  if (typeof json === "string") return json;
  throw badManifest(`\`${at}\` is ${json === undefined ? "missing" : "not a string"}`);
}

function elem(json: unknown, at: string): Elem {
  const name = string(json, at);
  if (isElem(name)) return name;
  throw badManifest(`there is no element type \`${name}\``);
}

function optional<T>(json: unknown, at: string, parse: (json: unknown, at: string) => T): T | null {
  return json === undefined || json === null ? null : parse(json, at);
}

function isInteger(json: unknown, low: number, high: number): json is number {
  return Number.isSafeInteger(json) && (json as number) >= low && (json as number) <= high;
}

function u32(json: unknown, at: string): number {
  if (isInteger(json, 0, 0xffffffff)) return json;
  throw badManifest(`\`${at}\` is ${json === undefined ? "missing" : `${textOf(json)}, which is no 32-bit number`}`);
}

function integer(json: unknown, at: string): number {
  if (isInteger(json, Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER)) return json;
  throw badManifest(`\`${at}\` is ${json === undefined ? "missing" : `${textOf(json)}, which is no possible integer`}`);
}
