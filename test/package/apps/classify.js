/**
 * What every app does: a photo classified on WebGPU by a worker, and attention maps, which come from an annex.
 *
 * @param {typeof import('vit-webgpu')} library
 * @param {import('vit-webgpu').LoadOptions} options
 */
export function classify({ loadViT, ViTError }, options = {}) {
  globalThis.result = run().catch((error) => ({ error: `${error}`, code: error instanceof ViTError && error.code }));

  async function run() {
    const warnings = [];
    const onEvent = ({ message }) => warnings.push(message);
    // On a software adapter, too, which is not chosen by itself.
    const vit = await loadViT('model/model.json', { backend: 'webgpu', onEvent, ...options });
    const [{ label, score }] = await vit.classify('model/dog.jpg');
    const { shape } = await vit.attend('model/dog.jpg').catch((error) => ({ shape: `${error}` }));
    vit.dispose();
    return { backend: vit.info.backend, label, score, shape, warnings };
  }
}
