import { readFileSync } from 'node:fs';
import { expect, it } from '@jest/globals';
import ts from 'typescript';

const source = readFileSync(new URL('../src/react.ts', import.meta.url), 'utf8');

it.each([
  ['an ES module', ts.ModuleKind.ES2022],
  ['CommonJS', ts.ModuleKind.CommonJS],
])("the React binding compiled to %s begins with 'use client'", (_, module) => {
  const { outputText } = ts.transpileModule(source, {
    compilerOptions: { module, target: ts.ScriptTarget.ES2022 },
  });
  // TypeScript puts its own directive before it in CommonJS.
  expect(outputText).toMatch(/^("use strict";\n)?'use client';\n/);
});
