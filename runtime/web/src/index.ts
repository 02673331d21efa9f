// The public interface of kcc-runtime.

export { load, Module, type Source } from "./module.js";
export { Instance, type Scalars, type Shapes, type Sizes } from "./instance.js";
export { View } from "./view.js";
export { CallError, KccError, type CallFailure, type ErrorCode, type Place, type Value } from "./errors.js";
export { STATUS } from "./failure.js";
export { type ArrayOf, type Elem, type TypedArray, f16ToNumber, numberToF16 } from "./element.js";
export { ABI } from "./manifest.js";
export type { Address, Dim, DimValue, Failure, Manifest, Pipeline, PlanArg, Step, Tensor } from "./manifest.js";
