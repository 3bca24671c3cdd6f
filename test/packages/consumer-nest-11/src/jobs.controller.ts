import { Body, Controller, Post } from '@nestjs/common';
import { InjectQueue, QueueService } from '@kyu/nestjs';
import { Ship } from './jobs';

@Controller()
export class JobsController {
  constructor(
    private readonly queue: QueueService,
    @InjectQueue('billing') private readonly billing: QueueService,
  ) {}

  @Post('greetings')
  async greet(@Body('name') name: string): Promise<{ id: string }> {
    return { id: await this.queue.enqueue('greet', { name }) };
  }

  @Post('orders')
  async ship(@Body('order') order: string): Promise<{ id: string }> {
    return { id: await this.queue.enqueue(Ship, { order }) };
  }

  @Post('charges')
  async charge(@Body() charge: { paid: boolean }): Promise<{ id: string }> {
    return { id: await this.billing.enqueue('charge', charge) };
  }
}
