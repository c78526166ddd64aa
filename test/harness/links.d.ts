export function deadLinks(folder: string, except?: string[]): string[];
