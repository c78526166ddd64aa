import type { Browser } from 'puppeteer-core';

export function firefoxFailure(): string;
export function startFirefox(webgpu: boolean): Promise<Browser>;
