// The last step of `npm run build:libs`: adds to each built library in dist/libs what makes it a package, so that `npm pack` and
// `npm publish` can take that folder as it is. The paths in libs/<library>/package.json are meant from there.
import {
  copyFileSync,
  cpSync,
  existsSync,
  readdirSync,
  readFileSync,
  writeFileSync,
} from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = new URL('../', import.meta.url);

for (const entry of readdirSync(new URL('libs/', root), {
  withFileTypes: true,
})) {
  if (!entry.isDirectory()) continue;
  const source = new URL(`libs/${entry.name}/`, root);
  const built = new URL(`dist/libs/${entry.name}/`, root);
  if (!existsSync(new URL('index.js', built)))
    throw new Error(
      `${fileURLToPath(built)} has no index.js: build it first (nest build ${entry.name}).`,
    );

  // The scripts are for packing in libs/<library> (see pack-in-place.mjs); here there is nothing to make ready.
  const { scripts: _, ...manifest } = JSON.parse(
    readFileSync(new URL('package.json', source), 'utf8'),
  );
  writeFileSync(
    new URL('package.json', built),
    `${JSON.stringify(manifest, null, 2)}\n`,
  );
  copyFileSync(new URL('README.md', source), new URL('README.md', built));
  copyFileSync(new URL('LICENSE', root), new URL('LICENSE', built));
  const guides = new URL('docs/', source);
  if (existsSync(guides))
    cpSync(guides, new URL('docs/', built), { recursive: true });
}
