'use client';

import { useState } from 'react';
import { useClassify, useViT } from 'vit-webgpu/react';

export function WhatIsIt() {
  const [photo, setPhoto] = useState(null);
  const { vit, status, error } = useViT('/model/model.json');
  const { labels, error: refused } = useClassify(vit, photo, { topK: 3 });
  return (
    <>
      <input type="file" accept="image/*" aria-label="A photo" onChange={({ target }) => setPhoto(target.files[0])} />
      <p role="status">{(error ?? refused)?.message ?? status}</p>
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
