// Exits with 0 if something listens at each of the URLs.
import { connect } from 'node:net';

const answers = (url) =>
  new Promise((resolve) => {
    const { hostname, port, protocol } = new URL(url);
    const socket = connect({
      host: hostname,
      port: Number(port) || (protocol.startsWith('redis') ? 6379 : 5432),
      timeout: 2_000,
    });
    const end = (result) => {
      socket.destroy();
      resolve(result);
    };
    socket.once('connect', () => end(true));
    socket.once('error', () => end(false));
    socket.once('timeout', () => end(false));
  });

const all = await Promise.all(process.argv.slice(2).map(answers));
process.exit(all.every(Boolean) ? 0 : 1);
