// An instance: a module with its memory. Planning, views and runs; finding sizes from shapes is in sizes.ts.
//
// Assumes nothing of the module beyond what check.ts found: whatever it returns, throws or writes gives an error.

import { type ArrayOf, type Elem, type TypedArray, arrayAt } from "./element.js";
import { KccError, type Value, badManifest, list, reason, shapeText } from "./errors.js";
import { STATUS, describe } from "./failure.js";
import type { Pipeline, Tensor } from "./manifest.js";
import { isDecided, type Range, range, readI32, readShape, writeI32 } from "./memory.js";
import type { Module } from "./module.js";
import { checkRank, fromShapes, fromSizes, takeScalars, typeText } from "./sizes.js";
import type { Scalars, Shapes, Sizes } from "./sizes.js";
import { fromElement, toElement } from "./value.js";
import { View } from "./view.js";

export type { Scalars, Shapes, Sizes } from "./sizes.js";

type Export = (...args: (number | bigint)[]) => unknown;

/** What an instance knows about one pipeline. */
interface State {
  readonly pipeline: Pipeline;
  readonly tensors: readonly Tensor[];
  readonly plan: Export | null;
  readonly run: Export;
  /** Arguments of the last plan. */
  args: readonly (number | bigint)[];
  /** Whether tensors have places and sizes. */
  planned: boolean;
  /** What the memory at `generation_at` held after the last plan. */
  generation: number;
  /** Counts the plans that may have made views stale. */
  epoch: number;
  /** Shape of each tensor, parameters first. */
  shapes: readonly (readonly number[])[];
  /** For parameters that share another tensor's memory: whose, and the address that the plan gave them. */
  readonly sources: Map<number, Source>;
}

/** A tensor of a pipeline, by position, parameters first. */
interface Spot {
  readonly state: State;
  readonly position: number;
}

interface Source {
  readonly spot: Spot;
  readonly own: number;
}

/**
 * A module with memory of its own; one call at a time. Pipelines and tensors are named as in the source, a single
 * unnamed result is called `result`. Nothing is copied: views lie in the module's memory.
 */
export class Instance {
  /** The module. */
  readonly module: Module;
  /** Its linear memory. */
  readonly memory: WebAssembly.Memory;
  readonly #states: ReadonlyMap<string, State>;

  /** @internal */
  constructor(module: Module, instance: WebAssembly.Instance) {
    const { memory } = instance.exports;
    if (!(memory instanceof WebAssembly.Memory) || !(memory.buffer instanceof ArrayBuffer)) {
      throw badManifest("the memory is shared");
    }
    this.module = module;
    this.memory = memory;
    const state = (pipeline: Pipeline): State => ({
      pipeline,
      tensors: [...pipeline.params, ...pipeline.results],
      plan: pipeline.plan === null ? null : (instance.exports[pipeline.plan] as Export),
      run: instance.exports[pipeline.run] as Export,
      args: [],
      planned: false,
      generation: 0,
      epoch: 0,
      shapes: [],
      sources: new Map(),
    });
    this.#states = new Map(module.pipelines.map((pipeline) => [pipeline.name, state(pipeline)]));
    for (const fixed of this.#states.values()) {
      if (fixed.plan === null) this.#settle(fixed);
    }
  }

