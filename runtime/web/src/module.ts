// A loaded module: compiled code and manifest, shared by any number of instances, and sent to workers as it is.

import { check } from "./check.js";
import { KccError, badManifest, list, reason } from "./errors.js";
import { Instance } from "./instance.js";
import { type Manifest, type Pipeline, SECTION, parseManifest } from "./manifest.js";

/** Where a module comes from. */
export type Source = ArrayBuffer | ArrayBufferView | Response | WebAssembly.Module | URL | string;

/** A module that can be instantiated. */
export class Module {
  /** The manifest. */
  readonly manifest: Manifest;
  /** The compiled code: post it to a worker and `load` it there, which compiles nothing again. */
  readonly compiled: WebAssembly.Module;

  /** @internal */
  constructor(compiled: WebAssembly.Module) {
    const [section, second] = WebAssembly.Module.customSections(compiled, SECTION);
    if (section === undefined) throw badManifest(`the module has no \`${SECTION}\` section, so kcc did not make it`);
    if (second !== undefined) throw badManifest(`the module has two \`${SECTION}\` sections`);
    let text: string;
    try {
      text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(section);
    } catch {
      throw badManifest("not UTF-8");
    }
    this.manifest = parseManifest(text);
    this.compiled = compiled;
    check(compiled, this.manifest);
  }

  /** The pipelines in source order. */
  get pipelines(): readonly Pipeline[] {
    return this.manifest.pipelines;
  }

  /**
   * The pipeline with this name.
   *
   * @throws KccError `no-pipeline` names those that exist.
   */
  pipeline(name: string): Pipeline {
    const found = this.pipelines.find((pipeline) => pipeline.name === name);
    if (found !== undefined) return found;
    const known = list(this.pipelines.map((pipeline) => pipeline.name));
    throw new KccError("no-pipeline", `there is no pipeline \`${name}\`, the module has ${known}`);
  }

  /**
   * A new instance with memory of its own.
   *
   * @throws KccError `module` if the engine cannot provide it, `trap` if its start function traps.
   */
  async instantiate(): Promise<Instance> {
    let instance: WebAssembly.Instance;
    try {
      instance = await WebAssembly.instantiate(this.compiled, {});
    } catch (error) {
      const trapped = error instanceof WebAssembly.RuntimeError;
      const what = trapped ? "the module trapped" : "not a module that can be run";
      throw new KccError(trapped ? "trap" : "module", `${what}: ${reason(error)}`, { cause: error });
    }
    return new Instance(this, instance);
  }
}

/**
 * Loads a module: from its bytes; from a Response or an address, compiling while it arrives where the server says
 * `application/wasm`; from a `file:` URL in Node; or from code that another thread compiled.
 *
 * @throws KccError `io`, `module`, `manifest`, `abi` or `requires` says why it is refused.
 */
export async function load(source: Source | PromiseLike<Source>): Promise<Module> {
  return new Module(await compile(await source));
}

async function compile(source: Source): Promise<WebAssembly.Module> {
  if (source instanceof WebAssembly.Module) return source;
  if (typeof source === "string" || source instanceof URL) return compile(await open(source));
  try {
    if (ArrayBuffer.isView(source)) {
      // Not every engine takes a DataView.
      const { buffer, byteOffset, byteLength } = source;
      return await WebAssembly.compile(new Uint8Array(buffer as ArrayBuffer, byteOffset, byteLength));
    }
    if (!(source instanceof Response)) return await WebAssembly.compile(source);
    if (!source.ok) throw new KccError("io", `${source.url}: ${source.status} ${source.statusText}`);
    // Engines stream this type only, without parameters.
    const type = source.headers.get("content-type")?.trim().toLowerCase();
    if (type === "application/wasm") return await WebAssembly.compileStreaming(source);
    return await WebAssembly.compile(await source.arrayBuffer());
  } catch (error) {
    if (error instanceof KccError) throw error;
    const refused = error instanceof WebAssembly.CompileError || !(source instanceof Response);
    throw refused
      ? new KccError("module", `not a module that can be run: ${reason(error)}`, { cause: error })
      : new KccError("io", `${source.url}: ${reason(error)}`, { cause: error });
  }
}

/** What lies at an address. */
async function open(address: URL | string): Promise<Response | Uint8Array> {
  try {
    const url = new URL(address, globalThis.location?.href);
    const files = url.protocol === "file:" ? nodeFiles() : undefined;
    return files === undefined ? await fetch(url) : await files.readFile(url);
  } catch (error) {
    throw new KccError("io", `${address}: ${reason(error)}`, { cause: error });
  }
}

/** Node's files, which `fetch` does not reach there; asked for at run time, so that bundlers need not know of them. */
function nodeFiles(): { readFile(url: URL): Promise<Uint8Array> } | undefined {
  interface Host {
    process?: { getBuiltinModule?(name: string): unknown };
  }
  const found = (globalThis as Host).process?.getBuiltinModule?.("node:fs/promises");
  return found as { readFile(url: URL): Promise<Uint8Array> } | undefined;
}
