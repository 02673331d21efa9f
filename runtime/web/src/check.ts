// Holds a manifest against its module before anything is run: names exist, are used once, and fit each other.
//
// JavaScript does not show the types of exports: a signature that does not fit its manifest gives an error at the call
// instead. Addresses are not trusted: they are compared with the memory's size whenever they are used (memory.ts), since
// the module itself writes some.

import { KccError, badManifest } from "./errors.js";
import { ERROR_VALUES, type Manifest, type Pipeline } from "./manifest.js";

/** Most axes that a tensor can have. */
const MAX_RANK = 32;

/** Checks `manifest` against `module`. */
export function check(module: WebAssembly.Module, manifest: Manifest): void {
  const [first] = WebAssembly.Module.imports(module);
  if (first !== undefined) {
    const what = `\`${first.name}\` from \`${first.module}\``;
    const text = `not a module that can be run: it imports ${what}, and this runtime has nothing to offer for that`;
    throw new KccError("module", text);
  }
  const exports = new Map(WebAssembly.Module.exports(module).map(({ name, kind }) => [name, kind]));
  if (exports.get("memory") !== "memory") throw badManifest("the module exports no `memory`");
  unique(manifest.pipelines, (name) => `two pipelines are called \`${name}\``);
  for (const pipeline of manifest.pipelines) checkPipeline(exports, pipeline);
  for (const failure of manifest.failures) {
    if (failure.values.length > ERROR_VALUES) {
      throw badManifest(`status ${failure.status} has ${failure.values.length} values`);
    }
  }
}

function checkPipeline(exports: ReadonlyMap<string, string>, pipeline: Pipeline): void {
  const wrong = (text: string) => badManifest(`pipeline \`${pipeline.name}\`: ${text}`);
  for (const name of pipeline.plan === null ? [pipeline.run] : [pipeline.plan, pipeline.run]) {
    const kind = exports.get(name);
    if (kind === undefined) throw wrong(`there is no export \`${name}\``);
    if (kind !== "function") throw wrong(`export \`${name}\` is not a function`);
  }
  if (pipeline.plan === null && pipeline.plan_args.length > 0) throw wrong("it has sizes but no plan");
  const of = `pipeline \`${pipeline.name}\`: two`;
  unique(pipeline.plan_args, (name) => `${of} arguments of its plan are called \`${name}\``);
  const tensors = [...pipeline.params, ...pipeline.results];
  unique(tensors, (name) => `${of} of its tensors are called \`${name}\``);
  for (const tensor of tensors) {
    const rank = tensor.dims.length;
    if (rank > MAX_RANK) throw wrong(`\`${tensor.name}\` has ${rank} axes, at most ${MAX_RANK} are possible`);
    for (const { text, value } of tensor.dims) {
      if (!("arg" in value)) continue;
      const { arg, scale } = value.arg;
      if (pipeline.plan_args[arg]?.kind !== "size") {
        throw wrong(`\`${tensor.name}\`: extent \`${text}\` refers to argument ${arg}, which is no size`);
      }
      if (scale < 1) throw wrong(`\`${tensor.name}\`: extent \`${text}\` has factor ${scale}`);
    }
  }
}

function unique(named: readonly { readonly name: string }[], message: (name: string) => string): void {
  const seen = new Set<string>();
  for (const { name } of named) {
    if (seen.has(name)) throw badManifest(message(name));
    seen.add(name);
  }
}
