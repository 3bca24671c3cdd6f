import { posix } from 'node:path';

const LINK = /\]\(([^)\s]+)\)/g;

/** Files, by their path in a package, and how to read one. */
export interface Files {
  files: readonly string[];
  read: (file: string) => Promise<string>;
}

/** The relative links of the Markdown files that lead to no file, or to no heading of it. */
export async function brokenLinks({ files, read }: Files): Promise<string[]> {
  const broken: string[] = [];
  for (const file of files.filter((name) => name.endsWith('.md'))) {
    const text = withoutCode(await read(file));
    for (const [, link = ''] of text.matchAll(LINK)) {
      if (/^[a-z]+:/.test(link)) continue;
      const [path, anchor] = link.split('#');
      const target = path ? posix.join(posix.dirname(file), path) : file;
      const leads =
        files.includes(target) &&
        (!anchor || anchors(await read(target)).includes(anchor));
      if (!leads) broken.push(`${file}: ${link}`);
    }
  }
  return broken;
}

const withoutCode = (text: string): string =>
  text.replace(/```[\s\S]*?```/g, '').replace(/`[^`\n]*`/g, '');

/** As GitHub and npm make them. */
const anchors = (text: string): string[] =>
  [...text.replace(/```[\s\S]*?```/g, '').matchAll(/^#+ (.*)$/gm)].map(
    ([, heading = '']) =>
      heading
        .toLowerCase()
        .replace(/[^\p{L}\p{N} _-]/gu, '')
        .replaceAll(' ', '-'),
  );
