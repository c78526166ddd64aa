/** What the annex `tune` brings to a backend: tuning and profile. */
export { profile } from './profile.ts';
export { tune } from './tuner.ts';
