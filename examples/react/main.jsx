import { StrictMode, useState } from 'react';
import { createRoot } from 'react-dom/client';
import { useClassify, useViT } from 'vit-webgpu/react';

function WhatIsIt() {
  const [photo, setPhoto] = useState(null);
  const { vit, status, progress, error } = useViT('model/model.json');
  const { labels, error: refused } = useClassify(vit, photo, { topK: 3 });
  return (
    <>
      <input type="file" accept="image/*" aria-label="A photo" onChange={({ target }) => setPhoto(target.files[0])} />
      {status === 'loading' && <progress value={progress?.loaded ?? 0} max={progress?.total} />}
      <p role="alert">{(error ?? refused)?.message}</p>
      <ol>
        {labels?.map(({ label, score }) => (
          <li key={label}>
            {label}: {Math.round(100 * score)} %
          </li>
        ))}
      </ol>
    </>
  );
}

createRoot(document.getElementById('app')).render(
  <StrictMode>
    <WhatIsIt />
  </StrictMode>,
);