  /** The memory's bytes at present. */
  get #buffer(): ArrayBuffer {
    return this.memory.buffer as ArrayBuffer;
  }

  /**
   * Gives a pipeline its sizes by name: checks them, lays out its tensors and computes what depends on sizes alone.
   * `scalars` are the scalar parameters that reach a size. Inputs must be written (again) after a plan with other sizes.
   *
   * @throws KccError `shape` if a size is missing or unknown, `argument` if a scalar is, CallError if the module refuses
   * them (beyond a bound, a fact does not hold, no memory).
   */
  plan(pipeline: string, sizes: Sizes, scalars: Scalars = {}): void {
    const state = this.#state(pipeline);
    this.#plan(state, takeScalars(state.pipeline, fromSizes(state.pipeline, sizes), scalars));
  }

  /**
   * `plan` with the sizes that follow from the shapes of parameters. Shapes of parameters that are not listed are not
   * checked.
   *
   * @throws KccError `shape` if a shape does not fit the parameter's type or another shape; otherwise as `plan`.
   */
  planShapes(pipeline: string, shapes: Shapes, scalars: Scalars = {}): void {
    const state = this.#state(pipeline);
    const args = takeScalars(state.pipeline, fromShapes(state.pipeline, shapes), scalars);
    const given = Object.entries(shapes).map(([name, shape]) => {
      return { shape, position: checkRank(state.pipeline, name, shape) };
    });
    this.#plan(state, args);
    for (const { shape, position } of given) {
      const found = state.shapes[position] ?? [];
      if (sameShape(found, shape)) continue;
      state.planned = false;
      const param = tensorAt(state, position);
      throw new KccError(
        "shape",
        `\`${param.name}\` has shape ${shapeText(shape)}, but at these sizes ${typeText(param)} is ${shapeText(found)}`,
      );
    }
  }

  /**
   * Runs a pipeline on what its parameters hold. Results are read with `view`.
   *
   * @throws CallError if the pipeline fails (instance and inputs stay usable), KccError `not-planned`, `no-pipeline`.
   */
  run(pipeline: string): void {
    const state = this.#state(pipeline);
    this.#planIfWithoutArguments(state);
    this.#ready(state);
    this.#applySources(state);
    let decided = false;
    try {
      this.#call(state, state.run, []);
      decided = true;
    } finally {
      this.#settleResults(state, decided);
    }
  }

  /**
   * A tensor in place, to write (a parameter, before `run`) or to read. With an element type, the view is of that type
   * and a tensor of another one is refused.
   *
   * @throws KccError `no-pipeline`, `no-tensor`, `element-type`, `not-planned`.
   */
  view<E extends Elem>(pipeline: string, tensor: string, elem: E): View<ArrayOf[E]>;
  view(pipeline: string, tensor: string): View;
  view(pipeline: string, tensor: string, elem?: Elem): View {
    const spot = this.#find(pipeline, tensor);
    const { state, position } = spot;
    const info = tensorAt(state, position);
    if (elem !== undefined && elem !== info.elem) {
      throw new KccError("element-type", `\`${tensor}\` has elements of type ${info.elem}, not ${elem}`);
    }
    this.#planIfWithoutArguments(state);
    this.#ready(state);
    const { epoch } = state;
    const shape = state.shapes[position] ?? [];
    let last: TypedArray | undefined;
    const locate = () => {
      if (!this.#isReady(state) || state.epoch !== epoch) {
        throw new KccError("stale", `this view of \`${tensor}\` is from before another plan of \`${pipeline}\``);
      }
      // The same sizes planned again, or found by another run, leave a view as it is.
      const now = state.shapes[position] ?? [];
      if (now.length !== shape.length || now.some((extent, axis) => extent !== shape[axis])) {
        throw new KccError("stale", `this view of \`${tensor}\` is from before another run of \`${pipeline}\``);
      }
      const { start, length } = this.#place(spot);
      // Memory that grew has a new buffer; the array of the old one is empty.
      if (last?.buffer !== this.#buffer || last.byteOffset !== start) {
        last = arrayAt(info.elem, this.#buffer, start, length);
      }
      return last;
    };
    locate();
    return new View(shape, locate);
  }

  /**
   * Writes a scalar parameter. (One that reaches a size is given to the plan instead.)
   *
   * @throws KccError as `view`; `shape` if the tensor is no scalar, `argument` if the value is not one of its type.
   */
  set(pipeline: string, tensor: string, value: Value): void {
    const { data, elem } = this.#scalar(pipeline, tensor);
    data[0] = toElement(value, elem, tensor);
  }

  /**
   * Reads a scalar result.
   *
   * @throws KccError as `view`; `shape` if the tensor is no scalar.
   */
  get(pipeline: string, tensor: string): Value {
    const { data, elem } = this.#scalar(pipeline, tensor);
    return fromElement(data[0] ?? 0, elem);
  }

  /**
   * Lets a parameter use the memory of another tensor of this instance, usually a result of another pipeline, so that
   * pipelines are chained without a copy. Both must be planned, of one element type and shape. It lasts until the
   * parameter's pipeline is planned anew; if the other one is planned anew, its new place counts.
   *
   * Do not chain a pipeline's result into its own parameter unless it may overwrite what it reads.
   *
   * @throws KccError `bind` if the tensors do not fit each other or the parameter's address is fixed in the module.
   */
  connect(from: readonly [pipeline: string, tensor: string], to: readonly [pipeline: string, tensor: string]): void {
    let source = this.#find(...from);
    const target = this.#find(...to);
    this.#planIfWithoutArguments(target.state);
    this.#planIfWithoutArguments(source.state);
    const refuse = (why: string) =>
      new KccError("bind", `\`${to[1]}\` of \`${to[0]}\` cannot be \`${from[1]}\` of \`${from[0]}\`: ${why}`);
    if (target.position >= target.state.pipeline.params.length) throw refuse(`\`${to[1]}\` is a result`);
    const given = tensorAt(source.state, source.position);
    const wanted = tensorAt(target.state, target.position);
    if (given.elem !== wanted.elem) throw refuse(`its elements are ${given.elem}, not ${wanted.elem}`);
    if (!("at" in wanted.address)) throw refuse("its address is fixed in the module");
    // Follow what the source itself shares to its end, so that no chain can become a circle.
    for (let next: Spot | undefined = source; next !== undefined; next = source.state.sources.get(source.position)?.spot) {
      source = next;
    }
    if (source.state === target.state && source.position === target.position) throw refuse("they are the same tensor");
    this.#ready(target.state);
    this.#ready(source.state);
    const [had, has] = [source.state.shapes[source.position] ?? [], target.state.shapes[target.position] ?? []];
    if (!sameShape(had, has)) throw refuse(`shape ${shapeText(had)} is not ${shapeText(has)}`);
    const { at } = wanted.address;
    const own = target.state.sources.get(target.position)?.own ?? readI32(this.#buffer, at);
    target.state.sources.set(target.position, { spot: source, own });
    this.#applySources(target.state);
  }

  #state(pipeline: string): State {
    const state = this.#states.get(this.module.pipeline(pipeline).name);
    if (state === undefined) throw new KccError("no-pipeline", `there is no pipeline \`${pipeline}\``);
    return state;
  }

  #find(pipeline: string, tensor: string): Spot {
    const state = this.#state(pipeline);
    const position = state.tensors.findIndex(({ name }) => name === tensor);
    if (position >= 0) return { state, position };
    const known = list(state.tensors.map(({ name }) => name));
    throw new KccError("no-tensor", `pipeline \`${pipeline}\` has no \`${tensor}\`, it has ${known}`);
  }

  #scalar(pipeline: string, tensor: string): { data: (number | bigint)[]; elem: Elem } {
    const view = this.view(pipeline, tensor);
    const { state, position } = this.#find(pipeline, tensor);
    if (view.shape.length === 0) {
      return { data: view.data as unknown as (number | bigint)[], elem: tensorAt(state, position).elem };
    }
    const shape = shapeText(view.shape);
    throw new KccError("shape", `\`${tensor}\` of pipeline \`${pipeline}\` is no scalar, its shape is ${shape}`);
  }

  /** Plans a pipeline whose plan takes no arguments, if nobody did. */
  #planIfWithoutArguments(state: State): void {
    if (state.pipeline.plan_args.length === 0 && !state.planned) this.#plan(state, []);
  }

  #plan(state: State, args: readonly (number | bigint)[]): void {
    state.planned = false;
    this.#separate(state);
    state.args = args;
    if (state.plan !== null) this.#call(state, state.plan, args);
    this.#settle(state);
  }

  /** After a plan: reads shapes, checks that every tensor lies inside the memory, notes the generation. */
  #settle(state: State): void {
    const buffer = this.#buffer;
    const { generation_at } = state.pipeline;
    const shapes = state.tensors.map((tensor) => readShape(buffer, tensor, state.args, false));
    for (const [position, tensor] of state.tensors.entries()) range(buffer, tensor, shapes[position] ?? []);
    const generation = generation_at === null ? state.generation + 1 : readI32(buffer, generation_at);
    if (generation !== state.generation || state.epoch === 0) state.epoch += 1;
    state.generation = generation;
    state.shapes = shapes;
    state.planned = true;
  }

  /** After a run: reads the extents that the data decided. After one that failed they are 0. */
  #settleResults(state: State, decided: boolean): void {
    const buffer = this.#buffer;
    state.shapes = state.tensors.map((tensor, position) => {
      if (!isDecided(tensor)) return state.shapes[position] ?? [];
      const shape = readShape(buffer, tensor, state.args, decided);
      range(buffer, tensor, shape);
      return shape;
    });
  }

  /** Whether the pipeline's plan holds; the module may have moved it while it planned another pipeline. */
  #isReady(state: State): boolean {
    const { generation_at } = state.pipeline;
    if (!state.planned) return false;
    return generation_at === null || readI32(this.#buffer, generation_at) === state.generation;
  }

  #ready(state: State): void {
    if (this.#isReady(state)) return;
    const text = `pipeline \`${state.pipeline.name}\` has no valid plan: call \`plan\` before its tensors are used`;
    throw new KccError("not-planned", text);
  }

  /** Where a tensor lies now; one that shares another's memory lies where that one lies. */
  #place({ state, position }: Spot): Range {
    this.#ready(state);
    const shape = state.shapes[position] ?? [];
    const source = state.sources.get(position)?.spot;
    if (source === undefined) return range(this.#buffer, tensorAt(state, position), shape);
    if (!sameShape(source.state.shapes[source.position] ?? [], shape)) {
      const name = `\`${tensorAt(state, position).name}\` of \`${state.pipeline.name}\``;
      throw new KccError("bind", `${name} shares a tensor that got another shape: plan and connect it anew`);
    }
    return this.#place(source);
  }

  /** Writes the current places of shared tensors where the module reads its parameters' addresses. */
  #applySources(state: State): void {
    for (const position of state.sources.keys()) {
      const { address } = tensorAt(state, position);
      if ("at" in address) writeI32(this.#buffer, address.at, this.#place({ state, position }).start);
    }
  }

  /** Gives shared parameters their own memory back: a plan with the sizes of the last one would not. */
  #separate(state: State): void {
    for (const [position, { own }] of state.sources) {
      const { address } = tensorAt(state, position);
      if ("at" in address) writeI32(this.#buffer, address.at, own);
    }
    state.sources.clear();
  }

  #call(state: State, target: Export, args: readonly (number | bigint)[]): void {
    let status: unknown;
    try {
      status = target(...args);
    } catch (error) {
      // A TypeError is a value of the wrong kind for the signature: i64 wants a bigint, f32 refuses one.
      if (error instanceof TypeError) {
        throw badManifest(`pipeline \`${state.pipeline.name}\`: an export has a type that does not fit it: ${error.message}`);
      }
      throw new KccError("trap", `the module trapped: ${reason(error)}`, { cause: error });
    }
    if (typeof status !== "number" || !Number.isInteger(status)) {
      const text = "an export has a type that does not fit it: it returned no status";
      throw badManifest(`pipeline \`${state.pipeline.name}\`: ${text}`);
    }
    if (status !== STATUS.OK) throw describe(this.module.manifest, state.pipeline, status, this.#buffer);
  }
}

function tensorAt(state: State, position: number): Tensor {
  const tensor = state.tensors[position];
  if (tensor === undefined) throw new RangeError(`no tensor ${position}`);
  return tensor;
}

function sameShape(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((extent, axis) => extent === b[axis]);
}
