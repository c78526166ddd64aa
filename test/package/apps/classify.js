/**
 * What every app does: a photo classified on WebGPU by a worker, attention maps, which come from an annex, and a search in an
 * index that has the photo among others, by a worker of its own.
 *
 * @param {typeof import('vit-webgpu') & typeof import('vit-webgpu/search')} library
 * @param {import('vit-webgpu').LoadOptions} options
 */
export function classify({ loadViT, openIndex, ViTError }, options = {}) {
  globalThis.result = run().catch((error) => ({ error: `${error}`, code: error instanceof ViTError && error.code }));

  async function run() {
    const warnings = [];
    const onEvent = ({ message }) => warnings.push(message);
    // On a software adapter, too, which is not chosen by itself.
    const vit = await loadViT('model/model.json', { backend: 'webgpu', onEvent, ...options });
    const [{ label, score }] = await vit.classify('model/dog.jpg');
    const { shape } = await vit.attend('model/dog.jpg').catch((error) => ({ shape: `${error}` }));
    const { assets } = options;
    const index = await openIndex('model/index', { model: vit.info, ...(assets && { assets }) });
    const [{ id: found }] = await index.search(await vit.embed('model/dog.jpg'));
    index.dispose();
    vit.dispose();
    return { backend: vit.info.backend, label, score, shape, found, warnings };
  }
}
