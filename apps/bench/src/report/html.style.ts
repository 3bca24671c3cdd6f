/** Of the report. Light and dark are the reader's choice, by his system. */
export const STYLE = `
:root { color-scheme: light dark; --ink: #1f2328; --dim: #656d76; --line: #d8dee4; --page: #ffffff; --card: #f6f8fa;
  --kyu: #0969da; --peer: #9aa4b0; --floor: #d0b98c; --pass: #1a7f37; --fail: #cf222e; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6edf3; --dim: #8d96a0; --line: #30363d; --page: #0d1117; --card: #161b22;
  --kyu: #4493f8; --peer: #6e7681; --floor: #8a7648; --pass: #3fb950; --fail: #f85149; } }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 2rem 1.25rem 4rem; max-width: 68rem; background: var(--page); color: var(--ink);
  font: 16px/1.5 system-ui, sans-serif; }
h1 { margin: 0; font-size: 2rem; } h2 { margin: 2.5rem 0 .25rem; font-size: 1.3rem; } h3 { margin: 0 0 .5rem; font-size: 1rem; }
p { margin: .25rem 0 1rem; color: var(--dim); } a { color: var(--kyu); }
.note { border-left: 4px solid var(--fail); padding: .5rem 1rem; background: var(--card); color: var(--ink); }
.cards { display: grid; gap: 1rem; grid-template-columns: repeat(auto-fit, minmax(min(100%, 30rem), 1fr)); }
.card { border: 1px solid var(--line); border-radius: 8px; padding: 1rem; background: var(--card); }
.card svg { width: 100%; height: auto; display: block; }
svg text { fill: var(--ink); font: 13px system-ui, sans-serif; } svg .dim { fill: var(--dim); }
svg .kyu { fill: var(--kyu); } svg .peer { fill: var(--peer); } svg .floor { fill: var(--floor); }
svg .range { stroke: var(--ink); stroke-width: 1.5; opacity: .55; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-size: .9rem; } th, td { text-align: left; padding: .35rem .75rem .35rem 0;
  border-bottom: 1px solid var(--line); vertical-align: top; } th { color: var(--dim); font-weight: 500; }
td.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
.pass { color: var(--pass); font-weight: 600; } .fail { color: var(--fail); font-weight: 600; }
code { font: .85em ui-monospace, monospace; overflow-wrap: anywhere; }
`;
