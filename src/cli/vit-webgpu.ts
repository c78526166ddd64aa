#!/usr/bin/env node
/**
 * The command `vit-webgpu`. What it does is in `program.ts`.
 */
import { run } from './program.ts';

process.exitCode = await run(process.argv.slice(2));
