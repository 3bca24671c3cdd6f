import {
  Controller,
  Get,
  Logger,
  ServiceUnavailableException,
} from '@nestjs/common';
import { KYU_DATA_SOURCE } from '@kyu/nestjs';
import { InjectDataSource } from '@nestjs/typeorm';
import { DataSource } from 'typeorm';

/** Shorter than the patience of whoever asks; a pool that waits for a connection would take ten seconds. */
const PATIENCE_MS = 2_000;

/** Healthy means: Postgres answers. Without Redis jobs still run, so a process is not to be replaced for that. */
@Controller('health')
export class HealthController {
  private readonly logger = new Logger('Health');

  constructor(
    @InjectDataSource(KYU_DATA_SOURCE) private readonly dataSource: DataSource,
  ) {}

  @Get()
  async check(): Promise<{ status: 'ok' }> {
    let timer: NodeJS.Timeout | undefined;
    const timeout = new Promise<never>((_, reject) => {
      timer = setTimeout(reject, PATIENCE_MS, new Error('no answer'));
    });
    try {
      await Promise.race([this.dataSource.query('select 1'), timeout]);
      return { status: 'ok' };
    } catch (error) {
      // The cause may hold host names, so it goes to the log and not to everyone who asks.
      this.logger.warn(`PostgreSQL: ${(error as Error).message}`);
      throw new ServiceUnavailableException('PostgreSQL does not answer');
    } finally {
      clearTimeout(timer);
    }
  }
}
