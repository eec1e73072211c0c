export { type Template, compileTemplate } from './template.ts';
