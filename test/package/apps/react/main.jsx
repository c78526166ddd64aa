import { StrictMode, useEffect } from 'react';
import { createRoot } from 'react-dom/client';
import { useClassify, useViT } from 'vit-webgpu/react';

const PHOTO = 'model/dog.jpg';

function WhatIsIt() {
  // On a software adapter, too, which is not chosen by itself.
  const { vit, error } = useViT('model/model.json', { backend: 'webgpu' });
  const { labels } = useClassify(vit, PHOTO, { topK: 1 });
  useEffect(() => {
    if (error) globalThis.result = { error: `${error}`, code: error.code };
    if (labels) report(vit, labels[0]);
  }, [vit, error, labels]);
  return labels ? <output>{labels[0].label}</output> : <progress />;
}

async function report(vit, { label, score }) {
  const { shape } = await vit.attend(PHOTO);
  const seen = document.querySelector('output').textContent;
  globalThis.result = { backend: vit.info.backend, label: seen === label && label, score, shape, warnings: [] };
}

createRoot(document.getElementById('app')).render(
  <StrictMode>
    <WhatIsIt />
  </StrictMode>,
);
