import { Body, Controller, Post } from '@nestjs/common';
import { InjectQueue, QueueService } from '@kyu/nestjs';

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

  @Post('charges')
  async charge(@Body() charge: { paid: boolean }): Promise<{ id: string }> {
    return { id: await this.billing.enqueue('charge', charge) };
  }
}
