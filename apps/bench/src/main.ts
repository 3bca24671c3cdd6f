console.log('bench', process.version);
