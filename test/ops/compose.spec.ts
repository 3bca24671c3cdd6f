import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { Script } from 'node:vm';
import { Ajv } from 'ajv';
import { COMPOSE, exists, readJson, readText, service } from './files.js';

// dclint ships the schema of the Compose Specification and does not export it, hence by path.
const SCHEMA = 'node_modules/dclint/schemas/compose.schema.json';
const SERVICES = Object.entries(COMPOSE.services);

describe('docker-compose.yml against the Compose Specification', () => {
  const schema = readJson<Record<string, unknown>>(SCHEMA);
  // Ajv knows draft 7 by its http: name alone. The formats (ports, durations) are checked below or by eye.
  const validate = new Ajv({
    strict: false,
    allErrors: true,
    validateFormats: false,
  }).compile({ ...schema, $schema: 'http://json-schema.org/draft-07/schema#' });

  it('is valid', () => {
    validate(COMPOSE);
    expect(validate.errors ?? []).toEqual([]);
  });

  it('would not be with a key that the specification does not know', () => {
    const { api, ...others } = COMPOSE.services;
    const typo = { ...api, helthcheck: {} };
    expect(validate({ services: { ...others, api: typo } })).toBe(false);
  });

  it('has the services that it is for', () => {
    expect(Object.keys(COMPOSE.services).sort()).toEqual(
      ['api', 'grafana', 'postgres', 'prometheus', 'redis', 'worker'], // prettier-ignore
    );
  });

  it('refers to services and volumes that it has', () => {
    for (const [, { depends_on = {}, volumes = [] }] of SERVICES) {
      expect(Object.keys(COMPOSE.services)).toEqual(
        expect.arrayContaining(Object.keys(depends_on)),
      );
      for (const volume of volumes.filter((name) => !name.startsWith('.')))
        expect(Object.keys(COMPOSE.volumes)).toContain(volume.split(':')[0]);
    }
  });
});

describe('docker-compose.yml and the network', () => {
  it('publishes ports on 127.0.0.1 only', () => {
    const ports = SERVICES.flatMap(([, { ports = [] }]) => ports);
    expect(ports).not.toHaveLength(0);
    for (const port of ports)
      expect(port).toMatch(/^127\.0\.0\.1:\$\{\w+:-\d+\}:\d+$/);
  });

  it('publishes neither PostgreSQL nor Redis', () => {
    expect(service('postgres').ports).toBeUndefined();
    expect(service('redis').ports).toBeUndefined();
  });

  it('can run any number of workers', () => {
    expect(service('worker').ports).toBeUndefined();
    expect(service('worker').container_name).toBeUndefined();
  });
});

describe('docker-compose.yml and secrets', () => {
  const REQUIRED = /^\$\{(\w+):\?[^}]+\}$/;
  const variables = SERVICES.flatMap(([, { environment = {} }]) =>
    Object.entries(environment),
  );

  it('takes each password from a variable that must be set', () => {
    const passwords = variables.filter(([name]) =>
      /PASSWORD|SECRET|TOKEN/.test(name),
    );
    expect(passwords.length).toBeGreaterThanOrEqual(2);
    for (const [, value] of passwords) expect(value).toMatch(REQUIRED);
  });

  it('has no password in a URL either', () => {
    const inUrls = [...readText('docker-compose.yml').matchAll(/:\/\/\w*:(.+)@/g)]; // prettier-ignore
    expect(inUrls).not.toHaveLength(0);
    for (const [, password] of inUrls) expect(password).toMatch(REQUIRED);
  });

  it('names all its variables in .env.example, which sets no password', () => {
    const example = readText('.env.example');
    const used = readText('docker-compose.yml').matchAll(/\$\{(\w+)/g);
    for (const [, name] of used)
      expect(example).toMatch(new RegExp(`^(# )?${name}=`, 'm'));
    expect(example).toMatch(/^KYU_POSTGRES_PASSWORD=$/m);
    expect(example).not.toMatch(/PASSWORD=./);
    expect(readText('.gitignore').split('\n')).toContain('.env');
  });
});

