/**
 * Whether somebody said no to the larger model: then it is not offered again, nor at the next visit.
 */
import { signal } from '@preact/signals-core';
import { remembered } from './remembered.ts';

export const isOfferDeclined = signal(remembered.get('offer') === 'declined');

export function declineOffer(): void {
  isOfferDeclined.value = true;
  remembered.set('offer', 'declined');
}
