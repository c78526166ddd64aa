/**
 * What this page does, as code of one's own, with the model and the backend that are chosen here.
 */
import { html } from 'lit-html';
import { notify } from '../state/notices.ts';
import { backend, modelAddress } from '../state/settings.ts';
import { text } from '../text/language.ts';
import { openDialog } from './dialog.ts';

export function openCode(): void {
  openDialog(
    () => text().code.title,
    () => html`
      <pre tabindex="0"><code>${snippet()}</code></pre>
      <button class="quiet" type="button" @click=${copy}>${text().code.copy}</button>`,
  );
}

function snippet(): string {
  const address = modelAddress.value ?? '/models/vit-cifar10/model.json';
  const options = backend.value === 'auto' ? '' : `, { backend: '${backend.value}' }`;
  return `import { loadViT } from 'vit-webgpu';

const vit = await loadViT(${JSON.stringify(address)}${options});
const [best] = await vit.classify(file);  // best first
console.log(best.label, best.score, vit.info.backend);
vit.dispose();`;
}

async function copy(): Promise<void> {
  const { code, strip } = text();
  const isCopied = await navigator.clipboard.writeText(snippet()).then(
    () => true,
    () => false,
  );
  notify(isCopied ? code.copied : strip.notCopied);
}
