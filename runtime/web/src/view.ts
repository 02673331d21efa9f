// A tensor in linear memory, in place.
//
// A typed array itself cannot know that a later plan moved its tensor. A View can: `data` is derived anew after memory
// has grown and refuses after a plan that may have changed sizes or places. So keep the View, not its array.

import { KccError } from "./errors.js";
import type { TypedArray } from "./element.js";

/** Elements and shape of a tensor, in place. Made by `Instance.view`. */
export class View<A extends TypedArray = TypedArray> {
  /** Extents, outermost first; empty for a scalar. */
  readonly shape: readonly number[];
  readonly #locate: () => A;

  /** @internal */
  constructor(shape: readonly number[], locate: () => A) {
    this.shape = shape;
    this.#locate = locate;
  }

  /**
   * The elements in row-major order: memory of the module, not a copy. Valid until the next `plan` of any pipeline of
   * the instance; take it anew from here after one.
   *
   * @throws KccError `stale` after a plan that changed the tensor's pipeline.
   */
  get data(): A {
    return this.#locate();
  }

  /** The element with these indices, or undefined if their number is not the rank or one is out of range. */
  at(...indices: readonly number[]): A[number] | undefined {
    const flat = offset(this.shape, indices);
    return flat === undefined ? undefined : this.data[flat];
  }

  /** A copy of the elements that does not change with the next call. */
  copy(): A {
    return this.data.slice() as A;
  }

  /**
   * Copies elements in, as many as the tensor has.
   *
   * @throws KccError `shape` if their number is another one.
   */
  set(elements: ArrayLike<A[number]>): void {
    const { data } = this;
    if (elements.length !== data.length) {
      throw new KccError("shape", `${elements.length} elements given for ${data.length}`);
    }
    (data as { set(elements: ArrayLike<A[number]>): void }).set(elements);
  }
}

/** Position of an element in row-major order. */
function offset(shape: readonly number[], indices: readonly number[]): number | undefined {
  if (shape.length !== indices.length) return undefined;
  let flat = 0;
  for (const [axis, extent] of shape.entries()) {
    const index = indices[axis];
    if (index === undefined || !Number.isInteger(index) || index < 0 || index >= extent) return undefined;
    flat = flat * extent + index;
  }
  return flat;
}
