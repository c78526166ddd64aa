/**
 * What is given away from within a call, one thing after another as each is asked for. Nothing is made before that: there is one
 * thing at a time.
 * @param pour gives things, and goes on with each when the next one is wanted
 */
export async function* drawn<T>(pour: (give: (thing: T) => Promise<void>) => Promise<void>): AsyncGenerator<T> {
  let offer: { thing: T; taken: () => void } | null = null;
  let wake = () => {};
  const pouring = pour((thing) => {
    const given = new Promise<void>((taken) => {
      offer = { thing, taken };
    });
    wake();
    return given;
  });
  const ended = pouring.then(() => true);
  for (;;) {
    const offered = new Promise<boolean>((resolve) => {
      wake = () => resolve(false);
      if (offer) wake();
    });
    if (await Promise.race([offered, ended])) return;
    const { thing, taken }: { thing: T; taken: () => void } = offer!;
    yield thing;
    offer = null;
    taken();
  }
}
