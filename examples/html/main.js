import { loadViT } from './vit/index.js';

const input = document.querySelector('input');
const output = document.querySelector('output');
const loading = loadViT('model/model.json');
loading.catch(show);

input.addEventListener('change', async () => {
  output.textContent = '…';
  try {
    const vit = await loading;
    const labels = await vit.classify(input.files[0], { topK: 3 });
    output.textContent = labels.map(({ label, score }) => `${label}: ${Math.round(100 * score)} %`).join(', ');
  } catch (error) {
    show(error);
  }
});

function show({ message }) {
  output.textContent = message;
}
