export function wrongWith(tag: string, files: { manifest: string; source: string; changelog: string }): string[];
