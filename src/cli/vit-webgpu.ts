#!/usr/bin/env node
/**
 * The command `vit-webgpu`. What it does is in `command-line.ts`.
 */
import { run } from './command-line.ts';

process.exitCode = await run(process.argv.slice(2));
