import { loadViT } from 'vit-webgpu';
import { createApp, h } from 'vue';
import 'vit-webgpu/element';

const attributes = { model: 'model/model.json', src: 'model/dog.jpg', 'top-k': 1, backend: 'webgpu' };

async function report({ detail: [{ label, score }] }) {
  const seen = document.querySelector('vit-classifier').shadowRoot.querySelector('[part=label]').textContent;
  const vit = await loadViT('model/model.json', { backend: 'webgpu' });
  const { shape } = await vit.attend('model/dog.jpg');
  globalThis.result = { backend: vit.info.backend, label: seen === label && label, score, shape, warnings: [] };
}

function fail({ detail }) {
  globalThis.result = { error: `${detail}`, code: detail.code };
}

createApp(() => h('vit-classifier', { ...attributes, onAnswer: report, onFailure: fail })).mount('#app');
