import { Injectable, Logger } from '@nestjs/common';
import { OnJobEvent, type JobEventMap } from '@kyu/nestjs';
import { ExportLedger, RefundCard } from './payments.definitions.js';

/** Money that could not be moved is somebody's business. Stands for a message to whoever is on duty. */
@Injectable()
export class PaymentsAlerts {
  private readonly logger = new Logger('Alerts');

  @OnJobEvent('dead', RefundCard)
  @OnJobEvent('dead', ExportLedger)
  buried({ id, jobType, error }: JobEventMap['dead']): void {
    this.logger.log(`${jobType} ${id} needs a person: ${error}`);
  }
}
