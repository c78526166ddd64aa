import { loadViT } from './vit/index.js';

const input = document.querySelector('input');
const output = document.querySelector('output');
const src = new URLSearchParams(location.search).get('src');
const loading = loadViT('model/model.json');

input.addEventListener('change', () => look(input.files[0]));
if (src) look(src);

async function look(picture) {
  output.textContent = '…';
  try {
    const [{ label, score }] = await (await loading).classify(picture);
    output.textContent = `${label}: ${Math.round(100 * score)} %`;
  } catch (error) {
    output.textContent = error.message;
  }
}
