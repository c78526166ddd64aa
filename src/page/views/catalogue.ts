/**
 * Models to choose from: what each knows, and what it costs to have it. Each is a link, which can be opened elsewhere; followed
 * here, the model takes the place of the one that is here, or its place beside that.
 */
import { html, nothing } from 'lit-html';
import { changeModel } from '../engine/change-model.ts';
import { hasEmbeddedModel } from '../engine/model.ts';
import { CATALOGUE, EMBEDDED, type Offer } from '../state/catalogue.ts';
import { chooseSecond, modelAddress, secondAddress } from '../state/settings.ts';
import { format, text } from '../text/language.ts';

export function catalogueView(): unknown {
  const { catalogue } = text();
  return html`
    <section>
      <h3>${catalogue.title}</h3>
      <p class="soft">${catalogue.note}</p>
      <ul class="catalogue">${(hasEmbeddedModel() ? CATALOGUE : [EMBEDDED, ...CATALOGUE]).map(offerView)}</ul>
      ${
        secondAddress.value === null
          ? nothing
          : html`<button class="quiet" type="button" @click=${() => chooseSecond(null)}>${text().compare.stop}</button>`
      }
    </section>`;
}

function offerView(offer: Offer): unknown {
  const { catalogue } = text();
  const { address, knows, bytes, licence } = offer;
  const name = offer === EMBEDDED ? catalogue.embedded : offer.name;
  const url = new URL(location.href);
  if (offer === EMBEDDED) url.searchParams.delete('model');
  else url.searchParams.set('model', address);
  return html`
    <li>
      ${
        address === modelAddress.value
          ? html`<strong>${name}</strong>`
          : html`<a href=${url.href} @click=${(event: Event) => load(event, offer)}>${catalogue.load(name, format().bytes(bytes))}</a>`
      }
      <span class="soft">${catalogue.knows[knows]} ${licence}.</span>
      ${knows === 'thousand' || knows === 'ten' ? compareView(name, offer) : nothing}
    </li>`;
}

function compareView(name: string, { address }: Offer): unknown {
  if (address === modelAddress.value) return nothing;
  const { compare } = text();
  const isSecond = address === secondAddress.value;
  return html`
    <button
      class="quiet"
      type="button"
      aria-label=${compare.with(name)}
      aria-pressed=${isSecond}
      @click=${(event: Event) => {
        close(event);
        chooseSecond(isSecond ? null : address);
      }}
    >${compare.compare}</button>`;
}

function load(event: Event, offer: Offer): void {
  const { ctrlKey, metaKey, shiftKey } = event as MouseEvent;
  // In a tab of its own.
  if (ctrlKey || metaKey || shiftKey) return;
  event.preventDefault();
  close(event);
  changeModel(offer === EMBEDDED ? null : offer.address);
}

function close({ currentTarget }: Event): void {
  (currentTarget as Element).closest('dialog')!.close();
}
