/**
 * The model of the live examples: fetched with the first question, and one for all of them.
 */
import { withBase } from 'vitepress';
import { onUnmounted } from 'vue';

export const SAMPLES = ['dog', 'kitten', 'owl', 'jet', 'fire-engine', 'cup'];

let loading;
let users = 0;

/** For a component's setup. @returns {(report: (state: string) => void) => Promise<import('vit-webgpu').ViT>} */
export function useModel() {
  users++;
  onUnmounted(() => {
    if (--users > 0) return;
    loading?.then(
      (vit) => vit.dispose(),
      () => {},
    );
    loading = undefined;
  });
  return (report) => {
    loading ??= load(report);
    // Another question may have a network.
    loading.catch(() => {
      loading = undefined;
    });
    return loading;
  };
}

async function load(report) {
  report('Loading the library');
  const { loadViT } = await import('../../../dist/lib/index.js');
  return loadViT(withBase('/weights/vit-cifar10/model.json'), {
    onProgress: ({ loaded, total }) => report(`Loading the model: ${Math.round((100 * loaded) / total)} %`),
  });
}