describe('the images', () => {
  // A name, a colon, and a tag that says a version; the example's own image is built here and is in no registry.
  const PINNED = /^[\w./-]+:v?\d+(\.\d+)*(-[\w.-]+)?$/;
  const dockerfile = readText('apps/example/Dockerfile');

  it('are pinned to a version', () => {
    const pulled = SERVICES.filter(([, { build }]) => !build);
    const bases = [...dockerfile.matchAll(/^FROM (\S+)/gm)];
    for (const image of [
      ...pulled.map(([, { image }]) => image),
      ...bases.map(([, image]) => image),
    ])
      expect(image).toMatch(PINNED);
    expect(service('api').image).toBe('kyu-example:local');
    expect(service('worker').image).toBe('kyu-example:local');
  });

  it('build from files that are there', () => {
    for (const name of ['api', 'worker'])
      expect(service(name).build).toEqual({
        context: '.',
        dockerfile: 'apps/example/Dockerfile',
      });
    const copied = [...dockerfile.matchAll(/^COPY (?!--from)(.+) \S+$/gm)]
      .flatMap(([, sources]) => sources!.split(' '))
      .filter((source, index, all) => all.indexOf(source) === index);
    const context = readText('.dockerignore').split('\n');
    for (const source of copied) {
      expect(exists(source)).toBe(true);
      expect(context).toContain(`!${source}`);
    }
  });

  it('run without root, and get the signal to stop', () => {
    expect(dockerfile).toMatch(/^USER node$/m);
    expect(dockerfile).toMatch(/^CMD \["node", /m); // not through a shell or npm
    expect(dockerfile).toMatch(/^STOPSIGNAL SIGTERM$/m);
  });
});

describe('the containers of the application', () => {
  it('get only environment variables that the application or Kyu reads', () => {
    const read = new Set(
      ['libs/kyu/src', 'apps/example/src'].flatMap(variablesRead),
    );
    read.add('NODE_ENV'); // Express reads it
    const [, image = ''] =
      /^ENV ((?:.+\\\n)*.+)$/m.exec(readText('apps/example/Dockerfile')) ?? [];
    const given = [
      ...Object.keys(service('api').environment ?? {}),
      ...Object.keys(service('worker').environment ?? {}),
      ...[...image.matchAll(/(\w+)=/g)].map(([, name]) => name!),
    ];
    expect(given).toEqual(
      expect.arrayContaining(['KYU_POSTGRES_URL', 'KYU_MODE', 'HOST']),
    );
    expect(given.filter((name) => !read.has(name))).toEqual([]);
  });

  it('are one API and workers', () => {
    expect(service('api').environment).toMatchObject({ KYU_MODE: 'producer' });
    expect(service('worker').environment).toMatchObject({ KYU_MODE: 'worker' });
  });

  it('get longer to stop than the handlers do', () => {
    const drainTimeout = /drainTimeout, '(\d+)s'/.exec(
      readText('libs/kyu/src/config/resolve-options.ts'),
    );
    for (const name of ['api', 'worker'])
      expect(
        parseInt(service(name).stop_grace_period ?? '', 10),
      ).toBeGreaterThan(Number(drainTimeout?.[1]));
  });

  it('wait until the servers are healthy', () => {
    for (const name of ['postgres', 'redis']) {
      expect(service(name).healthcheck).toBeDefined();
      for (const app of ['api', 'worker'])
        expect(service(app).depends_on?.[name]).toEqual({
          condition: 'service_healthy',
        });
    }
  });

  it('are checked by a script that node can read', () => {
    for (const name of ['api', 'worker']) {
      const [, command, flag, script] = service(name).healthcheck!.test;
      expect([command, flag]).toEqual(['node', '-e']);
      expect(() => new Script(script!)).not.toThrow();
    }
  });
});

/** Names read as `env.NAME`, or given as text to a function that reads them, in a folder's sources without its specs. */
function variablesRead(folder: string): string[] {
  const root = join(import.meta.dirname, '..', '..', folder);
  return readdirSync(root, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts') && !file.endsWith('.spec.ts'))
    .map((file) => readText(join(folder, file)))
    .filter((source) => source.includes('process.env'))
    .flatMap((source) => [
      ...source.matchAll(/\benv\.([A-Z][A-Z0-9_]*)|'([A-Z][A-Z0-9_]*)'/g),
    ])
    .map(([, read, given]) => read ?? given!);
}
