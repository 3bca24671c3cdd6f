import {
  Inject,
  Injectable,
  type LoggerService,
  type OnModuleInit,
} from '@nestjs/common';
import { KyuConfig } from '../config/kyu.config.js';
import { Registrations } from '../config/registrations.js';
import { KyuLogger } from '../runtime/kyu-logger.js';
import { Database } from '../store/database.js';

/** Connections beside those that handlers hold: one that a handler may need besides, one for the rest of the application. */
const BESIDE_HANDLERS = 2;

/** Is responsible for the warning that the lent `DataSource` has too few connections for the handlers of its jobs. */
@Injectable()
export class LentPoolCheck implements OnModuleInit {
  constructor(
    @Inject(KyuConfig) private readonly config: KyuConfig,
    private readonly registrations: Registrations,
    private readonly database: Database,
    @Inject(KyuLogger) private readonly logger: LoggerService,
  ) {}

  onModuleInit(): void {
    const { dataSource } = this.config.postgres;
    if (!dataSource) return;
    const sharing = this.registrations
      .all(KyuConfig)
      .filter(
        ({ mode, postgres }) =>
          mode !== 'producer' && postgres.dataSource === dataSource,
      );
    if (sharing[0] !== this.config) return; // the first one speaks for all
    const jobs = sharing.reduce((sum, { workers }) => sum + workers, 0);
    const { maxConnections } = this.database;
    if (maxConnections >= jobs + BESIDE_HANDLERS) return;
    this.logger.warn(
      `postgres.dataSource has a pool of ${maxConnections} connections, and ${jobs} jobs run at once in this process. ` +
        'Handlers that each hold one and need a second wait for ever. ' +
        `Give the DataSource poolSize ${jobs + BESIDE_HANDLERS} or more (the jobs at once, and ${BESIDE_HANDLERS}), or run fewer jobs at once: workers. ` +
        "Kyu's own statements have connections of their own.",
    );
  }
}
