/**
 * Other models, from the Hub: what each knows, and what it costs to have it. Each is a link: another model is another page.
 */
import { html } from 'lit-html';
import { CATALOGUE, type Offer } from '../state/catalogue.ts';
import { format, text } from '../text/language.ts';

export function catalogueView(): unknown {
  const { catalogue } = text();
  return html`
    <section>
      <h3>${catalogue.title}</h3>
      <p class="soft">${catalogue.note}</p>
      <ul class="catalogue">${CATALOGUE.map(offerView)}</ul>
    </section>`;
}

function offerView({ address, name, knows, bytes, licence }: Offer): unknown {
  const { catalogue } = text();
  const url = new URL(location.href);
  url.searchParams.set('model', address);
  return html`
    <li>
      <a href=${url.href}>${catalogue.load(name, format().bytes(bytes))}</a>
      <span class="soft">${catalogue.knows[knows]} ${licence}.</span>
    </li>`;
}
