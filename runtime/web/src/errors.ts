// What can go wrong, as values: a module that is refused, a wrong use of the interface, a call that failed.
//
// Every error that this package throws is a KccError. Messages are lower case without a full stop, name what was
// expected and what was found, and are those of the Rust runtime.

/** What kind of thing went wrong. */
export type ErrorCode =
  /** The module's bytes could not be fetched or read. */
  | "io"
  /** The bytes are not a WebAssembly module that this engine accepts. */
  | "module"
  /** The manifest is missing, malformed or does not fit the module. */
  | "manifest"
  /** The module was built for another major version of the ABI. */
  | "abi"
  /** The module needs something that this runtime does not offer. */
  | "requires"
  /** There is no such pipeline. */
  | "no-pipeline"
  /** The pipeline has no such parameter or result. */
  | "no-tensor"
  /** A tensor was accessed as another element type than it has. */
  | "element-type"
  /** Sizes or shapes do not fit the pipeline. */
  | "shape"
  /** A scalar is missing, unknown or not representable in its type. */
  | "argument"
  /** A call that needs a successful plan came before one. */
  | "not-planned"
  /** A view was used after another plan moved or resized its tensor. */
  | "stale"
  /** Two tensors cannot share memory. */
  | "bind"
  /** The pipeline ran and reported a failure: the error is a CallError. */
  | "call"
  /** The module trapped, which modules made by kcc never do. */
  | "trap";

/** An error of this package. */
export class KccError extends Error {
  override readonly name: string = "KccError";
  /** What kind of thing went wrong. */
  readonly code: ErrorCode;

  constructor(code: ErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** A scalar of a failure: i64 and u64 are bigints, bool is a boolean, all others are numbers. */
export type Value = number | bigint | boolean;

/** A place in a source file. */
export interface Place {
  /** The file as the compiler names it. */
  readonly file: string;
  /** Line, from 1. */
  readonly line: number;
  /** Column, from 1. */
  readonly column: number;
}

/** What a CallError is made of. */
export interface CallFailure {
  /** The pipeline. */
  readonly pipeline: string;
  /** The status code. */
  readonly status: number;
  /** `index`, `division`, `empty`, `fact`, `assert`, or for codes of the ABI `size`, `memory`, `plan`. */
  readonly kind: string;
  /** What happened, with the values in place. */
  readonly text: string;
  /** The values, in the order in which the text has them. */
  readonly values: readonly Value[];
  /** The source line that failed, if the code belongs to one. */
  readonly place: Place | null;
}

/** A failure that a module reported by its status. The instance and its inputs stay usable. */
export class CallError extends KccError implements CallFailure {
  override readonly name: string = "CallError";
  readonly pipeline: string;
  readonly status: number;
  readonly kind: string;
  readonly text: string;
  readonly values: readonly Value[];
  readonly place: Place | null;

  constructor(failure: CallFailure) {
    const { pipeline, text, place } = failure;
    super("call", `${pipeline}: ${text}${place ? ` (${place.file}:${place.line}:${place.column})` : ""}`);
    this.pipeline = pipeline;
    this.status = failure.status;
    this.kind = failure.kind;
    this.text = text;
    this.values = failure.values;
    this.place = place;
  }
}

/** A manifest that is malformed or does not fit its module. */
export function badManifest(text: string): KccError {
  return new KccError("manifest", `the module's manifest is not usable: ${text}`);
}

/** Names for a message. */
export function list(names: readonly string[]): string {
  return names.length === 0 ? "none" : names.map((name) => `\`${name}\``).join(", ");
}

/** A shape for a message. */
export function shapeText(shape: readonly number[]): string {
  return `[${shape.join(", ")}]`;
}

/** The text of anything that was thrown. */
export function reason(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
