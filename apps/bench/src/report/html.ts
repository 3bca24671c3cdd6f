import type { Report } from './results.js';
export const html = (report: Report): string => JSON.stringify(report);
