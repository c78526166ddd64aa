import { WhatIsIt } from './what-is-it.jsx';

/** Rendered on the server; the model runs where the photo is. */
export default function Page() {
  return (
    <main>
      <h1>What is it?</h1>
      <WhatIsIt />
    </main>
  );
}
